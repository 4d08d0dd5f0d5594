import type { Test } from 'tap'
import type { Answer } from '../helper.js'

/** What a client is told during an outage. */
export async function isOutage (t: Test, ...requests: Array<Promise<Answer>>) {
  for (const { status, headers, body } of await Promise.all(requests)) {
    t.equal(status, 503)
    t.equal(headers['retry-after'], '2')
    t.strictSame(body, { detail: 'Service unavailable', status_code: 503 })
  }
}
