import t from 'tap'
import { eventsOf } from '../../client/src/events.js'

/** A body that comes in these pieces. */
const bodyOf = (pieces: Uint8Array[]) => new ReadableStream<Uint8Array>({
  start (controller) {
    for (const piece of pieces) controller.enqueue(piece)
    controller.close()
  }
})

async function all (pieces: Uint8Array[]) {
  const found: unknown[] = []
  for await (const { events, retry } of eventsOf(bodyOf(pieces))) {
    found.push(...events.map(({ event, id, data }) => ({ event, id, data })), ...(retry === undefined ? [] : [{ retry }]))
  }
  return found
}

t.test('a stream is read as the HTML Standard says, wherever it is cut', async (t) => {
  for (const end of ['\n', '\r\n', '\r']) {
    const lines = [
      '\uFEFFid: a1', 'event: task', 'data: {"title":"„Grüße“ 🧦"}', '',
      ':', '', ': a comment', 'id: a2', 'event:deleted', 'data:{"id":', 'data: "x"}', '', 'unknown: y', 'data', '', 'retry: 1500', '',
      'event: unfinished', 'data: z', ''
    ]
    const bytes = new TextEncoder().encode(lines.join(end))
    const expected = [
      { event: 'task', id: 'a1', data: '{"title":"„Grüße“ 🧦"}' }, { event: 'deleted', id: 'a2', data: '{"id":\n"x"}' },
      { event: undefined, id: undefined, data: '' }, { retry: 1500 }
    ]
    t.strictSame(await all([bytes]), expected, `whole, with ${JSON.stringify(end)}`)
    const different = []
    for (let cut = 1; cut < bytes.length; cut++) {
      const found = await all([bytes.subarray(0, cut), bytes.subarray(cut)])
      if (JSON.stringify(found) !== JSON.stringify(expected)) different.push(cut)
    }
    t.strictSame(different, [])
    t.strictSame(await all([...bytes].map((byte) => Uint8Array.of(byte))), expected, 'byte by byte')
  }
})

t.test('what is no stream of events does not fill the memory', async (t) => {
  const piece = new TextEncoder().encode('x'.repeat(400_000))
  await t.rejects(all(Array(4).fill(piece)), { message: /max buffer size/ })
})

t.test('whoever reads no further lets go of the connection', async (t) => {
  let isCancelled = false
  const piece = new TextEncoder().encode('data: 1\n\n')
  for await (const { events } of eventsOf(new ReadableStream({
    pull (controller) { controller.enqueue(piece) },
    cancel () { isCancelled = true }
  }))) if (events.length > 0) break
  t.ok(isCancelled)
})
