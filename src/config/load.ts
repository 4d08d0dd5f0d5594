import { Ajv } from 'ajv'
import { BadConnectionString } from '../db/connection-parameters.js'
import { parseConnectionString } from '../db/connection-string.js'
import { readEnvFile } from './env-file.js'
import { settingError } from './errors.js'
import { areOrigins, areProxies, isDatabase, isPostgres, isRedisUrl, isSmtpUrl, isWebUrl } from './formats.js'
import { keepPrivate, keptSecret } from './secret.js'
import { readSecretFiles } from './secret-files.js'
import { DATA } from './setting-kinds.js'
import { Settings, type Config } from './settings.js'

// What runs once is not worth the time that Ajv takes to check the schema and to optimize the validator.
const validate = new Ajv({ coerceTypes: true, useDefaults: true, meta: false, validateSchema: false, code: { optimize: false } })
  .addFormat('database', isDatabase).addFormat('postgres', isPostgres).addFormat('proxies', areProxies).addFormat('origins', areOrigins)
  .addFormat('redis', isRedisUrl).addFormat('smtp', isSmtpUrl).addFormat('web', isWebUrl).addFormat('address', /^[^\s@<>,;]+@[^\s@<>,;]+$/)
  .addVocabulary(['x-note', 'x-default']).compile<Config>(Settings)

/** Placeholders that people forget to replace by a secret. */
const PLACEHOLDER = /change|replace|placeholder|example|your[-_ ]|default|secret|password|^(.{1,8})\1+$/i

const SECRETS = ['SECRET_KEY', 'SECRET_KEY_PREVIOUS'] as const

/**
 * Reads the settings.
 * @param env the environment; by default the process's own over the `.env` file of the current folder
 * @returns every setting, checked, with defaults
 * @throws ConfigError for the first bad setting
 */
export function loadConfig (env: NodeJS.ProcessEnv = { ...readEnvFile('.env'), ...process.env }): Config {
  const given = trimmed({ ...env, ...readSecretFiles(env) })
  const production = given.NODE_ENV === 'production'
  if (production) requireOwn(given, 'no default in production', 'DATABASE_URL', 'SECRET_KEY')
  given.HOST ??= production ? '0.0.0.0' : '127.0.0.1'
  given.SHUTDOWN_DRAIN_SECONDS ??= production ? 3 : 0
  given.SECRET_KEY ??= keptSecret(DATA)
  for (const path of [DATA, `${DATA}/secret-key`]) keepPrivate(path)
  const settings: unknown = given
  if (!validate(settings)) throw settingError(validate.errors![0]!.instancePath.slice(1) as keyof Config)
  checkTogether(settings)
  for (const name of SECRETS) {
    if (production && PLACEHOLDER.test(settings[name] ?? '')) throw settingError(name, 'this one is a placeholder')
  }
  const names = Object.keys(Settings.properties) as Array<keyof Config>
  return Object.fromEntries(names.map((name) => [name, settings[name]])) as Config
}

/**
 * The values, trimmed of the white space that files often leave around them. Secrets are not trimmed.
 * An empty value means "not set", as a line `NAME=` in .env suggests.
 */
function trimmed (env: NodeJS.ProcessEnv): Record<string, unknown> {
  const given = Object.entries(env).filter(([, value]) => value?.trim())
  return Object.fromEntries(given.map(([name, value]) => [name, SECRETS.includes(name as never) ? value : value!.trim()]))
}

function requireOwn (given: Partial<Record<keyof Config, unknown>>, why: string, ...names: Array<keyof Config>): void {
  for (const name of names) {
    if (!given[name]) throw settingError(name, why)
  }
}

/** The rules that no schema can say. */
function checkTogether (settings: Config): void {
  const { DATABASE_URL: url, ARGON2_MEMORY_KIB: memory, ARGON2_PARALLELISM: lanes } = settings
  if (settings.SMTP_URL) requireOwn(settings, 'needed with SMTP_URL', 'MAIL_FROM', 'APP_URL')
  else if (settings.REQUIRE_VERIFIED_EMAIL && settings.NODE_ENV === 'production') throw settingError('SMTP_URL', 'REQUIRE_VERIFIED_EMAIL needs mails')

  if (settings.METRICS_PORT && settings.METRICS_PORT === settings.PORT) throw settingError('METRICS_PORT', 'it is that of PORT')

  // RFC 9106 §3.1
  if (memory < 8 * lanes) throw settingError('ARGON2_MEMORY_KIB', `${8 * lanes} or more for ${lanes} lanes`)
  const hasPooler = settings.DATABASE_POOLER !== 'none'
  if (!url.startsWith('pglite:')) checkConnection('DATABASE_URL', url, hasPooler)
  if (settings.DATABASE_MIGRATION_URL) checkConnection('DATABASE_MIGRATION_URL', settings.DATABASE_MIGRATION_URL, false)
}

function checkConnection (name: keyof Config, url: string, hasPooler: boolean): void {
  try {
    const { options, pooler } = parseConnectionString(url)
    if (options && (hasPooler || pooler)) throw new BadConnectionString('its "options" do not get through a pooler')
  } catch (error) {
    throw settingError(name, (error as Error).message)
  }
}
