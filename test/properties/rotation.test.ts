import fc from 'fast-check'
import t from 'tap'
import { startApp } from '../helper.js'
import { isIn, logIn, refresh } from '../support/accounts.js'

/*
 * Two tabs of one browser, a slow network and a thief use one session in any order. The model says who gets what: the current
 * token rotates; the one before it gets the current one; an older one is refused within a minute of the last rotation, and
 * ends all after it.
 */

let clock = Date.now()
const one = await startApp(t, { now: () => clock })
const two = await startApp(t, { database: one.db, now: () => clock })

type Step =
  | { act: 'tab', tab: number, isLost: boolean }
  | { act: 'late', back: number }
  | { act: 'copy', tab: number }
  | { act: 'thief' }
  | { act: 'wait', seconds: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('tab' as const), tab: fc.nat(1), isLost: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('late' as const), back: fc.integer({ min: 0, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('copy' as const), tab: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('thief' as const) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('wait' as const), seconds: fc.constantFrom(1, 30, 60, 61, 3600) }) }
)

t.test('no order of requests forks the chain, logs an honest client out by itself, or leaves a stolen token good', async () => {
  const ada = await one.signUp()
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
    const begun = await logIn(one.call, ada.email)
    /** Every token of the chain, by its generation. */
    const chain = [begun.refresh_token]
    const model = { current: 0, rotatedAt: clock, hasEnded: false }
    const holds = [0, 0]
    let stolen = 0
    let turn = 0
    let access = begun.access_token

    /** Presents a token of the chain, and compares. @returns the generation that came back, or null */
    async function present (generation: number): Promise<number | null> {
      const { status, body } = await refresh(turn++ % 2 ? one.call : two.call, chain[generation]!)
      const age = model.current - generation
      const isGood = !model.hasEnded && age <= 1
      if (!isGood) {
        if (age > 1 && clock - model.rotatedAt > 60_000) model.hasEnded = true
        if (status !== 401) throw new Error(`generation ${generation} of ${model.current} got ${status}`)
        return null
      }
      if (status !== 200) throw new Error(`generation ${generation} of ${model.current} got ${status}`)
      if (age === 0) {
        model.current++
        model.rotatedAt = clock
        chain.push(body.refresh_token)
      }
      if (body.refresh_token !== chain[model.current]) throw new Error('the chain forks')
      access = body.access_token
      return model.current
    }

    for (const one of steps) {
      if (one.act === 'wait') clock += one.seconds * 1000
      else if (one.act === 'copy') stolen = holds[one.tab]!
      else if (one.act === 'thief') stolen = await present(stolen) ?? stolen
      else if (one.act === 'late') await present(Math.max(0, model.current - one.back))
      else {
        const got = await present(holds[one.tab]!)
        // A browser keeps one token for both tabs; an answer that is lost is not kept.
        if (got !== null && !one.isLost) holds.fill(got)
      }
    }
    if (model.hasEnded && await isIn(two.call, access) && (await refresh(two.call, chain.at(-1)!)).status !== 401) throw new Error('it goes on')
    const rows = await oneSession(begun.access_token)
    if (rows !== (model.hasEnded ? null : model.current)) throw new Error(`${rows} is stored, not ${model.current}`)
  }), { numRuns: 60 })
})

async function oneSession (token: string): Promise<number | null> {
  const { sid } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sid: string }
  const [row] = await one.sql<{ generation: number }>('select generation from todo.sessions where id = $1', [sid])
  return row?.generation ?? null
}
