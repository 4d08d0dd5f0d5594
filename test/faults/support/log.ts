import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A word in every password, title and unknown email of the fault run, and nowhere else. */
export const SECRET_WORD = 'xyzzy'

/** The domain of every account of the fault run. */
export const DOMAIN = 'faults.example'

/**
 * What no line may have in it: tokens, password hashes, the word in what people have typed, their emails, and the words
 * with which drivers quote a statement.
 */
const FORBIDDEN = new RegExp(`eyJ|\\$argon2|${SECRET_WORD}|${DOMAIN}|authorization|bearer|insert into|update "|delete from|params`, 'i')

interface Line { time: number, msg: string, reqId?: string, status?: number, ms?: number, method?: string, path?: string }

/**
 * Reads a server's whole log: each line is JSON, a line about a request says which, how it ended and how long it took,
 * and none has a secret in it.
 * @returns how many lines and how many requests there are
 * @throws Error that quotes the first line that is not so
 */
export async function searchLog (file: string): Promise<{ lines: number, requests: number }> {
  let lines = 0
  let requests = 0
  let unfinished: string | undefined
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    // A process that is killed may leave half a line, at the end only.
    if (unfinished !== undefined) throw new Error(`not a line of JSON in ${file}: ${unfinished}`)
    if (FORBIDDEN.test(text)) throw new Error(`a secret in ${file}: ${text}`)
    const line = parsed(text)
    if (!line) {
      unfinished = text
      continue
    }
    lines++
    if (line.msg !== 'request') continue
    requests++
    if (!isWhole(line)) throw new Error(`not a whole line in ${file}: ${text}`)
  }
  return { lines, requests }
}

/** @returns the statuses of the requests in a server's log, by their ids */
export function statusesIn (file: string): Map<string, number[]> {
  const statuses = new Map<string, number[]>()
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    const { msg, reqId, status } = parsed(text) ?? {}
    if (msg === 'request') statuses.set(reqId!, [...statuses.get(reqId!) ?? [], status!])
  }
  return statuses
}

function parsed (text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line
  } catch {
    return undefined
  }
}

const isWhole = ({ reqId, status, ms, method, path, time }: Line) =>
  /^[A-Za-z0-9._-]{1,64}$/.test(reqId ?? '') && Number.isInteger(status) && Number.isFinite(ms) && Number.isInteger(time) &&
  typeof method === 'string' && typeof path === 'string'
