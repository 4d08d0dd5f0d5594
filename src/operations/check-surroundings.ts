import { once } from 'node:events'
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { root } from '../root.js'
import { fine, reasonOf, wrong, type Finding } from './findings.js'

/** Milliseconds for whatever is asked over the network. */
const PATIENCE = 3000

/** Bytes that an embedded database has to have left: itself it takes 60 MB. */
const ROOM = 256 * 1024 * 1024

/** @param version that runs */
export function checkNode (version = process.versions.node): Finding {
  const { engines } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { engines: { node: string } }
  const [major, minor] = version.split('.').map(Number) as [number, number]
  const [oldest, oldestMinor] = engines.node.replace('>=', '').split('.').map(Number) as [number, number]
  return major > oldest || (major === oldest && minor >= oldestMinor)
    ? fine('Node.js', version)
    : wrong('Node.js', `${version} is too old`, `install ${oldest}.${oldestMinor} or later; 24 is recommended`)
}

/** Whether the port is free, or a server of this API has it. */
export async function checkPort (host: string, port: number): Promise<Finding & { isThisApi: boolean }> {
  const what = `Port ${port} of ${host}`
  const server = createServer().listen(port, host)
  try {
    await once(server, 'listening')
    server.close()
    return { ...fine(what, 'is free'), isThisApi: false }
  } catch (error) {
    const reason = reasonOf(error)
    if (reason !== 'EADDRINUSE') return { ...wrong(what, `cannot be used (${reason})`, 'correct HOST and PORT'), isThisApi: false }
    const isThisApi = await isHealthy(host, port)
    const finding = isThisApi ? fine(what, 'a server of this API runs there') : wrong(what, 'another program has it', 'stop that, or set PORT')
    return { ...finding, isThisApi }
  }
}

/** The addresses that mean all of this machine's are those of itself as well. */
async function isHealthy (host: string, port: number): Promise<boolean> {
  const address = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}/health`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) })
    return ((await answer.json()) as { status?: string }).status === 'healthy'
  } catch {
    return false
  }
}

/** @param url as REDIS_URL */
export async function checkRedis (url: string): Promise<Finding> {
  const { default: { Redis } } = await import('ioredis')
  const redis = new Redis(url, {
    lazyConnect: true, connectTimeout: PATIENCE, commandTimeout: PATIENCE, maxRetriesPerRequest: 0, retryStrategy: () => null
  })
  const troubles: unknown[] = []
  redis.on('error', (error) => { troubles.push(error) })
  const finding = await redis.connect().then(async () => redis.ping()).then(() => fine('Redis', 'answers'), (error: unknown) => {
    const why = reasonOf([...troubles, error][0])
    return wrong('Redis', `cannot be used (${why}): each process counts its limits alone, and sees the changes of others later`,
      'start it, or correct REDIS_URL')
  })
  redis.disconnect()
  return finding
}

/** Whether the mail server lets us in; no mail is sent. @param url as SMTP_URL */
export async function checkSmtp (url: string): Promise<Finding> {
  const { createTransport } = await import('nodemailer')
  const times = { connectionTimeout: PATIENCE, greetingTimeout: PATIENCE, socketTimeout: PATIENCE }
  const transport = createTransport({ url, ...times } as object)
  const finding = await transport.verify().then(() => fine('SMTP', 'the mail server lets us in'), (error: unknown) => {
    const { code, responseCode } = error as { code?: string, responseCode?: number }
    const reason = [code, responseCode].filter(Boolean).join(' ')
    return wrong('SMTP', `the mail server cannot be used (${reason}): no mail goes out`,
      code === 'EAUTH' ? 'correct user and password in SMTP_URL' : 'start it, or correct SMTP_URL')
  })
  transport.close()
  return finding
}

/** @param folder need not exist yet */
export function checkDisk (folder: string): Finding {
  let existing = folder
  while (!existsSync(existing)) existing = dirname(existing)
  const { bavail, bsize } = statfsSync(existing)
  const free = bavail * bsize
  const size = `${Math.round(free / 1024 / 1024)} MiB free`
  return free < ROOM ? wrong('Disk', `${size} for ${folder}`, 'make room: an embedded database without it can be damaged') : fine('Disk', size)
}
