import cors, { type FastifyCorsOptions } from '@fastify/cors'
import helmet from 'helmet'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'

/** Headers of ours that a front end of another origin may read. */
const EXPOSED = ['Link', 'Location', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Request-Id']

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

/** What a middleware adds to an answer. */
function headersOf (middleware: ReturnType<typeof helmet>): Record<string, string> {
  const headers: Record<string, string> = {}
  const answer = { setHeader (name: string, value: string) { headers[name.toLowerCase()] = value }, removeHeader () {} }
  middleware({} as never, answer as never, () => {})
  return headers
}

/** Security headers, and which other origins a browser lets use the API. */
export const securityPlugin = fp<{ config: Config }>(async (app, { config }) => {
  // The same for every answer, so that they are made once; the plugin of helmet makes them anew each time, at a tenth of a read.
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(securityHeaders)
    done()
  })

  const options: FastifyCorsOptions = {
    origin: config.CORS_ORIGINS === '*' ? '*' : config.CORS_ORIGINS.split(',').map((origin) => origin.trim()),
    // The token travels in a header that a page sets itself, so that cookies are never needed.
    credentials: false,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', 'X-Request-Id'],
    exposedHeaders: EXPOSED,
    maxAge: 600
  }
  // An OPTIONS that is no preflight (Fetch §3.2.2) is an ordinary request: 405 or 404.
  await app.register(cors, {
    delegator: ({ method, headers }, done) => {
      const isPreflight = method === 'OPTIONS' && headers.origin && headers['access-control-request-method']
      done(null, { ...options, preflight: Boolean(isPreflight) })
    }
  })
}, { name: 'security' })
