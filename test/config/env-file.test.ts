import t from 'tap'
import { readEnvFile } from '../../src/config/env-file.js'
import { ConfigError } from '../../src/config/errors.js'

const TEXT = 'DATABASE_URL=postgres://db.example/todo\r\nAPI_TITLE="Für alle"\n'
const SETTINGS = { DATABASE_URL: 'postgres://db.example/todo', API_TITLE: 'Für alle' }

t.test('a file of settings is read, also with a byte-order mark, which an editor of Windows writes', async (t) => {
  const folder = t.testdir({ plain: TEXT, marked: `\ufeff${TEXT}`, empty: '' })
  t.strictSame(readEnvFile(`${folder}/plain`), SETTINGS)
  t.strictSame(readEnvFile(`${folder}/marked`), SETTINGS, 'and the first line counts')
  t.strictSame(readEnvFile(`${folder}/empty`), {})
  t.strictSame(readEnvFile(`${folder}/absent`), {})
})

t.test('what is no text in UTF-8 stops the start with one line, instead of being taken for nothing', async (t) => {
  const folder = t.testdir({
    'utf-16': Buffer.from(`\ufeff${TEXT}`, 'utf16le'), 'utf-16 without a mark': Buffer.from('PORT=1\n', 'utf16le'), 'latin-1': Buffer.from(TEXT, 'latin1'), folder: {}
  })
  for (const name of ['utf-16', 'utf-16 without a mark', 'latin-1']) {
    t.throws(() => readEnvFile(`${folder}/${name}`), { constructor: ConfigError, message: `The file ${folder}/${name} has to be text in UTF-8` }, name)
  }
  t.throws(() => readEnvFile(`${folder}/folder`), { constructor: ConfigError, message: `The file ${folder}/folder cannot be read: it is a folder` })
  t.throws(() => readEnvFile(`${folder}/latin-1/file`), { constructor: ConfigError, message: /cannot be read: ENOTDIR$/ })
})
