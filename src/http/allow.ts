import type { FastifyInstance } from 'fastify'
import findMyWay from 'find-my-way'

/**
 * Learns every route, to tell an unknown path from a known one with another method.
 * @returns the `Allow` of the path of a URL, or null when nothing is there
 */
export function watchRoutes (app: FastifyInstance): (url: string) => string | null {
  const router = findMyWay({ maxParamLength: Number.MAX_SAFE_INTEGER })
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set()
    if (known.size === 0) router.on('GET', url, () => {}, known)
    methods.set(url, known)
    for (const name of [method].flat()) known.add(name)
  })
  return (url) => {
    const known = router.find('GET', url)?.store as Set<string> | undefined
    return known ? [...known].sort().join(', ') : null
  }
}
