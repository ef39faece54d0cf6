import { HarnessError } from '../errors.ts'
import type { Finding } from '../model/finding.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import { type HistoryEntry, recordedName } from './history.ts'
import { compareNumbers, compareText, compareVersions, versionOf } from './order.ts'
import { plainSql } from './statement-kind.ts'

export type Selection = {
  /** In the order of running. */
  readonly pending: readonly MigrationFile[]
  /** Files that production has already, by its history or by the baseline. */
  readonly applied: readonly MigrationFile[]
  /** Whether the run is to be recorded in `supabase_migrations.schema_migrations`: not when production keeps no history. */
  readonly record: boolean
  readonly findings: readonly Finding[]
}

/**
 * Which files production does not have yet. A file counts as applied when the history has its version (for files with
 * one number: its version and name), or when its number is not above `baseline`. Without a history and a baseline every
 * file is pending. Throws `migrations.empty` when nothing is, `usage.invalid` for a baseline that is no version.
 */
export function selectPending(
  files: readonly MigrationFile[],
  history: readonly HistoryEntry[] | undefined,
  baseline?: string,
): Selection {
  const last = baseline === undefined ? undefined : baselineVersion(baseline)
  const matches = matchHistory(files, history ?? [])
  const applied = files.filter((file) => matches.has(file) || coveredBy(last, file))
  const pending = files.filter((file) => !applied.includes(file)).sort(compareVersions)
  if (pending.length === 0) throw nothingPending(files, baseline)
  return {
    pending,
    applied,
    record: history !== undefined || last === undefined,
    findings: [
      ...sameNumber(pending, files),
      ...outOfOrder(pending, history ?? []),
      ...orderOfText(pending, history),
      ...edited(matches),
      ...missingFiles(files, history ?? [], new Set(matches.values())),
    ],
  }
}

export function baselineVersion(baseline: string): string {
  const version = /^\d+$/.test(baseline) ? baseline : versionOf(baseline)
  if (version !== '') return version
  const message = `"${baseline}" is not a version. Give the number of the last migration that production has: 209.`
  throw new HarnessError('usage.invalid', message, { facts: { baseline } })
}

export function coveredBy(baseline: string | undefined, { version }: MigrationFile): boolean {
  return baseline !== undefined && version !== '' && compareNumbers(version, baseline) <= 0
}

export function nothingPending(files: readonly MigrationFile[], baseline: string | undefined): HarnessError {
  const why = baseline === undefined ? 'by the history in the dump' : `by its history or the baseline ${baseline}`
  const message = `No migration is pending: production has all ${files.length} files already, ${why}. A rehearsal of nothing proves nothing. Add the pending migrations to the folder, or take an older dump.`
  return new HarnessError('migrations.empty', message, { facts: { files: files.length, baseline } })
}

/** Each history row goes to one file: with the same name if there is one, else to the first with its version. */
function matchHistory(
  files: readonly MigrationFile[],
  history: readonly HistoryEntry[],
): ReadonlyMap<MigrationFile, HistoryEntry> {
  const matches = new Map<MigrationFile, HistoryEntry>()
  for (const entry of history) {
    const same = files.filter(({ version }) => version !== '' && version === entry.version)
    const file = same.find((candidate) => recordedName(candidate) === entry.name) ?? same[0]
    if (file) matches.set(file, entry)
  }
  return matches
}

function sameNumber(pending: readonly MigrationFile[], files: readonly MigrationFile[]): readonly Finding[] {
  const numbers = new Set(pending.map(({ version }) => version).filter((version) => version !== ''))
  return [...numbers].flatMap((version) => {
    const same = files.filter((file) => file.version !== '' && compareNumbers(file.version, version) === 0)
    const [first, second] = same
    if (!first || !second || pending.find((file) => same.includes(file))?.version !== version) return []
    const names = same.map(({ name }) => name)
    return {
      kind: 'migration.same-number',
      object: second.name,
      title: `${same.length} migrations have number ${version}; all are applied, in the order of their names`,
      evidence: names,
      migration: second.name,
      where: { file: second.path, line: 1 },
      fix: `Give ${names.slice(1).join(', ')} a number of its own: Supabase's CLI records one file for each version.`,
    }
  })
}

function outOfOrder(pending: readonly MigrationFile[], history: readonly HistoryEntry[]): readonly Finding[] {
  const versions = history.map(({ version }) => version).filter((version) => /^\d+$/.test(version))
  const newest = versions.sort(compareNumbers).at(-1)
  if (newest === undefined) return []
  return pending
    .filter(({ version }) => version !== '' && compareNumbers(version, newest) < 0)
    .map((file) => ({
      kind: 'migration.out-of-order',
      object: file.name,
      title: `${file.name} is older than the newest migration of production (${newest})`,
      evidence: [`Production has ${newest} and not ${file.version}.`],
      migration: file.name,
      where: { file: file.path, line: 1 },
      fix: `Give it a number above ${newest}, or push with --include-all.`,
    }))
}

/** Supabase's CLI compares versions as text: `10` comes before `9`. */
function orderOfText(
  pending: readonly MigrationFile[],
  history: readonly HistoryEntry[] | undefined,
): readonly Finding[] {
  if (history === undefined) return []
  const byText = [...pending].sort((one, other) => compareText(one.name, other.name))
  const at = pending.findIndex((file, index) => byText[index] !== file)
  const [file, other] = [pending[at], byText[at]]
  if (!file || !other) return []
  return [
    {
      kind: 'migration.out-of-order',
      object: other.name,
      title: `Supabase's CLI would run ${other.name} before ${file.name}, since it sorts by text`,
      evidence: [`Rehearsed by number: ${list(pending)}.`, `By text: ${list(byText)}.`],
      migration: other.name,
      where: { file: other.path, line: 1 },
      fix: 'Give all files numbers of the same length.',
    },
  ]
}

function edited(matches: ReadonlyMap<MigrationFile, HistoryEntry>): readonly Finding[] {
  return [...matches].flatMap(([file, { statements }]) => {
    if (!statements || statements.length === 0) return []
    const then = statements.map(plainSql).filter((sql) => sql !== '')
    const now = file.statements.map(({ sql }) => plainSql(sql))
    if (then.join(' ; ') === now.join(' ; ')) return []
    const at = now.findIndex((sql, index) => sql !== then[index])
    const place = file.statements[at] ?? file.statements.at(-1)
    return {
      kind: 'migration.edited-after-applied',
      object: file.name,
      title: `${file.name} was applied to production and changed afterwards`,
      evidence: [
        `${then.length} statements are recorded in supabase_migrations.schema_migrations, the file has ${now.length}.`,
        at < 0 ? 'Statements are gone from its end.' : `They differ from statement ${at + 1} on.`,
      ],
      migration: file.name,
      where: { file: file.path, line: place?.line ?? 1, ...(place ? { column: place.column } : {}) },
      fix: 'Put the file back as it was, and write what is new as a migration of its own: this one never runs again.',
    }
  })
}

function missingFiles(
  files: readonly MigrationFile[],
  history: readonly HistoryEntry[],
  matched: ReadonlySet<HistoryEntry>,
): readonly Finding[] {
  const missing = history.filter((entry) => !matched.has(entry)).map(({ version }) => version)
  if (missing.length === 0) return []
  const numbers = files.map(({ version }) => version).filter((version) => version !== '')
  const first = numbers.sort(compareNumbers)[0]
  const older = missing.every(
    (version) => first !== undefined && /^\d+$/.test(version) && compareNumbers(version, first) < 0,
  )
  return [
    {
      kind: 'migration.missing-file',
      object: 'supabase_migrations.schema_migrations',
      title: older
        ? `The folder begins after production: ${count(missing.length)} older than its first file`
        : `${count(missing.length)} of production without a file`,
      evidence: [keys(missing)],
      ...(older ? { severity: 'info' } : {}),
      fix: 'Supabase\'s CLI refuses to push while a version of production has no file: get them with "supabase migration fetch".',
    },
  ]
}

function count(versions: number): string {
  return versions === 1 ? 'one version is' : `${versions} versions are`
}

function list(files: readonly MigrationFile[]): string {
  return keys(files.map(({ name }) => name))
}

function keys(all: readonly string[]): string {
  return all.length > 20 ? `${all.slice(0, 20).join(', ')} … and ${all.length - 20} more` : all.join(', ')
}
