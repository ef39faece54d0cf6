import type { Cloner } from '../clones.ts'
import type { Database } from '../database/engine.ts'
import type { LoginsOf } from '../login-stage.ts'
import type { Finding } from '../model/finding.ts'
import type { Mailing } from '../model/people-sql.ts'
import { lookAtRecipients } from '../recipients-stage.ts'
import type { AccessFacts } from '../snapshot/access/facts.ts'
import { compareDates } from '../snapshot/dates/compare-dates.ts'
import { compareLedger } from '../snapshot/ledger/compare-ledger.ts'
import { compareSchema } from '../snapshot/schema/compare-schema.ts'
import { type SchemaFacts, takeSchema } from '../snapshot/schema/take-schema.ts'
import { accessBetween } from './access-between.ts'
import { keyOf, partsOf } from './finding-key.ts'
import { type Family, loginFamilies } from './login-lookers.ts'

/** Findings about the reads of the contract, between two states. */
export type AnswersBetween = (from: Database, to: Database) => Promise<readonly Finding[]>

export type Lookers = {
  /** Whether a finding of this kind can be looked for between any two states. */
  canSee(finding: Finding): boolean
  /** Which of the sought findings, by key, are there between two states. */
  between(from: Database, to: Database, sought: ReadonlySet<string>): Promise<ReadonlySet<string>>
}

/** Runs only the comparisons that can see something of what is sought, and those only over the objects concerned. */
export function lookers({
  access,
  zone,
  logins = { users: [], canaries: [] },
  answers,
  mailing,
  clone,
  signal,
}: {
  readonly access: AccessFacts | undefined
  /** In which the Data API of before reads times without a zone. */
  readonly zone: string | undefined
  readonly logins?: LoginsOf | undefined
  readonly answers?: AnswersBetween | undefined
  readonly mailing?: Mailing | undefined
  readonly clone: Cloner
  readonly signal: AbortSignal
}): Lookers {
  const schemas = new Map<string, Promise<SchemaFacts>>()
  const schemaOf = (database: Database) => {
    const known = schemas.get(database.name) ?? takeSchema(database, { signal })
    schemas.set(database.name, known)
    return known
  }
  const lookAtAccess = access && accessBetween({ access, clone, signal })
  const families: readonly Family[] = [
    {
      sees: (kind) => kind.startsWith('data.'),
      look: async (from, to) => (await compareLedger(from, to, { signal })).findings,
    },
    {
      sees: (kind) => kind.startsWith('date.'),
      look: async (from, to) => (await compareDates(from, to, { signal, zone })).findings,
    },
    {
      sees: (kind) => kind.startsWith('schema.') || kind === 'feature.api-removed' || kind === 'access.rls-disabled',
      look: async (from, to) => compareSchema(await schemaOf(from), await schemaOf(to)).findings,
    },
    {
      sees: (kind) => answers !== undefined && kind === 'feature.answer-changed',
      look: async (from, to) => (answers ? answers(from, to) : []),
    },
    {
      sees: (kind) => mailing !== undefined && /^mail\.(wrong-recipient|missing-recipient|duplicate)$/.test(kind),
      look: async (before, after) => (await lookAtRecipients({ before, after }, mailing, signal)).findings,
    },
    ...loginFamilies({ logins, clone, signal }),
    {
      sees: (kind) => access !== undefined && kind.startsWith('access.'),
      look: async (from, to, keys) => (lookAtAccess ? lookAtAccess(from, to, keys) : []),
    },
  ]
  return {
    canSee: ({ kind }) => families.some(({ sees }) => sees(kind)),
    async between(from, to, sought) {
      const seen = new Set<string>()
      for (const { sees, look } of families) {
        const keys = [...sought].filter((key) => sees(partsOf(key).kind))
        if (keys.length === 0) continue
        for (const finding of await look(from, to, keys)) if (sought.has(keyOf(finding))) seen.add(keyOf(finding))
      }
      return seen
    },
  }
}
