import type { Check } from '../model/check.ts'
import type { Finding } from '../model/finding.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import { seconds } from './lock-findings.ts'
import type { TableTraffic, TrafficRun } from './traffic.ts'

/** Requests that waited, or failed for a time, longer than `maxBlock` milliseconds: one finding for each table. */
export function findingsOfTraffic(
  { tables }: TrafficRun,
  files: readonly MigrationFile[],
  maxBlock: number,
): readonly Finding[] {
  return tables.flatMap((table) => {
    const over = table.blocks
      .filter(({ milliseconds }) => milliseconds > maxBlock)
      .sort((one, other) => other.milliseconds - one.milliseconds)
    const [worst] = over
    if (worst === undefined) return []
    const file = files.find(({ name }) => name === worst.cause?.migration)
    const failed = worst.failedWith === undefined ? 'got no answer' : `failed (SQLSTATE ${worst.failedWith})`
    return [
      {
        kind: 'traffic.blocked',
        object: table.table,
        title: `${over
          .map(({ what }) => what)
          .sort()
          .join(' and ')} of ${table.table} ${failed} for ${seconds(worst.milliseconds)} during the deploy`.replace(
          /^./,
          (letter) => letter.toUpperCase(),
        ),
        evidence: [
          ...over.map(
            ({ what, milliseconds, cause }) =>
              `${what}: ${seconds(milliseconds)}${cause ? `, from ${cause.migration}:${cause.line} on` : ''}; allowed are ${seconds(maxBlock)}.`,
          ),
          `${table.requests} requests were sent while the migrations ran; 99 of 100 had their answer within ${seconds(table.p99Ms)}.`,
        ],
        ...(worst.cause ? { migration: worst.cause.migration } : {}),
        ...(file && worst.cause ? { where: { file: file.path, line: worst.cause.line } } : {}),
      },
    ]
  })
}

/** The check `performance.traffic`. */
export function checksOfTraffic({ tables, quiet }: TrafficRun, maxBlock: number): readonly Check[] {
  const check = {
    id: 'performance.traffic',
    metric: 'performance',
    title: 'Requests sent while the migrations ran',
    required: true,
  } as const
  const requests = sum(tables, ({ requests: sent }) => sent)
  const longest = tables.toSorted((one, other) => other.longestMs - one.longestMs)[0]
  const over = tables.filter(({ longestMs }) => longestMs > maxBlock).length
  const gone = tables.filter(({ goneWith }) => goneWith !== undefined).map(({ table }) => table)
  const parts = [
    longest === undefined
      ? 'The migrations touch no table that was there.'
      : `${requests} requests to ${tables.length} tables; the longest time without an answer was ${seconds(longest.longestMs)} (${longest.table}).`,
    gone.length > 0 ? `What the app asked of ${gone.join(', ')} is there no more.` : '',
    quiet.length > 0 ? `Not while ${quiet.join(', ')} ran, which asks for locks without waiting.` : '',
  ]
  return [
    {
      ...check,
      status: over > 0 ? 'failed' : 'passed',
      summary: parts.filter((part) => part !== '').join(' '),
      numbers: {
        tables: tables.length,
        requests,
        longestMs: longest?.longestMs ?? 0,
        p99Ms: Math.round(Math.max(0, ...tables.map(({ p99Ms }) => p99Ms)) * 10) / 10,
        errors: sum(tables, ({ errors }) => errors),
      },
    },
  ]
}

function sum(tables: readonly TableTraffic[], of: (table: TableTraffic) => number): number {
  return tables.reduce((total, table) => total + of(table), 0)
}
