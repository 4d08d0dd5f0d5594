import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

/** Milliseconds between two looks at the event loop. */
const RESOLUTION = 10

/** Quantiles of the delay, and the longest. */
export const DELAYS = ['p50', 'p90', 'p99', 'max'] as const

/** How late the event loop is, in seconds. What prom-client brings for that holds the process open and cannot be stopped. */
export function watchEventLoop () {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  histogram.enable()
  // Node measures from one look to the next, so that the time between them is in it.
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - RESOLUTION / 1000)
  return {
    /** @returns the delays since the last call */
    delays (): Record<typeof DELAYS[number], number> {
      const [p50, p90, p99] = [50, 90, 99].map((percent) => late(histogram.percentile(percent))) as [number, number, number]
      const found = { p50, p90, p99, max: late(histogram.max) }
      histogram.reset()
      return found
    },

    stop: () => { histogram.disable() }
  }
}

/** @returns the seconds that the event loop was busy, and had nothing to do, since the start */
export function eventLoopTimes (): { active: number, idle: number } {
  const { active, idle } = performance.eventLoopUtilization()
  return { active: active / 1000, idle: idle / 1000 }
}

/** @returns the seconds of the processor's time, since the start */
export function cpuTimes (): { user: number, system: number } {
  const { user, system } = process.cpuUsage()
  return { user: user / 1e6, system: system / 1e6 }
}
