import type { Figures } from './measure.js'
import type { Verdict } from './targets.js'

/** Endpoint → contender → figures. */
export type Table = Map<string, Map<string, Figures>>

const digits = (value: number, count: number) => value.toFixed(count)

/** Text in columns: the first to the left, the others to the right. */
export function columns (rows: string[][]): string {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)))
  return rows.map((row) => row.map((cell, at) => at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)).join('  ')).join('\n')
}

/** @returns server/contender, of requests per second */
const ratio = (figures: Map<string, Figures>, name: string) =>
  figures.get('server')!.requests_per_second / figures.get(name)!.requests_per_second

/** The figures of every endpoint, contender by contender, for a terminal. */
export function figuresText (table: Table): string {
  const head = ['', 'requests/s', 'p50 ms', 'p99 ms', 'CPU s/1000', 'peak RSS MB', 'errors', 'server is ×']
  const rows = [...table].flatMap(([endpoint, figures]) => [
    [endpoint, ...head.slice(1).map(() => '')],
    ...[...figures].map(([name, one]) => [
      `  ${name}`, digits(one.requests_per_second, 0), digits(one.p50_ms, 2), digits(one.p99_ms, 2), digits(one.cpu_s_per_1000, 3),
      digits(one.rss_mb, 0), String(one.errors), name === 'server' || !figures.has('server') ? '' : digits(ratio(figures, name), 2)
    ])
  ])
  return columns([head, ...rows])
}

/** The targets beside the figures. */
export const verdictsText = (verdicts: Verdict[]): string =>
  columns([['', 'is', 'target', ''], ...verdicts.map(({ what, is, target, met }) => [what, digits(is, 2), target, met ? 'met' : 'MISSED'])])

/** The figures of the server, with its ratio to each peer, for programs. */
export function toJson (table: Table): Record<string, object> {
  return Object.fromEntries([...table].filter(([, figures]) => figures.has('server')).map(([endpoint, figures]) => {
    const peers = [...figures.keys()].filter((name) => name !== 'server')
    return [endpoint, {
      ...rounded(figures.get('server')!),
      ratio_to: Object.fromEntries(peers.map((name) => [name, Number(digits(ratio(figures, name), 3))])),
      peers: Object.fromEntries(peers.map((name) => [name, rounded(figures.get(name)!)]))
    }]
  }))
}

const rounded = (figures: Figures) =>
  Object.fromEntries(Object.entries(figures).map(([name, value]: [string, number]) => [name, Number(value.toPrecision(4))]))

/** @returns a Markdown document with other figures between its two marks, each part as it was printed */
export const withFigures = (document: string, parts: string[]): string =>
  document.replace(/(<!-- figures -->\n).*(<!-- \/figures -->)/s, (_all, start: string, end: string) =>
    start + parts.filter(Boolean).map((part) => `\n\`\`\`text\n${part.replace(/ +$/gm, '')}\n\`\`\`\n`).join('') + `\n${end}`)

const COLOURS = ['#1f6feb', '#8b949e', '#d29922', '#a371f7', '#3fb950', '#f85149', '#db61a2']

/** Requests per second of everybody at every endpoint, each against the server's, as a picture. */
export function chart (table: Table): string {
  const names = [...new Set([...table.values()].flatMap((figures) => [...figures.keys()]))]
  const [label, width, bar, gap] = [150, 760, 14, 26]
  let y = 56
  const parts: string[] = []
  for (const [endpoint, figures] of table) {
    const most = Math.max(...[...figures.values()].map((one) => one.requests_per_second))
    parts.push(`<text x="0" y="${y + 11}" font-weight="bold">${endpoint}</text>`)
    for (const [name, { requests_per_second: rate }] of figures) {
      const length = Math.max(1, rate / most * (width - label - 160))
      const shown = `${Math.round(rate).toLocaleString('en')}/s${name === 'server' ? '' : ` (server ${digits(ratio(figures, name), 2)} ×)`}`
      parts.push(`<rect x="${label}" y="${y}" width="${length.toFixed(1)}" height="${bar - 2}" fill="${COLOURS[names.indexOf(name)]!}"/>` +
        `<text x="${(label + length + 6).toFixed(1)}" y="${y + 10}">${shown}</text>`)
      y += bar
    }
    y += gap - bar
  }
  const legend = names.map((name, at) =>
    `<rect x="${label + at * 95}" y="26" width="10" height="10" fill="${COLOURS[at]!}"/><text x="${label + 14 + at * 95}" y="35">${name}</text>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 ${width + 20} ${y}" font-family="sans-serif" font-size="11">
<rect x="-10" width="${width + 20}" height="${y}" fill="#fff"/>
<text x="0" y="16" font-size="14" font-weight="bold">Requests per second, one process each (more is better)</text>
${[...legend, ...parts].join('\n')}
</svg>
`
}
