import type { Figures } from './measure.js'

/** Something that was measured against something else, and what it has to be. */
export interface Verdict { what: string, is: number, target: string, met: boolean }

type Table = Map<string, Map<string, Figures>>

interface Target { figure: 'requests_per_second' | 'cpu_s_per_1000', peer: string, least?: number, most?: number, endpoints: string[] }

const EVERY = ['list', 'cursor', 'get', 'create', 'update', 'complete', 'delete']

const targets: Target[] = [
  { figure: 'requests_per_second', peer: 'go', least: 1.3, endpoints: ['list'] },
  { figure: 'requests_per_second', peer: 'go', least: 1, endpoints: ['get', 'create', 'complete'] },
  { figure: 'cpu_s_per_1000', peer: 'go', most: 0.8, endpoints: ['list'] },
  { figure: 'cpu_s_per_1000', peer: 'go', most: 1.2, endpoints: ['get'] },
  { figure: 'cpu_s_per_1000', peer: 'go', most: 1.1, endpoints: ['create'] },
  { figure: 'cpu_s_per_1000', peer: 'go', most: 1.3, endpoints: ['complete'] },
  { figure: 'requests_per_second', peer: 'floor', least: 0.9, endpoints: [...EVERY, 'login', 'create one user', 'complete one user'] },
  { figure: 'requests_per_second', peer: 'express', least: 4, endpoints: EVERY },
  { figure: 'requests_per_second', peer: 'fastapi', least: 8, endpoints: EVERY },
  { figure: 'requests_per_second', peer: 'before', least: 0.97, endpoints: EVERY }
]

const FIGURES = { requests_per_second: 'requests/s', cpu_s_per_1000: 'CPU per request' }

/** @returns a ratio beside what it has to be */
export function verdict (what: string, is: number, { least, most }: { least?: number, most?: number }): Verdict {
  const met = (least === undefined || is >= least) && (most === undefined || is <= most)
  return { what, is, target: least === undefined ? `≤ ${most}` : `≥ ${least}`, met }
}

/** Compares the server with its peers, wherever there is a target and both were measured. */
export function compare (table: Table): Verdict[] {
  return targets.flatMap((target) => target.endpoints.flatMap((endpoint) => {
    const [server, peer] = [table.get(endpoint)?.get('server'), table.get(endpoint)?.get(target.peer)]
    if (!server || !peer) return []
    return verdict(`${endpoint}: ${FIGURES[target.figure]} against ${target.peer}`, server[target.figure] / peer[target.figure], target)
  }))
}
