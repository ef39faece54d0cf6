import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import type { Run } from './measure.ts'
import { median, type Pair, ratioInterval } from './statistics.ts'
import type { Query } from './workload.ts'

/** One query on both sides. */
export type Measured = {
  readonly origin?: Query['origin']
  /** The text of a captured query, without constants. */
  readonly text?: string
  readonly relation: string
  readonly shape: string
  /** Who sent it: the identity's label. */
  readonly by: string
  readonly role?: string
  readonly before: Run
  readonly after: Run
  /** Interleaved times; empty where a first look showed no difference worth timing. */
  readonly times: readonly Pair[]
  /** Once the tables were written anew on both sides; only of a read that was costlier or slower. `times`: of a slower one. */
  readonly rewritten?: { readonly before: Run; readonly after: Run; readonly times?: readonly Pair[] }
}

/** Growth that counts, as a ratio; with it at least so many blocks, or so many milliseconds between the medians. */
const growth = 1.2
const fewestBlocks = 100
const fewestMilliseconds = 1
/** Pairs of times below which nothing is said of a query. */
const fewestPairs = 5
/** A read that only rewriting heals is a warning while it costs less than so much more: nobody feels it. */
const feltMilliseconds = 50
const feltBlocks = 10_000
/** More blocks than so many make a new sequential scan worth a warning. */
const blocksOfNote = 40

type Cost = { readonly measured: Measured; readonly before: number; readonly after: number; readonly moreRows: boolean }

/**
 * Blocks decide exactly; times decide only as an interval. A query that returns more rows than before does other work, so
 * it counts by the blocks for each row, and as a warning: whether the rows should be seen is for the access findings.
 */
export function costlier(measured: Measured): Cost | undefined {
  const { before, after } = measured
  if (before.state !== 'done' || after.state !== 'done') return undefined
  const grew = after.blocks > before.blocks * growth && after.blocks - before.blocks > fewestBlocks
  if (!grew) return undefined
  const cost = { measured, before: before.blocks, after: after.blocks }
  if (after.rows <= before.rows) return { ...cost, moreRows: false }
  const perRow = (run: typeof before) => run.blocks / Math.max(run.rows, 1)
  return perRow(after) > perRow(before) * growth ? { ...cost, moreRows: true } : undefined
}

/**
 * Whether the whole interval lies above the growth that counts, for a query with the same rows on both sides. The fastest
 * run of each side must say so too: other work on the machine makes runs slower, never faster than the query is.
 */
export function slower(measured: Measured, seed: number): boolean {
  const { before, after, times } = measured
  if (before.state !== 'done' || after.state !== 'done' || times.length < fewestPairs || after.rows > before.rows)
    return false
  const fastest = (side: keyof Pair) => Math.min(...times.map((pair) => pair[side]))
  if (fastest('after') <= fastest('before') * growth) return false
  return difference(times) > fewestMilliseconds && ratioInterval(times, seed).low > growth
}

function difference(times: readonly Pair[]): number {
  return median(times.map(({ after }) => after)) - median(times.map(({ before }) => before))
}

/** Slower only until the rows of the table are written anew, and by little. */
function heals(measured: Measured, seed: number): boolean {
  const { times, rewritten } = measured
  const anew = rewritten?.times
  // A read that failed once its table was rewritten was not seen to be as fast as before.
  if (anew === undefined || anew.length < fewestPairs || difference(times) >= feltMilliseconds) return false
  return !slower({ ...measured, times: anew }, seed)
}

/** Costlier only until the rows of the tables are written anew, and by little. */
function costHeals({ measured, before, after }: Cost): boolean {
  const { rewritten } = measured
  if (rewritten?.before.state !== 'done' || rewritten.after.state !== 'done') return false
  return after - before < feltBlocks && costlier({ ...measured, ...rewritten }) === undefined
}

/**
 * A read that used an index and reads a whole table now. Below the growth that blocks, it is a warning: it grows with the
 * data, and the table may be larger by then.
 */
export function readsWhole(measured: Measured): boolean {
  const { before, after } = measured
  if (before.state !== 'done' || after.state !== 'done' || after.rows > before.rows) return false
  const more = after.blocks - before.blocks
  return newScans(measured).length > 0 && more > blocksOfNote && after.blocks > before.blocks * growth
}

function newScans({ before, after }: Measured): readonly string[] {
  if (before.state !== 'done' || after.state !== 'done') return []
  return (after.wholeReads ?? []).filter((name) => !before.wholeReads?.includes(name))
}

/** What changed in the plan, as lines of evidence. */
function shapeLines(measured: Measured): readonly string[] {
  const { before, after } = measured
  if (before.state !== 'done' || after.state !== 'done') return []
  const unused = (before.indexes ?? []).filter((name) => !after.indexes?.includes(name))
  return [
    ...newScans(measured).map((name) => `${name} is read whole now`),
    ...(unused.length > 0 ? [`no longer used: index ${unused.join(', ')}`] : []),
  ]
}

/** A read that was answered before and runs out of time after. */
export function timesOut({ before, after }: Measured): boolean {
  return before.state === 'done' && after.state === 'failed' && after.sqlstate === '57014'
}

export function judge(all: readonly Measured[], seed: number): { findings: Finding[]; checks: Check[] } {
  const findings: Finding[] = []
  const byRelation = Map.groupBy(all, ({ relation }) => relation)
  for (const [relation, queries] of byRelation) {
    const costs = queries.map(costlier).filter((cost) => cost !== undefined)
    const same = costs.filter(({ moreRows }) => !moreRows)
    if (same.length > 0) findings.push(costFinding(relation, same))
    else if (costs.length > 0) findings.push({ ...costFinding(relation, costs), severity: 'warning' })
    else if (queries.some(readsWhole)) findings.push(wholeReadFinding(relation, queries.filter(readsWhole)))
    const slow = queries.filter((query) => timesOut(query) || slower(query, seed))
    if (slow.length > 0) findings.push(slowFinding(relation, slow, seed))
  }
  findings.push(...all.flatMap(refused))
  const sorted = findings.toSorted((a, b) => (a.kind + a.object < b.kind + b.object ? -1 : 1))
  return { findings: sorted, checks: [check(all, sorted)] }
}

const apiRoles = /^(anon|authenticated|service_role)$/

/** A query of the config or of a capture that is no longer answered. Of other roles than the API's it may be anybody's, sent by hand. */
function refused({ relation, by, before, after, origin, text, role }: Measured): readonly Finding[] {
  if (origin === undefined || before.state !== 'done' || after.state !== 'failed' || after.sqlstate === '57014')
    return []
  const called = origin === 'config' ? `query ${relation} of the config` : relation
  return [
    {
      kind: 'feature.regressed',
      object: relation,
      ...(origin === 'config' || apiRoles.test(role ?? '') ? {} : { severity: 'warning' }),
      title: `The ${called} is answered before the migrations and fails after them.`,
      evidence: [`Sent by ${by}; SQLSTATE ${after.sqlstate}.`, ...(text === undefined ? [] : [text])],
    },
  ]
}

function costFinding(relation: string, costs: readonly Cost[]): Finding {
  const worst = costs.reduce((a, b) => (b.after - b.before > a.after - a.before ? b : a))
  const { measured, before, after, moreRows } = worst
  const rows = moreRows ? ', and returns more rows' : ''
  return {
    kind: 'query.costlier',
    object: relation,
    title: `Reading ${relation} with ${measured.shape} touches ${number(after)} blocks instead of ${number(before)}${rows}.`,
    evidence: costs.flatMap((cost) => {
      const returned = [cost.measured.before, cost.measured.after].map((run) => (run.state === 'done' ? run.rows : 0))
      return [
        `${cost.measured.shape} by ${cost.measured.by}: ${number(cost.before)} → ${number(cost.after)} blocks, ${returned.map(number).join(' → ')} rows`,
        ...(cost.measured.text === undefined ? [] : [cost.measured.text]),
        ...shapeLines(cost.measured),
      ]
    }),
    ...(costs.every(costHeals)
      ? healing(relation, 'touches as many blocks as before')
      : {
          fix: 'Compare the plans on both sides (explain (analyze, buffers)): an index that is gone, a policy that is asked for each row, a table that grew.',
        }),
  }
}

function wholeReadFinding(relation: string, queries: readonly Measured[]): Finding {
  const [first] = queries
  return {
    kind: 'query.costlier',
    object: relation,
    severity: 'warning',
    title: `Reading ${relation} with ${first?.shape ?? ''} reads the whole table now, where an index did before: it costs little here, and grows with the data.`,
    evidence: queries.flatMap((query) => [
      `${query.shape} by ${query.by}`,
      ...(query.text === undefined ? [] : [query.text]),
      ...shapeLines(query),
    ]),
    fix: 'Look for an index that is gone, or a condition that no index serves.',
  }
}

function slowFinding(relation: string, queries: readonly Measured[], seed: number): Finding {
  const lines = queries.map((query) => {
    if (timesOut(query)) return `${query.shape} by ${query.by}: does not end within the time limit any more`
    const { low, high } = ratioInterval(query.times, seed)
    const [before, after] = [query.times.map((pair) => pair.before), query.times.map((pair) => pair.after)].map(median)
    return `${query.shape} by ${query.by}: ${milliseconds(before)} → ${milliseconds(after)}, ${low.toFixed(2)} to ${high.toFixed(2)} times as long`
  })
  return {
    kind: 'query.slower',
    object: relation,
    title: `Reading ${relation} takes longer than before: ${lines[0] ?? ''}.`,
    evidence: [...lines, ...queries.flatMap(({ text }) => text ?? [])],
    ...(queries.every((query) => heals(query, seed)) ? healing(relation, 'is as fast as before') : {}),
  }
}

/** `relation` may be a function or a query of the config, which read tables. */
function healing(relation: string, as: string): Pick<Finding, 'severity' | 'fix'> {
  const run = /\)$|^[^.]*$/.test(relation)
    ? '"vacuum (full, analyze)" for the tables that it reads'
    : `"vacuum (full, analyze) ${relation}"`
  return {
    severity: 'warning',
    fix: `With the rows written anew it ${as}: columns that were added with a default are filled in at every read of an older row, and updated rows leave room behind. Run ${run} after the deploy if they may be locked for that long.`,
  }
}

function check(all: readonly Measured[], findings: readonly Finding[]): Check {
  const base = {
    id: 'performance.queries',
    metric: 'performance',
    title: 'Plain reads of real users, measured on both sides',
    required: true,
  } as const
  const done = all.flatMap(({ before, after, times }) =>
    before.state === 'done' && after.state === 'done' ? [{ before, after, times }] : [],
  )
  if (done.length === 0) {
    return { ...base, status: 'not run', reason: 'No table that the Data API exposes could be read on both sides.' }
  }
  const broken = all.find(({ origin, before }) => origin === 'config' && before.state === 'failed')
  if (broken?.before.state === 'failed') {
    const reason = `The query ${broken.relation} of the config fails before the migrations already (SQLSTATE ${broken.before.sqlstate}, sent by ${broken.by}): mend it, so that it can be compared.`
    return { ...base, status: 'not run', reason }
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  const ratios = done.flatMap(({ times }) =>
    times.length > 0
      ? [median(times.map(({ after }) => after)) / Math.max(median(times.map(({ before }) => before)), 0.001)]
      : [],
  )
  const numbers = {
    queries: done.length,
    notMeasured: all.length - done.length,
    timed: ratios.length,
    blocksBefore: sum(done.map(({ before }) => before.blocks)),
    blocksAfter: sum(done.map(({ after }) => after.blocks)),
    ...(ratios.length > 0 ? { medianRatio: Math.round(median(ratios) * 1_000) / 1_000 } : {}),
  }
  const harm = findings.some(({ severity }) => severity === undefined)
  const time =
    numbers.medianRatio === undefined ? '' : ` The median read takes ${numbers.medianRatio.toFixed(2)} times as long.`
  return {
    ...base,
    status: harm ? 'failed' : 'passed',
    summary: `${number(done.length)} reads touch ${number(numbers.blocksAfter)} blocks, ${number(numbers.blocksBefore)} before.${time}`,
    numbers,
  }
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function milliseconds(value: number | undefined): string {
  return `${(value ?? 0).toFixed(1)} ms`
}
