import cors, { type FastifyCorsOptions } from '@fastify/cors'
import helmet from '@fastify/helmet'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'

/** Headers of ours that a front end of another origin may read. */
const EXPOSED = ['Link', 'Location', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Request-Id']

/** Security headers, and which other origins a browser lets use the API. */
export const securityPlugin = fp<{ config: Config }>(async (app, { config }) => {
  await app.register(helmet, {
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
