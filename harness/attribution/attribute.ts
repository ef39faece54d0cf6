import type { Cloner } from '../clones.ts'
import type { Database } from '../database/engine.ts'
import type { LoginsOf } from '../login-stage.ts'
import type { Finding } from '../model/finding.ts'
import type { AppliedMigration, MigrationFile } from '../model/migration-run.ts'
import type { Mailing } from '../model/people-sql.ts'
import type { AccessFacts } from '../snapshot/access/facts.ts'
import { catalogue } from '../verdict/catalogue/catalogue.ts'
import { findCauses, type NamedCause } from './causes.ts'
import { keyOf } from './finding-key.ts'
import { type AnswersBetween, lookers } from './lookers.ts'
import { candidatesByRowCounts } from './row-counts.ts'

export type AttributionInput = {
  readonly before: Database
  readonly after: Database
  readonly pending: readonly MigrationFile[]
  readonly applied: readonly AppliedMigration[]
  /** What was seen on before: the same identities are asked again. Absent when the row sets could not be read. */
  readonly access: AccessFacts | undefined
  /** What they saw after all migrations. */
  readonly later?: AccessFacts | undefined
  readonly zone?: string | undefined
  /** Those whose logins differ: they alone are logged in again. */
  readonly logins?: LoginsOf
  /** Compares the answers to the reads of the contract between two states. */
  readonly answers?: AnswersBetween | undefined
  /** Who is mailed about what, where the contracts say so. */
  readonly mailing?: Mailing | undefined
  /** Secrets that jobs find in the vault once they are put there by hand. */
  readonly secretsByHand?: readonly string[] | undefined
  readonly record: boolean
  readonly clone: Cloner
  readonly signal: AbortSignal
}

/**
 * Names the migration behind each finding, since an expectation covers only what its own migration does. For findings
 * that can block this is found out by looking: the pending migrations are halved, both halves are compared, and so on
 * down to single files. A finding with several causes is told once for each, to be declared by each. For the others the
 * rows that each migration wrote are enough. What only some migrations together do stays without a name.
 *
 * What the deploy ends with counts: what one migration opens and a later one closes again is no finding, and nobody is
 * named for it; of what is closed in part, the one that opened it is named, and of what a third opens again, that third.
 */
export async function attribute(findings: readonly Finding[], input: AttributionInput): Promise<Finding[]> {
  const { pending } = input
  const [only] = pending
  if (only !== undefined && pending.length === 1) return findings.map((finding) => named(finding, only.name))
  const { access, later, zone, logins, answers, mailing, secretsByHand, clone, signal } = input
  const names = { before: input.before.name, after: input.after.name }
  const look = lookers({ names, access, later, zone, logins, answers, mailing, secretsByHand, clone, signal })
  const open = findings.filter((finding) => isOpen(finding) && look.canSee(finding))
  const wanted = Map.groupBy(open, keyOf)
  const causes = wanted.size > 0 ? await findCauses(wanted, look, input) : new Map<string, NamedCause[]>()
  return findings.flatMap((finding) => {
    if (finding.migration !== undefined) return [finding]
    const migrations = isOpen(finding)
      ? causesOf(finding, causes.get(keyOf(finding)) ?? [], wanted.get(keyOf(finding)) ?? [])
      : candidatesByRowCounts(finding, input.applied)
    if (migrations.length <= 1 || !isOpen(finding)) {
      const [single] = migrations
      return [single === undefined || migrations.length > 1 ? finding : named(finding, single)]
    }
    const together = `by ${migrations.join(' and ')}`
    return migrations.map((migration) => named({ ...finding, evidence: [together, ...finding.evidence] }, migration))
  })
}

/**
 * Of two migrations that change different columns of one table, each is named for its own. A column that no finding is
 * about may be one of those under another name: a migration renames it in between.
 */
function causesOf(finding: Finding, causes: readonly NamedCause[], alike: readonly Finding[]): readonly string[] {
  const own = new Set(finding.columns ?? [])
  const told = new Set(alike.flatMap(({ columns = [] }) => columns))
  return causes
    .filter(
      ({ columns }) =>
        own.size === 0 || columns.length === 0 || columns.some((name) => own.has(name) || !told.has(name)),
    )
    .map(({ migration }) => migration)
}

function isOpen(finding: Finding): boolean {
  return finding.migration === undefined && (finding.severity ?? catalogue[finding.kind].severity) === 'blocking'
}

function named(finding: Finding, migration: string): Finding {
  return finding.migration === undefined && isOfMigrations(finding) ? { ...finding, migration } : finding
}

/** What the dump, the plan or the rollback brought about is no migration's doing. */
function isOfMigrations({ kind }: Finding): boolean {
  return /^(schema|data|date|auth|access|feature|query|storage|index)\./.test(kind)
}
