/** A name in a query of Prometheus, and what has labels in it. */
const METRIC = /\b(?:http_server|db_client|nodejs|process|todo)_\w+/g
const SELECTOR = /(\w+)\{([^}]*)\}/g
const LABELS = /\{[^}]*\}|\b(?:by|on|without|group_left)\s*\([^)]*\)/g

/** @returns the metrics that queries ask for, and the labels that they want of each */
export function askedFor (queries: string[]): { names: Set<string>, labels: Map<string, Set<string>> } {
  const names = new Set(queries.flatMap((query) => query.replaceAll(LABELS, '').match(METRIC) ?? []))
  const labels = new Map<string, Set<string>>()
  for (const [, name, selector] of queries.flatMap((query) => [...query.matchAll(SELECTOR)])) {
    const wanted = labels.get(name!) ?? new Set()
    for (const [, label] of selector!.matchAll(/(\w+)\s*(?:=|!=|=~|!~)\s*"/g)) wanted.add(label!)
    labels.set(name!, wanted)
  }
  return { names, labels }
}
