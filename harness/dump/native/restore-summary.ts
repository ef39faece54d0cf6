import type { ChildResult } from './restore-child.ts'

/** One restore of a benchmark. */
export type Restored = {
  /** Without gathering statistics, which pg_restore does not do. */
  readonly milliseconds: number
  readonly analyzeMilliseconds: number
  /** Of the client. */
  readonly cpuMilliseconds: number
  readonly serverCpuMilliseconds: number
  /** Of ours. */
  readonly details?: ChildResult
}

/** Pure: medians, the ratios of each round, and what each phase took, as text. */
export function summary(results: {
  readonly ours: readonly Restored[]
  readonly masked: readonly Restored[]
  readonly native: readonly Restored[]
}): string {
  const { ours, masked, native } = results
  const row = (name: string, restored: readonly Restored[]) => {
    const ratios = (of: (each: Restored) => number) =>
      median(restored.map((each, round) => of(each) / of(native[round] ?? each))).toFixed(2)
    const peak = Math.max(0, ...restored.map(({ details }) => details?.peakMegabytes ?? 0))
    return [
      name,
      seconds(restored.map(({ milliseconds }) => milliseconds)),
      ratios(({ milliseconds }) => milliseconds),
      ratios(({ milliseconds, analyzeMilliseconds }) => milliseconds + analyzeMilliseconds),
      seconds(restored.map(({ cpuMilliseconds }) => cpuMilliseconds)),
      seconds(restored.map(({ serverCpuMilliseconds }) => serverCpuMilliseconds)),
      peak === 0 ? '' : `${peak} MB`,
    ]
  }
  const head = ['', 'wall', 'ratio', 'with ANALYZE', 'client CPU', 'server CPU', 'peak memory']
  const rows = [head, row('pg_restore', native), row('ours', ours), row('ours, masked', masked)]
  const failed = Math.max(...[...ours, ...masked].map(({ details }) => details?.failed ?? 0))
  return [
    ...rows.map((cells) => `  ${cells.map((cell, at) => (at === 0 ? cell.padEnd(14) : cell.padStart(13))).join('')}`),
    `  phases         ${phases(ours)}`,
    `  phases, masked ${phases(masked)}`,
    `  masked values  ${masked[0]?.details?.maskedValues ?? 0}`,
    `  not restored   ${failed} entries`,
  ].join('\n')
}

function phases(restored: readonly Restored[]): string {
  const names = restored[0]?.details?.phases.map(({ name }) => name) ?? []
  const read = seconds(restored.map(({ details }) => details?.readMilliseconds ?? 0))
  const each = names.map((name, at) => {
    const times = restored.map(({ details }) => details?.phases[at]?.milliseconds ?? 0)
    return `${name} ${seconds(times)}`
  })
  return [`read through and hash ${read}`, ...each].join(', ')
}

function seconds(milliseconds: readonly number[]): string {
  return `${(median(milliseconds) / 1000).toFixed(1)} s`
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
