import t from 'tap'
import { EventStream } from '../../src/sync/stream.js'

t.test('nothing comes after the end, which has as long to be taken as all else', async (t) => {
  let now = 0
  const stream = new EventStream(() => {}, () => now)
  stream.tell('a\n\n')
  stream.finish('b\n\n')
  now = 15_000
  stream.tell('c\n\n')
  stream.finish('d\n\n')
  t.equal(stream.isDeaf, false)
  now = 20_001
  t.equal(stream.isDeaf, true)
  stream.setEncoding('utf8')
  t.equal((await stream.toArray()).join(''), 'a\n\nb\n\n')
})
