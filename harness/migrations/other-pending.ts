import type { Finding } from '../model/finding.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import { compareText, compareVersions } from './order.ts'
import type { OtherEntry, OtherHistory, OtherLayout } from './other-history.ts'
import { baselineVersion, coveredBy, nothingPending, type Selection } from './pending.ts'

/**
 * Which files production does not have yet, by the history of the tool that the folder is for, and as that tool would
 * choose. `files` in the order of running. Throws as `selectPending`.
 */
export function selectOtherPending(
  files: readonly MigrationFile[],
  layout: OtherLayout,
  history: OtherHistory | undefined,
  baseline?: string,
): Selection {
  const last = baseline === undefined ? undefined : baselineVersion(baseline)
  const entries = history?.entries ?? []
  const matches = new Map<MigrationFile, OtherEntry>()
  for (const file of files) {
    const entry = entries.find((one) => isOf(layout, one, file))
    if (entry) matches.set(file, entry)
  }
  const done = (file: MigrationFile) => (matches.has(file) && !matches.get(file)?.unfinished) || coveredBy(last, file)
  const skipped = layout === 'drizzle' ? files.filter((file) => !done(file) && !isAfter(file, entries)) : []
  const pending = files.filter((file) => !done(file) && !skipped.includes(file))
  if (pending.length === 0) throw nothingPending(files, baseline)
  return {
    pending: layout === 'dbmate' ? pending.toSorted((one, other) => compareText(one.name, other.name)) : pending,
    applied: files.filter(done),
    record: false,
    findings: [
      ...edited(matches, history),
      ...skipped.map((file) => neverRuns(file)),
      ...(layout === 'node-pg-migrate' ? outOfOrder(files, pending, matches) : []),
      ...[...matches].filter(([, { unfinished }]) => unfinished).map(([file]) => halfDone(file)),
      ...missing(entries, new Set(matches.values()), history),
    ],
  }
}

function isOf(layout: OtherLayout, { id, when }: OtherEntry, { name, version, when: own }: MigrationFile): boolean {
  if (layout === 'dbmate') return version === id
  if (layout === 'node-pg-migrate') return name.replace(/\.sql$/i, '') === id
  if (layout === 'prisma') return name.replace(/\/migration\.sql$/, '') === id
  return own === when
}

/** Drizzle runs what is newer than the newest that it has noted. */
function isAfter({ when = 0 }: MigrationFile, entries: readonly OtherEntry[]): boolean {
  return entries.every((entry) => when > (entry.when ?? 0))
}

function edited(
  matches: ReadonlyMap<MigrationFile, OtherEntry>,
  history: OtherHistory | undefined,
): readonly Finding[] {
  return [...matches].flatMap(([file, { sha256, unfinished }]): readonly Finding[] => {
    if (sha256 === undefined || sha256 === file.sha256 || unfinished) return []
    return [
      {
        kind: 'migration.edited-after-applied',
        object: file.name,
        title: `${file.name} was applied to production and changed afterwards`,
        evidence: [`SHA-256 in ${history?.table}: ${sha256}.`, `Of the file: ${file.sha256}.`],
        migration: file.name,
        where: { file: file.path, line: 1 },
        fix: 'Put the file back as it was, and write what is new as a migration of its own: this one never runs again.',
      },
    ]
  })
}

function neverRuns(file: MigrationFile): Finding {
  return {
    kind: 'migration.out-of-order',
    object: file.name,
    title: `${file.name} would never run: drizzle passes over what is older than the newest migration of production`,
    evidence: ['Its "when" in meta/_journal.json is not above the newest created_at of __drizzle_migrations.'],
    migration: file.name,
    where: { file: file.path, line: 1 },
    fix: 'Generate it anew, so that it comes last.',
  }
}

function outOfOrder(
  files: readonly MigrationFile[],
  pending: readonly MigrationFile[],
  matches: ReadonlyMap<MigrationFile, OtherEntry>,
): readonly Finding[] {
  const newest = files
    .filter((file) => matches.has(file))
    .sort(compareVersions)
    .at(-1)
  if (newest === undefined) return []
  return pending
    .filter((file) => compareVersions(file, newest) < 0)
    .map((file) => ({
      kind: 'migration.out-of-order',
      object: file.name,
      title: `${file.name} is older than ${newest.name}, which production has`,
      evidence: ['node-pg-migrate refuses to run it, unless told not to check the order.'],
      migration: file.name,
      where: { file: file.path, line: 1 },
      fix: 'Give it a stamp after the newest.',
    }))
}

function halfDone(file: MigrationFile): Finding {
  return {
    kind: 'migration.failed',
    object: file.name,
    title: `${file.name} failed on production, and prisma refuses to deploy until that is resolved`,
    evidence: ['_prisma_migrations has it as begun, without finished_at or rolled_back_at.'],
    migration: file.name,
    where: { file: file.path, line: 1 },
    fix: 'See what it left, then tell prisma: prisma migrate resolve --rolled-back or --applied.',
  }
}

function missing(
  entries: readonly OtherEntry[],
  matched: ReadonlySet<OtherEntry>,
  history: OtherHistory | undefined,
): readonly Finding[] {
  const ids = entries.filter((entry) => !matched.has(entry)).map(({ id }) => id)
  if (ids.length === 0 || history === undefined) return []
  const shown = ids.slice(0, 20).join(', ')
  return [
    {
      kind: 'migration.missing-file',
      object: history.table,
      title: `${ids.length === 1 ? 'One migration' : `${ids.length} migrations`} of production without a file`,
      evidence: [ids.length > 20 ? `${shown} … and ${ids.length - 20} more` : shown],
      fix: 'Bring the files back from the history of the repository.',
    },
  ]
}
