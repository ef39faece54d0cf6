import type { Check } from '../model/check.ts'
import type { ReplacedImport } from '../model/stack.ts'
import type { SidedAttempt } from './control.ts'

/** What loading every edge function once showed. */
export type Loaded = {
  readonly replaced: readonly ReplacedImport[]
  /** One sentence for each that does not load. */
  readonly failures: readonly string[]
  readonly attempts: readonly SidedAttempt[]
}

export type LoadFacts = Pick<Loaded, 'replaced' | 'failures'> & {
  readonly functions: readonly string[]
  /** By suites. */
  readonly called: readonly string[]
}

/** A function that does not load here may load in production, or not: nobody knows, so the check did not run. */
export function loadCheck({ functions, called, replaced, failures }: LoadFacts): Check {
  const check = {
    id: 'features.functions',
    metric: 'features',
    title: 'Every edge function loads',
    required: functions.length > 0,
  } as const
  const numbers = { functions: functions.length, called: called.length, importsReplaced: replaced.length }
  if (failures.length > 0) {
    return { ...check, status: 'not run', reason: [...failures].sort().join(' '), numbers }
  }
  if (functions.length === 0) return { ...check, status: 'passed', summary: 'There are no edge functions.', numbers }
  const idle = functions.filter((name) => !called.includes(name))
  const summary = [
    `${functions.length} functions load.`,
    idle.length === 0 ? 'Suites called each of them.' : `No suite called ${idle.join(', ')}.`,
    replaced.length === 0
      ? ''
      : `Imports replaced, since functions have no network: ${replaced.map(sayReplaced).join(', ')}.`,
  ]
  return { ...check, status: 'passed', summary: summary.filter((text) => text !== '').join(' '), numbers }
}

function sayReplaced({ from, to }: ReplacedImport): string {
  const own = /\/runtime\/(\w+)\.js$/.exec(to)?.[1]
  return `${from} by ${own === undefined ? to : `a module of Greenlight's own (${own})`}`
}
