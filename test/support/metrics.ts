import { prometheus } from '../../src/metrics/prometheus.js'
import { startApp, type Options } from '../helper.js'
import type { Test } from 'tap'
import { teardown } from './teardown.js'

/** A series of the text that Prometheus reads: its name, its labels, what it is now. */
export interface Series { name: string, labels: Record<string, string>, value: number }

const SERIES = /^(\w+)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

/** @throws for a line that Prometheus would not understand */
export function parsed (text: string): Series[] {
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'))
  return lines.map((line) => {
    const [, name, labels = '', value] = SERIES.exec(line) ?? []
    if (!name || Number.isNaN(Number(value))) throw new Error(`this is no series: ${line}`)
    const named = [...labels.matchAll(LABEL)].map(([, label, value]): [string, string] => [label!, value!])
    return { name, labels: Object.fromEntries(named), value: Number(value) }
  })
}

/** An application with metrics, and what they say. */
export async function startMeasured (t: Test, options: Options = {}) {
  const metrics = await prometheus('1.2.3')
  teardown(t, metrics.stop)
  const app = await startApp(t, { ...options, metrics })
  const series = async () => parsed((await metrics.text()).body)

  /** @returns the sum of the series of a name that have these labels; undefined when there is none */
  async function read (name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const wanted = Object.entries(labels)
    const isWanted = (one: Series) => one.name === name && wanted.every(([label, value]) => one.labels[label] === value)
    const found = (await series()).filter(isWanted)
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
  }
  return { ...app, metrics, series, read }
}
