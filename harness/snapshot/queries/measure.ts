import type { Connection } from '../../database/engine.ts'

/** One run of one query on one side. */
export type Run =
  | {
      readonly state: 'done'
      /** Shared blocks touched, whether they were in memory or not: the same in every run over the same data and plan. */
      readonly blocks: number
      /** Rows of the page that the client gets. */
      readonly rows: number
      readonly milliseconds: number
      /** Tables that were read whole, and indexes that were used; sorted. */
      readonly wholeReads?: readonly string[]
      readonly indexes?: readonly string[]
    }
  | { readonly state: 'failed'; readonly sqlstate: string }

export type PlanNode = {
  'Node Type'?: string
  'Relation Name'?: string
  'Index Name'?: string
  'Index Cond'?: string
  'Parent Relationship'?: string
  'Actual Rows'?: number
  'Shared Hit Blocks'?: number
  'Shared Read Blocks'?: number
  Plans?: PlanNode[]
}

/** Runs `sql` under EXPLAIN inside the open transaction, behind the savepoint `query`. */
export async function run(session: Connection, sql: string): Promise<Run> {
  try {
    const { rows } = await session.query<{ 'QUERY PLAN': [{ Plan: PlanNode; 'Execution Time': number }] }>(
      `explain (analyze, buffers, timing off, format json) ${sql}`,
    )
    const explained = rows[0]?.['QUERY PLAN'][0]
    if (explained === undefined) throw new TypeError('EXPLAIN gave no plan.')
    const plan = explained.Plan
    const page = plan.Plans?.find((node) => node['Parent Relationship'] === 'Outer')
    return {
      state: 'done',
      blocks: (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0),
      rows: page?.['Actual Rows'] ?? 0,
      milliseconds: explained['Execution Time'],
      ...shapeOf(plan),
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5)) {
      throw error
    }
    await session.query('rollback to savepoint query')
    return { state: 'failed', sqlstate: error.code }
  }
}

/** The node and all below it. */
export function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

function shapeOf(plan: PlanNode): {
  readonly wholeReads: readonly string[]
  readonly indexes: readonly string[]
} {
  const all = nodesOf(plan)
  const names = (name: 'Relation Name' | 'Index Name', type: RegExp) =>
    [...new Set(all.filter((node) => type.test(node['Node Type'] ?? '')).flatMap((node) => node[name] ?? []))].sort()
  return { wholeReads: names('Relation Name', /^Seq Scan$/), indexes: names('Index Name', /Index/) }
}
