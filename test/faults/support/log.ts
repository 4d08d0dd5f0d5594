import { createReadStream, readFileSync, readdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A word in every password, name, title, description and unknown email of the fault run, and nowhere else. */
export const SECRET_WORD = 'xyzzy'

/** The domain of every account of the fault run. */
export const DOMAIN = 'faults.example'

/**
 * What no line may have in it: tokens, signatures and hashes, or parts of them (an access token and that of a mail begin with an
 * object in base64url, a refresh token with a list of texts); links in mails; the word in what people have typed; their emails;
 * and the words with which drivers quote a statement.
 */
const FORBIDDEN = new RegExp('eyJ|WyI|\\$argon2|[\\w-]{43}|reset_password=|verify_email=|authorization|bearer|insert into|update "|delete from|' +
  `params|${SECRET_WORD}|${DOMAIN}`, 'i')

/** What a line says beside its level, time, process and request, by its message. */
const FIELDS: Record<string, string[]> = {
  request: ['method', 'path', 'status', 'user', 'ms', 'aborted'],
  'request failed': ['err'],
  'Server listening': [],
  listening: ['api', 'docs', 'redoc', 'database', 'try'],
  stopping: ['signal', 'reason', 'requests', 'hashes'],
  'log lines lost': ['lost'],
  overloaded: ['reason', 'queue'],
  'rate limit reached': ['limit', 'refused'],
  'database unavailable': ['reason'],
  'changes not read': ['reason'],
  'database not started; trying again': ['reason'],
  'database started': [],
  'password hash not upgraded': ['reason'],
  'an old refresh token was used: session ended': ['user', 'session'],
  'mail not sent': ['mail', 'code', 'responseCode', 'command', 'reason'],
  swept: ['sweep', 'removed'],
  'not swept': ['sweep', 'reason'],
  'Redis unavailable; this process does without': ['reason']
}
const EVERYWHERE = ['level', 'time', 'pid', 'hostname', 'reqId', 'msg']

/** The level of trouble that an operator has to know of, once and not for each request. */
const WARNING = 40

interface Line {
  level: number
  time: number
  msg: string
  reqId?: string
  status?: number
  ms?: number
  method?: string
  path?: string
  limit?: string
  queue?: string
}

/** What is in a log. */
export interface Found { lines: number, requests: number, warnings: number }

/**
 * Reads a server's whole log: each line is JSON with fields that are known, a line about a request says which, how it ended
 * and how long it took, none has a secret in it, and no kind of trouble is told more than twice in a second.
 * @throws Error that quotes the first line that is not so
 */
export async function searchLog (file: string): Promise<Found> {
  const found = { lines: 0, requests: 0, warnings: 0 }
  const told = new Map<string, number[]>()
  let unfinished: string | undefined
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const reject = (why: string) => { throw new Error(`${why} in ${file}: ${text}`) }
    // A process that is killed may leave half a line, at the end only.
    if (unfinished !== undefined) reject(`after what is no JSON (${unfinished})`)
    if (FORBIDDEN.test(text.replace(hostname(), ''))) reject('a secret')
    const line = parsed(text)
    if (!line) {
      unfinished = text
      continue
    }
    if (!isKnown(line)) reject('a line of nobody')
    found.lines++
    if (line.msg === 'request') {
      found.requests++
      if (!isWhole(line)) reject('half a request')
    }
    if (line.level === WARNING) {
      found.warnings++
      const kind = [line.msg, line.limit, line.queue].join()
      const [before, last] = told.get(kind) ?? [-Infinity, -Infinity]
      if (line.time - before! < 1000) reject('a flood')
      told.set(kind, [last!, line.time])
    }
  }
  return found
}

/** Searches the logs of all servers of a run. @throws as `searchLog` */
export async function searchLogs (folder: string): Promise<Found & { logs: number }> {
  const sum = { logs: 0, lines: 0, requests: 0, warnings: 0 }
  for (const name of readdirSync(folder).filter((name) => /^server-.*\.log$/.test(name))) {
    const { lines, requests, warnings } = await searchLog(join(folder, name))
    sum.logs++
    sum.lines += lines
    sum.requests += requests
    sum.warnings += warnings
  }
  return sum
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

/** Whether there is such a message, with such fields. */
function isKnown (line: Line): boolean {
  const fields = FIELDS[String(line.msg).replace(/ at http:.*/, '')]
  return fields !== undefined && Object.keys(line).every((name) => EVERYWHERE.includes(name) || fields.includes(name))
}

const isWhole = ({ reqId, status, ms, method, path, time }: Line) =>
  /^[A-Za-z0-9._-]{1,64}$/.test(reqId ?? '') && Number.isInteger(status) && Number.isFinite(ms) && Number.isInteger(time) &&
  typeof method === 'string' && typeof path === 'string'
