import t from 'tap'
import { endings } from '../../src/accounts/endings.js'

/** A clock, and a database that answers when it is told to. */
function setUp () {
  const clock = { ms: 1_000_000 }
  const asked: Array<{ since: Date, answer: (ended: string[]) => void, fail: () => void }> = []
  const known = endings(async (since) => await new Promise((resolve, reject) => {
    asked.push({
      since,
      answer: (ended) => { resolve({ ended, at: new Date(clock.ms) }) },
      fail: () => { reject(new Error('away')) }
    })
  }), 5000)
  return { clock, asked, known }
}
const settled = async () => new Promise((resolve) => { setImmediate(resolve) })

t.test('a reading that took long tells nothing of what has ended meanwhile: whoever came after it began waits for the next', async (t) => {
  const { clock, asked, known } = setUp()
  t.intercept(performance, 'now', { value: () => clock.ms })
  t.equal(known.has('a'), null)
  const first = known.look('a')
  clock.ms += 1000
  const second = known.look('a')
  clock.ms += 5000
  asked[0]!.answer([])
  t.equal(await first, false, 'it had begun when this one asked')
  await settled()
  t.equal(asked.length, 2)
  clock.ms += 10
  asked[1]!.answer(['a'])
  t.equal(await second, true)
  t.equal(known.has('a'), true)
  t.equal(known.has('b'), false)
  clock.ms += 2001
  t.equal(known.has('a'), null)
  known.stop()
})

t.test('each reading begins ten seconds and a statement before the last good one; all of them the first time', async (t) => {
  const { clock, asked, known } = setUp()
  const look = known.look('a')
  t.equal(asked[0]!.since.getTime(), 0)
  asked[0]!.answer([])
  await look
  const failing = known.look('a')
  asked[1]!.fail()
  await t.rejects(failing)
  const again = known.look('a')
  t.equal(asked[2]!.since.getTime(), clock.ms - 15_000, 'also after one that failed')
  asked[2]!.answer([])
  await again
  known.stop()
})

t.test('an ending is forgotten when no access token of its session can live', async (t) => {
  const { asked, known } = setUp()
  let now = Date.now()
  t.intercept(Date, 'now', { value: () => now })
  known.add(['old'])
  now += 25 * 3_600_000
  known.add(['new'])
  now += 1
  const look = known.look('old')
  asked[0]!.answer([])
  t.equal(await look, false)
  t.equal(known.has('new'), true)
  known.stop()
})

t.test('whoever comes while a reading fails is let in by the next one: what made it fail may be over', async (t) => {
  const { asked, known } = setUp()
  const [first, second] = [known.look('a'), known.look('a')]
  asked[0]!.fail()
  await t.rejects(first)
  await settled()
  t.equal(asked.length, 2)
  asked[1]!.answer([])
  t.equal(await second, false)
  known.stop()
})
