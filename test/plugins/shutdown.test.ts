import { connect } from 'node:net'
import t from 'tap'
import { startApp } from '../helper.js'
import { listen, rawClient, request } from '../support/raw.js'
import { until } from '../support/until.js'

t.test('requests in flight are finished on close, and nobody new is let in', async (t) => {
  let finish: (() => void) | undefined
  const closing = await startApp(t, {
    prepare (app) {
      app.get('/slow', { schema: { hide: true } }, async () => {
        await new Promise<void>((resolve) => { finish = resolve })
        await app.db.ping()
        return { done: true }
      })
    }
  })
  const closingPort = await listen(closing.app)
  const idle = rawClient(closingPort)
  idle.write(request('GET /health HTTP/1.1', ['Host: localhost']))
  await idle.more()
  const half = rawClient(closingPort)
  half.write('GET /health HTTP/1.1\r\nHost: localhost\r\n')
  const busy = rawClient(closingPort)
  busy.write(request('GET /slow HTTP/1.1', ['Host: localhost']))
  await until('the request is in its handler', () => finish)
  const closed = closing.app.close()
  await idle.closed
  const late = connect(closingPort, '127.0.0.1')
  const refusal = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    late.on('error', resolve).on('connect', () => { resolve(null) })
  })
  t.equal(refusal?.code, 'ECONNREFUSED')
  half.write('\r\n')
  finish!()
  for (const [client, text] of [[busy, '{"done":true}'], [half, '{"status":"healthy"}']] as const) {
    const [answer, ...others] = await client.answers()
    t.strictSame([answer?.status, answer?.text, answer?.headers.connection], [200, text, 'close'])
    t.strictSame(others, [])
  }
  await closed
})
