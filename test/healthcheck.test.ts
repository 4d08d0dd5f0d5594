import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import t from 'tap'

const dockerfile = readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8')
const [command, ...args] = JSON.parse(/^HEALTHCHECK.* CMD (.*)$/m.exec(dockerfile)![1]!) as [string, ...string[]]
const hasIPv6 = Object.values(networkInterfaces()).flat().some((one) => one?.internal && one.family === 'IPv6')

t.test("the image's health check finds the server at whatever address it listens", async (t) => {
  for (const [host, ...named] of [['127.0.0.1', '', '127.0.0.1'], ['0.0.0.0', '0.0.0.0'], ...(hasIPv6 ? [['::1', '::1'], ['::', '::']] : [])]) {
    let status = 200
    const server = createServer(({ url }, answer) => { answer.writeHead(url === '/health' ? status : 404).end() }).listen(0, host)
    await once(server, 'listening')
    const PORT = String((server.address() as AddressInfo).port)
    const check = async (HOST: string) => {
      const child = spawn(command, args, { env: { PATH: process.env.PATH, HOST, PORT }, stdio: 'inherit' })
      return ((await once(child, 'exit')) as [number])[0]
    }
    for (const HOST of named) t.equal(await check(HOST), 0, `HOST=${HOST}`)
    status = 503
    t.equal(await check(named[0]!), 1, 'and sees when it is not well')
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
    t.equal(await check(named[0]!), 1, 'or not there')
  }
})
