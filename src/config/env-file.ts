import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { ConfigError } from './errors.js'

/**
 * Reads a file of settings, one NAME=value in a line.
 * @returns them, or none when there is no such file
 * @throws ConfigError when it is not UTF-8 text: its settings would otherwise be ignored silently
 */
export function readEnvFile (path: string): NodeJS.ProcessEnv {
  let bytes
  try {
    bytes = readFileSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return {}
    throw new ConfigError(`The file ${path} cannot be read: ${code === 'EISDIR' ? 'it is a folder' : code}`)
  }
  // ASCII text in UTF-16 without a byte order mark is valid UTF-8 too: every second character is U+0000.
  if (bytes.includes(0)) throw notText(path)
  try {
    // Without the byte order mark, which would become part of the first name.
    return parseEnv(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch {
    throw notText(path)
  }
}

const notText = (path: string) => new ConfigError(`The file ${path} has to be text in UTF-8`)
