import { Settings, type Config } from './settings.js'

/** What stops the start, in one line. */
export class ConfigError extends Error {}

/**
 * A setting that stops the start: which, what it has to be, how to get it; and never its value, which may be a secret.
 * @param what is wrong with it, when that is known
 */
export const settingError = (name: keyof Config, what?: string): ConfigError =>
  new ConfigError(`Setting ${name} is missing or wrong: it has to be ${Settings.properties[name].description}${what ? ` (${what})` : ''}`)
