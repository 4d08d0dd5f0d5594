import { readFileSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** @returns the CPU seconds that a process has used, in user and kernel, by all of its threads (proc(5)) */
export function cpuSeconds (pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // After the name in brackets, which may contain anything: utime and stime are fields 14 and 15.
  const [utime, stime] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13)
  return (Number(utime) + Number(stime)) / TICKS_PER_SECOND
}

const megabytes = (pid: number, field: string) => {
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
  return Number(kilobytes) / 1024
}

/** @returns the memory that a process has in RAM, in MB */
export const rss = (pid: number): number => megabytes(pid, 'VmRSS')

/** @returns the most it ever had since `forgetPeak` */
export const peakRss = (pid: number): number => megabytes(pid, 'VmHWM')

export function forgetPeak (pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
