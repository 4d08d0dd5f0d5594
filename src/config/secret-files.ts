import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { settingError } from './errors.js'
import type { Config } from './settings.js'

/** The settings that may hold a secret. */
const IN_FILES = [
  'SECRET_KEY', 'SECRET_KEY_PREVIOUS', 'DATABASE_URL', 'DATABASE_MIGRATION_URL', 'REDIS_URL', 'SMTP_URL'
] as const satisfies Array<keyof Config>

/**
 * Reads the secrets that are given as files, as Docker and Kubernetes mount them: `SECRET_KEY_FILE=/run/secrets/key` is the
 * `SECRET_KEY` that is written in that file. The line break at its end does not count.
 * @param env variables of the environment
 * @returns the settings that are in files
 * @throws ConfigError when a file cannot be read, is empty or no UTF-8 text, or the setting is also given by itself: nobody could
 * tell which of the two counts
 */
export function readSecretFiles (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const given = IN_FILES.flatMap((name) => {
    const path = env[`${name}_FILE`]?.trim()
    return path ? [[name, readSecret(name, path, env)] as const] : []
  })
  return Object.fromEntries(given)
}

function readSecret (name: keyof Config, path: string, env: NodeJS.ProcessEnv): string {
  if (env[name]?.trim()) throw settingError(name, `it is given twice, and ${name}_FILE is the other one`)
  let bytes
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw settingError(name, `the file of ${name}_FILE cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  if (!isUtf8(bytes)) throw settingError(name, `the file of ${name}_FILE is no text in UTF-8`)
  const secret = bytes.toString().replace(/\r?\n$/, '')
  if (!secret.trim()) throw settingError(name, `the file of ${name}_FILE is empty`)
  return secret
}
