import type { Finding } from '../model/finding.ts'
import type { AppliedMigration, TableRows } from '../model/migration-run.ts'

/** Migrations that wrote rows as the finding tells. Enough for information; not for what a declaration must cover. */
export function candidatesByRowCounts({ kind, object }: Finding, applied: readonly AppliedMigration[]): string[] {
  const wrote = writes(kind)
  if (wrote === undefined) return []
  return applied.filter(({ rows }) => rows?.some((row) => row.table === object && wrote(row))).map(({ name }) => name)
}

function writes(kind: Finding['kind']): ((rows: TableRows) => boolean) | undefined {
  switch (kind) {
    case 'data.rows-inserted':
      return ({ inserted }) => inserted > 0
    case 'data.rows-deleted':
      return ({ deleted }) => deleted > 0
    case 'data.values-filled':
    case 'data.values-moved':
    case 'data.rows-touched':
      return ({ updated }) => updated > 0
    case 'storage.bloat':
      return ({ updated, deleted }) => updated + deleted > 0
    default:
      return undefined
  }
}
