import { once } from 'node:events'
import { connect } from 'node:net'
import type { Test } from 'tap'
import { PASSWORD, testSettings } from '../helper.js'
import type { Program } from './process.js'

export const settings = { ...testSettings, LOG_LEVEL: 'info', PORT: '0' }
export const account = { email: 'ada@example.com', password: PASSWORD, name: 'Ada' }

/** A request to a server. */
export async function request (base: string, method: string, path: string, body?: object) {
  const answer = await fetch(base + path, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  })
  return { status: answer.status, headers: answer.headers, body: await answer.json() }
}

export const canLogIn = async (t: Test, base: string, { email, password }: Partial<typeof account> = account) => {
  t.equal((await request(base, 'POST', '/api/auth/login', { email, password })).status, 200)
}

/** Begins a signup, and waits until the server has begun to read it. @returns what finishes it and returns the answer */
export async function halfSignup (base: string): Promise<() => Promise<string>> {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  const body = JSON.stringify({ ...account, email: 'in-flight@example.com' })
  let answer = ''
  socket.setEncoding('utf8').on('error', () => {}).on('data', (text: string) => { answer += text })
  socket.write('POST /api/auth/signup HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n' +
    `Content-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`)
  await once(socket, 'data')
  return async () => {
    socket.write(body.slice(9))
    await once(socket, 'close')
    return answer
  }
}

/** The base URL out of the banner. */
export const baseOf = async (server: Program) => (await server.says(/API +(http:\S+)\/api\n/))[1]!
