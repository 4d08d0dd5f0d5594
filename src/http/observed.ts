import type { FastifyReply, FastifyRequest } from 'fastify'

/*
 * What metrics and traces say of a request. Nothing of it can be made up by a client. (OpenTelemetry Semantic Conventions, "HTTP
 * spans")
 */

/** Methods under their own names; what else a client sends counts as one. */
const KNOWN = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'])

/** @returns a method that is one of few */
export const methodOf = ({ method }: FastifyRequest): string => KNOWN.has(method) ? method : '_OTHER'

/** What a parameter may be is no part of its name. */
const RULE = /\(\^[^/]*\)/g

/** The patterns so far: as many as there are routes. */
const patterns = new Map<string, string>()

/** @returns the pattern of a route; undefined for a path and method that are none */
export function routeOf ({ is404, routeOptions: { url } }: FastifyRequest): string | undefined {
  if (is404) return undefined
  const pattern = patterns.get(url!) ?? url!.replaceAll(RULE, '')
  patterns.set(url!, pattern)
  return pattern
}

/** @returns the status that the client has got; undefined when it left before */
export const statusOf = ({ raw }: FastifyReply): number | undefined => raw.headersSent ? raw.statusCode : undefined
