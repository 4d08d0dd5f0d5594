import t from 'tap'
import { backoff, pause } from '../../client/src/pause.js'
import { haveEvents } from './page.js'

/** Longer than any test takes. */
const LONG = 1_000_000

t.test('whoever waits for the network goes on as soon as the page hears that it is back', async (t) => {
  const events = haveEvents(t)
  const waiting = [pause(LONG), pause(LONG, new AbortController().signal)]
  events.dispatchEvent(new Event('online'))
  await t.resolves(Promise.all(waiting))
  await t.resolves(pause(1), 'which nobody has to say')
})

t.test('a wait ends with its signal, and then not well', async (t) => {
  haveEvents(t)
  const controller = new AbortController()
  const waiting = pause(LONG, controller.signal)
  const reason = new Error('enough')
  controller.abort(reason)
  await t.rejects(waiting, reason)
  await t.rejects(pause(1, controller.signal), reason)
})

t.test('each wait is longer than the one before, up to half a minute, and no two clients wait as long', (t) => {
  for (const [failures, most] of [[0, 500], [1, 1000], [5, 16_000], [6, 30_000], [5000, 30_000]] as const) {
    const waits = Array.from({ length: 100 }, () => backoff(failures))
    t.ok(Math.min(...waits) >= most / 2 && Math.max(...waits) <= most, `${failures} failures`)
    t.ok(new Set(waits).size > 90)
  }
  t.end()
})
