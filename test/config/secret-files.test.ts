import { join } from 'node:path'
import t from 'tap'
import { ConfigError } from '../../src/config/errors.js'
import { loadConfig } from '../../src/config/load.js'
import { Settings, type Config } from '../../src/config/settings.js'
import { teardown } from '../support/teardown.js'

const SECRET_KEY = 'kF9v2xQ7mZ4tB8nR1wY6cH3jL5pS0dGa'

for (const name of Object.keys(Settings.properties)) delete process.env[name]
const home = process.cwd()
process.chdir(t.testdir())
teardown(t, () => { process.chdir(home) })

t.test('each setting that may hold a secret can be in a file, with or without a line break at its end', async (t) => {
  const secrets = {
    SECRET_KEY,
    SECRET_KEY_PREVIOUS: `${SECRET_KEY} with a space at its end `,
    DATABASE_URL: 'postgres://ada:hunter2@db.example/todo',
    DATABASE_MIGRATION_URL: 'postgres://admin:hunter2@db.example/todo',
    REDIS_URL: 'redis://:hunter2@redis.example',
    SMTP_URL: 'smtp://ada:hunter2@mail.example'
  }
  for (const end of ['', '\n', '\r\n']) {
    const folder = t.testdir(Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, secret + end])))
    const files = Object.fromEntries(Object.keys(secrets).map((name) => [`${name}_FILE`, join(folder, name)]))
    t.match(loadConfig({ ...files, NODE_ENV: 'production', MAIL_FROM: 'todo@mail.example', APP_URL: 'https://app.example/' }), secrets)
  }
})

t.test('a file that gives no secret stops the start with one line, which tells nothing of what is in it', async (t) => {
  const folder = t.testdir({ good: SECRET_KEY, short: 'hunter2', empty: '\n', 'latin-1': Buffer.from(`${SECRET_KEY}ü`, 'latin1'), folder: {}, sample: `replace-me-${SECRET_KEY}` })
  const cases: Array<[Record<string, string>, keyof Config, RegExp]> = [
    [{ SECRET_KEY_FILE: 'absent' }, 'SECRET_KEY', /\(the file of SECRET_KEY_FILE cannot be read: ENOENT\)$/],
    [{ SECRET_KEY_FILE: 'folder' }, 'SECRET_KEY', /cannot be read: EISDIR\)$/],
    [{ SECRET_KEY_FILE: 'empty' }, 'SECRET_KEY', /\(the file of SECRET_KEY_FILE is empty\)$/],
    [{ SECRET_KEY_FILE: 'latin-1' }, 'SECRET_KEY', /\(the file of SECRET_KEY_FILE is no text in UTF-8\)$/],
    [{ SECRET_KEY_FILE: 'short' }, 'SECRET_KEY', /at least 32 random characters/],
    [{ SECRET_KEY_FILE: 'sample', NODE_ENV: 'production', DATABASE_URL: 'postgres://db.example/todo' }, 'SECRET_KEY', /placeholder/],
    [{ SECRET_KEY_FILE: 'good', SECRET_KEY }, 'SECRET_KEY', /\(it is given twice, and SECRET_KEY_FILE is the other one\)$/],
    [{ DATABASE_URL_FILE: 'short' }, 'DATABASE_URL', /^Setting DATABASE_URL is missing or wrong/]
  ]
  for (const [given, name, said] of cases) {
    const env = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, key.endsWith('_FILE') ? join(folder, value) : value]))
    try {
      loadConfig(env)
      t.fail(`${JSON.stringify(given)} is refused`)
    } catch (error) {
      const { message } = error as Error
      t.type(error, ConfigError)
      t.match(message, said)
      t.match(message, `Setting ${name} is`)
      t.notMatch(message, /\n|hunter2|kF9v2/)
    }
  }
})

t.test('an empty path is no file, and a setting that holds no secret is not looked for in one', async (t) => {
  t.equal(loadConfig({ SECRET_KEY, SECRET_KEY_FILE: ' ', PORT_FILE: '/absent' }).SECRET_KEY, SECRET_KEY)
})
