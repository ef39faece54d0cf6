import type { Finding } from '../model/finding.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import { linesOf, placeAt } from './place.ts'
import { plainSql } from './statement-kind.ts'

const guards: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  {
    pattern: /^(?:set|select).*\bsession_replication_role\b(?!.*\b(?:origin|default)\b)/s,
    what: 'triggers and foreign keys',
  },
  { pattern: /^alter table\b.*\bdisable trigger\b/s, what: 'triggers' },
  { pattern: /^(?:set|select).*\brow_security\b.*\boff\b/s, what: 'row-level security' },
]

/** Statements that switch off what guards the data while the migration writes: one finding for each file. */
export function findingsOfGuards(files: readonly MigrationFile[]): readonly Finding[] {
  return files.flatMap((file): readonly Finding[] => {
    const lines = linesOf(file.sql)
    const off = file.statements.flatMap(({ sql, offset }) => {
      const guard = guards.find(({ pattern }) => pattern.test(plainSql(sql)))
      const lead = /^(?:\s|--[^\n]*(?:\n|$))*/.exec(sql)?.[0].length ?? 0
      return guard ? [{ what: guard.what, ...placeAt(lines, offset + lead) }] : []
    })
    const [first] = off
    if (first === undefined) return []
    const what = [...new Set(off.map((one) => one.what))].join(' and ')
    return [
      {
        kind: 'migration.guards-off',
        object: file.name,
        title: `${file.name} writes with ${what} switched off`,
        evidence: off.slice(0, 20).map((one) => `Line ${one.line} switches off ${one.what}.`),
        migration: file.name,
        where: { file: file.path, line: first.line, column: first.column },
      },
    ]
  })
}
