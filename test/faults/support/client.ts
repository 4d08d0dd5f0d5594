import { randomUUID } from 'node:crypto'
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { Test } from 'tap'
import type { LoginAnswer } from '../../../src/schemas/auth.js'
import { until } from '../../support/until.js'
import { DOMAIN, SECRET_WORD } from './log.js'

export const PASSWORD = `correct horse battery ${SECRET_WORD}`

/** Milliseconds after which a request without an answer is one that hangs. */
const PATIENCE = 30_000

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  // Whatever the server said; tests look into it.
  body: any
  /** How long it took. */
  ms: number
}

/** A request that got no answer: its connection was refused, cut, or nothing came. */
export class NoAnswer extends Error {
  /** @param reason the system's code, or `hangs` */
  constructor (readonly reason: string) {
    super(`no answer: ${reason}`)
  }
}

export interface CallOptions {
  token?: string | undefined
  body?: unknown
  headers?: Record<string, string>
}

export interface Client {
  /**
   * One request, sent once: nothing is tried again.
   * @throws NoAnswer
   */
  call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
}

/**
 * A client with connections that stay open, until the test ends.
 * @param connections at most
 * @param from its address; any of 127.0.0.0/8 is one of this machine
 */
export function clientOf (t: Test, port: number, connections = Infinity, from = '127.0.0.1'): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, localAddress: from })
  t.teardown(() => { agent.destroy() })
  return { call: async (method, path, options = {}) => send(agent, port, method, path, options) }
}

async function send (agent: Agent, port: number, method: string, path: string, options: CallOptions): Promise<Answer> {
  const { token, body, headers = {} } = options
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const start = performance.now()
  return await new Promise((resolve, reject) => {
    const request = httpRequest({
      agent,
      port,
      host: '127.0.0.1',
      method,
      path,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(payload !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
        ...headers
      }
    })
    const hangs = setTimeout(() => { request.destroy(new NoAnswer('hangs')) }, PATIENCE)
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(hangs)
      reject(error instanceof NoAnswer ? error : new NoAnswer(error.code ?? error.message))
    }
    request.on('error', fail).on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('error', fail).on('data', (chunk: string) => { text += chunk }).on('end', () => {
        clearTimeout(hangs)
        resolve({ status: response.statusCode!, headers: response.headers, body: parsed(text), ms: performance.now() - start })
      })
    })
    request.end(payload)
  })
}

/** @returns what the text says, or the text when it is no JSON */
function parsed (text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return text
  }
}

/** Somebody with an account and the tokens of a login. */
export interface Person { id: string, email: string, token: string, refreshToken: string }

export const newEmail = (name = 'ada') => `${name}-${randomUUID()}@${DOMAIN}`

/**
 * Signs people up and logs them in, once the server is ready: it listens before it has migrated.
 * @throws Error when that does not work
 */
export async function signUp (client: Client, count: number): Promise<Person[]> {
  await until('the server is ready', async () => (await client.call('GET', '/ready')).status === 200)
  return await Promise.all(Array.from({ length: count }, async () => {
    const email = newEmail()
    await succeed(client, '/api/auth/signup', { email, password: PASSWORD, name: `Ada ${SECRET_WORD}` })
    const { access_token: token, refresh_token: refreshToken, user } =
      await succeed(client, '/api/auth/login', { email, password: PASSWORD }) as LoginAnswer
    return { id: user.id, email, token, refreshToken }
  }))
}

async function succeed (client: Client, path: string, body: object): Promise<unknown> {
  const answer = await client.call('POST', path, { body })
  if (answer.status >= 300) throw new Error(`${path} is ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}
