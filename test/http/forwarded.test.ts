import t from 'tap'
import { forwardedFor } from '../../src/http/forwarded.js'

t.test('addresses count without ports, brackets and quotes, in either header', async (t) => {
  const cases: Array<[header: 'x-forwarded-for' | 'forwarded', value: string, addresses: string]> = [
    ['x-forwarded-for', '192.0.2.1', '192.0.2.1'],
    ['x-forwarded-for', '192.0.2.1:5678 , 10.0.0.1:443', '192.0.2.1, 10.0.0.1'],
    ['x-forwarded-for', '[2001:db8::1]:443,[2001:db8::2],2001:db8::3', '2001:db8::1, 2001:db8::2, 2001:db8::3'],
    ['x-forwarded-for', '"[2001:db8::1]:443"', '2001:db8::1'],
    ['x-forwarded-for', 'unknown, x', 'unknown, x'],
    ['forwarded', 'for=192.0.2.43', '192.0.2.43'],
    ['forwarded', 'For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['forwarded', 'proto=http; for = 192.0.2.60:80 ;by="a,b;for=x", by=203.0.113.43;for=198.51.100.17', '192.0.2.60, 198.51.100.17'],
    ['forwarded', 'for=unknown, for=_hidden, proto=https, xfor=192.0.2.1', 'unknown, _hidden, unknown, unknown'],
    ['forwarded', 'for="192.0.2.1, for=192.0.2.2', ', unknown, 192.0.2.2']
  ]
  for (const [header, value, addresses] of cases) {
    t.equal(forwardedFor({ [header]: value }), addresses, value)
  }
  t.equal(forwardedFor({}), undefined)
})

t.test('what a client writes to the header that its proxy does not know is not believed', async (t) => {
  t.equal(forwardedFor({ 'x-forwarded-for': '192.0.2.1', forwarded: 'for=198.51.100.1' }), '192.0.2.1')
})
