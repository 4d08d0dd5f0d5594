import type { Test } from 'tap'
import { ConfigError } from '../../src/config/errors.js'
import { loadConfig } from '../../src/config/load.js'
import { Settings, type Config } from '../../src/config/settings.js'
import { teardown } from './teardown.js'

export const names = Object.keys(Settings.properties) as Array<keyof Config>

export const SECRET_KEY = 'kF9v2xQ7mZ4tB8nR1wY6cH3jL5pS0dGa'
export const production = { NODE_ENV: 'production', DATABASE_URL: 'postgres://ada:hunter2@db.example/todo', SECRET_KEY }

/** The settings come from the tests alone, and what a start writes goes into a folder of theirs. */
export function settingsAlone (t: Test): void {
  for (const name of names) delete process.env[name]
  const home = process.cwd()
  process.chdir(t.testdir())
  teardown(t, () => { process.chdir(home) })
}

/** A bad setting is one line that names it and says how to mend it, and keeps its value to itself. */
export function isRefused (t: Test, env: NodeJS.ProcessEnv, name: keyof Config, said: RegExp = /./): void {
  const value = env[name]
  const rule = Settings.properties[name].description!
  try {
    loadConfig({ SECRET_KEY, ...env })
    t.fail(`${name}=${value} is refused`)
  } catch (error) {
    const { message } = error as Error
    t.type(error, ConfigError, `${name}=${value} is refused`)
    t.ok(message.startsWith(`Setting ${name} is missing or wrong: it has to be ${rule}`), message)
    t.match(message, said)
    t.notMatch(message, /\n|hunter2/)
    if (name.startsWith('SECRET_KEY') && value?.trim()) t.notOk(message.includes(value), 'and without the value')
  }
}
