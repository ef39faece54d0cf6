import type { Cloner } from '../clones.ts'
import type { Database } from '../database/engine.ts'
import { jobsOn } from '../jobs-stage.ts'
import type { LoginsOf } from '../login-stage.ts'
import type { Finding } from '../model/finding.ts'
import type { Mailing } from '../model/people-sql.ts'
import { lookAtRecipients } from '../recipients-stage.ts'
import type { AccessFacts } from '../snapshot/access/facts.ts'
import { compareDates } from '../snapshot/dates/compare-dates.ts'
import { compareJobs } from '../snapshot/jobs/compare.ts'
import type { SideJobs } from '../snapshot/jobs/facts.ts'
import type { LedgerCatalog } from '../snapshot/ledger/catalog.ts'
import { compareLedger, compareTables, kindsOfRows } from '../snapshot/ledger/compare-ledger.ts'
import { compareCorrupt } from '../snapshot/ledger/corruption.ts'
import { takeCatalogOf } from '../snapshot/ledger/take.ts'
import { compareApi } from '../snapshot/schema/api.ts'
import type { ApiFacts } from '../snapshot/schema/api-facts.ts'
import { compareSchema } from '../snapshot/schema/compare-schema.ts'
import { type SchemaFacts, takeApiAlone, takeSchema } from '../snapshot/schema/take-schema.ts'
import { accessBetween } from './access-between.ts'
import { keyOf, partsOf } from './finding-key.ts'
import { type Family, loginFamilies, remembered } from './login-lookers.ts'

/** Findings about some of the reads of the contract, by name, between two states. */
export type AnswersBetween = (from: Database, to: Database, reads: ReadonlySet<string>) => Promise<readonly Finding[]>

export type Seen = ReadonlyMap<string, readonly Finding[]>

export type Lookers = {
  /** Whether a finding of this kind can be looked for between any two states. */
  canSee(finding: Finding): boolean
  /** Those of the sought findings that are there between two states, by key. */
  between(from: Database, to: Database, sought: ReadonlySet<string>): Promise<Seen>
}

/** Runs only the comparisons that can see something of what is sought, and those only over the objects concerned. */
export function lookers({
  names,
  access,
  later,
  zone,
  logins = { users: [], canaries: [] },
  answers,
  mailing,
  secretsByHand,
  clone,
  signal,
}: {
  /** Names of the databases that `access` and `later` are of. */
  readonly names: { readonly before: string; readonly after: string }
  readonly access: AccessFacts | undefined
  /** What the same identities saw after all migrations. */
  readonly later?: AccessFacts | undefined
  /** In which the Data API of before reads times without a zone. */
  readonly zone: string | undefined
  readonly logins?: LoginsOf | undefined
  readonly answers?: AnswersBetween | undefined
  readonly mailing?: Mailing | undefined
  readonly secretsByHand?: readonly string[] | undefined
  readonly clone: Cloner
  readonly signal: AbortSignal
}): Lookers {
  const schemaOf = remembered<SchemaFacts>((database) => takeSchema(database, { signal }))
  const apiOf = remembered<ApiFacts>((database) => takeApiAlone(database, { signal }))
  const catalogOf = remembered<LedgerCatalog>((database) => takeCatalogOf(database, signal))
  const jobsAt = remembered<SideJobs>((database) => jobsOn(database, { clone, secretsByHand, signal }))
  const lookAtAccess = access && accessBetween({ access, later, names, clone, signal })
  const families: readonly Family[] = [
    {
      sees: (kind) => kind === 'data.corrupt',
      look: async (from, to) => (await compareCorrupt(from, to, { signal })).findings,
    },
    {
      sees: (kind) => kind.startsWith('data.') && kind !== 'data.corrupt',
      look: async (from, to, sought) =>
        sought.every((key) => kindsOfRows.has(partsOf(key).kind))
          ? compareTables(from, to, objectsOf(sought), catalogOf, { signal })
          : (await compareLedger(from, to, { signal })).findings,
    },
    {
      sees: (kind) => kind.startsWith('date.'),
      look: async (from, to) => (await compareDates(from, to, { signal, zone })).findings,
    },
    {
      sees: (kind) => kind === 'feature.api-removed',
      look: async (from, to) => compareApi(await apiOf(from), await apiOf(to)).findings,
    },
    {
      sees: (kind) => kind.startsWith('schema.') || kind === 'access.rls-disabled',
      look: async (from, to) => compareSchema(await schemaOf(from), await schemaOf(to)).findings,
    },
    {
      sees: (kind) => answers !== undefined && kind === 'feature.answer-changed',
      look: async (from, to, sought) => (answers ? answers(from, to, objectsOf(sought)) : []),
    },
    {
      sees: (kind) => mailing !== undefined && /^mail\.(wrong-recipient|missing-recipient|duplicate)$/.test(kind),
      look: async (before, after) => (await lookAtRecipients({ before, after }, mailing, signal)).findings,
    },
    {
      sees: (kind) => kind.startsWith('feature.job-'),
      // One that fails in both states is told for the record, and has no cause between them.
      look: async (from, to) =>
        compareJobs(await jobsAt(from), await jobsAt(to)).findings.filter(({ severity }) => severity === undefined),
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
      const seen = new Map<string, Finding[]>()
      for (const { sees, look } of families) {
        const keys = [...sought].filter((key) => sees(partsOf(key).kind))
        if (keys.length === 0) continue
        for (const finding of await look(from, to, keys)) {
          const key = keyOf(finding)
          if (sought.has(key)) seen.set(key, [...(seen.get(key) ?? []), finding])
        }
      }
      return seen
    },
  }
}

function objectsOf(keys: readonly string[]): ReadonlySet<string> {
  return new Set(keys.map((key) => partsOf(key).object))
}
