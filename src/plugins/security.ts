import type { onRequestHookHandler } from 'fastify'
import helmet from 'helmet'
import fp from 'fastify-plugin'

/** Response headers that a front end of another origin may read. */
const EXPOSED = 'Accept-Patch, Content-Disposition, ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, ' +
  'Retry-After, X-Request-Id'

/** Helmet's headers, under a policy with which the documentation pages work. */
const securityHeaders = headersOf(helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
      formAction: ["'self'"],
      objectSrc: ["'none'"],
      // The documentation pages draw icons from data: URLs, style elements in place, and search in a worker.
      imgSrc: ["'self'", 'data:'],
      styleSrc: ["'self'", "'unsafe-inline'"],
      workerSrc: ["'self'", 'blob:']
    }
  },
  xFrameOptions: { action: 'deny' }
}))

/** The headers that a middleware sets, and `Vary`. */
function headersOf (middleware: ReturnType<typeof helmet>): Record<string, string> {
  // An answer depends on the origin, also where it is that of a request without one (Fetch §3.2.5).
  const headers: Record<string, string> = { vary: 'Origin' }
  const answer = { setHeader (name: string, value: string) { headers[name.toLowerCase()] = value }, removeHeader () {} }
  middleware({} as never, answer as never, () => {})
  return headers
}

/** The answer to a preflight: methods and headers of the API, good for ten minutes. */
const preflightHeaders = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers':
    'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Request-Id',
  'access-control-max-age': '600'
}

/**
 * Lets front ends of some origins use the API from a browser (Fetch §3.2). Never with credentials: the token travels in a
 * header that a page sets itself. @fastify/cors puts its options together for each request, at 8% of a read.
 * @param origins exact origins with commas between, or `*`
 */
function cors (origins: string): onRequestHookHandler {
  const allowed = new Set(origins.split(',').map((origin) => origin.trim()))
  return ({ method, headers }, reply, done) => {
    const { origin } = headers
    if (!origin) return done()
    const welcome = allowed.has('*') ? '*' : allowed.has(origin) && origin
    if (welcome) reply.headers({ 'access-control-allow-origin': welcome, 'access-control-expose-headers': EXPOSED })
    // An OPTIONS that is not a preflight (Fetch §3.2.2) is an ordinary request: 405 or 404.
    if (method !== 'OPTIONS' || !headers['access-control-request-method']) return done()
    reply.code(204).headers(preflightHeaders).send()
  }
}

/** Security headers, and which other origins a browser lets use the API: `origins` as for `cors`. */
export const securityPlugin = fp<{ origins: string }>(async (app, { origins }) => {
  // The same for every answer, so they are made once; helmet's plugin makes them each time, at a tenth of the cost of a read.
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(securityHeaders)
    done()
  })
  app.addHook('onRequest', cors(origins))
}, { name: 'security' })
