import { displayIdentifier, displayName } from '../database/identifiers.ts'
import { HarnessError } from '../errors.ts'
import type { DumpFacts, NotInDump, RestoredExtension } from '../model/restore-run.ts'
import type { Dump, DumpSource } from './dump.ts'
import type { MigrationHistory } from './history.ts'
import { isGrantOnMember } from './load/outcome.ts'
import { type Action, type PlannedEntry, planRestore, type ServerFacts } from './plan.ts'
import { checkServerVersion } from './server-version.ts'
import { checkWholeDatabase } from './whole-database.ts'

/** What is in a dump, and what a run on that server would make of it. The document of `inspect --json`. */
export type Inspection = {
  readonly version: 1
  readonly dump: DumpFacts
  readonly sources: readonly DumpSource[]
  readonly server: string
  /** Largest first. `bytes`: of its rows in the dump, packed. */
  readonly tables: readonly { readonly name: string; readonly bytes: number }[]
  readonly extensions: readonly (RestoredExtension & {
    /** What would be refused with it: `TABLE public.places`. */
    readonly dependents: readonly string[]
  })[]
  /** That it names without bringing them. `made`: the server lacks it, so that it is made, without login and memberships. */
  readonly roles: readonly { readonly name: string; readonly made: boolean }[]
  /** That the dump brings itself, in its order: one of a whole cluster, or the roles of the platform's CLI. */
  readonly ownRoles: readonly string[]
  readonly history: readonly MigrationHistory[]
  /** How many entries there are of each kind of end. */
  readonly entries: Readonly<Record<Action, number>>
  /**
   * How many of those that come as they stand are grants on members of extensions. A run leaves out one whose member the
   * server's version of the extension lacks, which only the server knows.
   */
  readonly memberGrants: number
  /** All that does not come as it stands, in the order of the table of contents. */
  readonly changed: readonly {
    readonly object: string
    readonly action: Exclude<Action, 'restore'>
    readonly reason: string
  }[]
  /** What nobody can make up for a dump without the platform's own schemas; absent for one that has them. */
  readonly notInDump?: readonly NotInDump[]
  /** Why a run would refuse the dump as a whole; absent when it would not. */
  readonly refusal?: string
}

type Inspected = { readonly dump: Dump; readonly history: readonly MigrationHistory[] }
type ExpectedServer = { readonly facts: ServerFacts; readonly version: string; readonly versionNum: number }

/** Pure. */
export function inspect({ dump, history }: Inspected, server: ExpectedServer): Inspection {
  const plan = planRestore(dump, server.facts)
  const count = (action: Action) => plan.entries.filter((planned) => planned.action === action).length
  const missing = new Set(plan.missingRoles)
  const known = new Set(dump.entries.map(({ id }) => id))
  const refusal = refusalOf(dump, server.versionNum)
  return {
    version: 1,
    dump: dump.facts,
    sources: dump.sources,
    server: server.version,
    tables: dump.tables
      .toSorted((a, b) => b.bytes - a.bytes)
      .map(({ schema, name, bytes }) => ({ name: displayName(schema, name), bytes })),
    extensions: plan.extensions.map((extension) => ({
      ...extension,
      dependents: extension.mode === 'absent' ? dependentsOf(extension.name, plan.entries) : [],
    })),
    roles: dump.roles.map((name) => ({ name, made: missing.has(name) })),
    ownRoles: dump.entries.filter(({ type }) => type === 'ROLE').map(({ name }) => name),
    history,
    entries: { restore: count('restore'), alter: count('alter'), stub: count('stub'), refuse: count('refuse') },
    memberGrants: plan.entries.filter(
      ({ entry, action }) => action === 'restore' && entry.name !== 'SCHEMA public' && isGrantOnMember(entry, known),
    ).length,
    changed: plan.entries.flatMap(({ entry, action, reason = '' }) =>
      action === 'restore' ? [] : [{ object: objectOf(entry), action, reason }],
    ),
    ...(dump.notInDump === undefined ? {} : { notInDump: dump.notInDump }),
    ...(refusal === undefined ? {} : { refusal }),
  }
}

function refusalOf(dump: Dump, versionNum: number): string | undefined {
  try {
    checkServerVersion(dump, versionNum)
    checkWholeDatabase(dump)
    return undefined
  } catch (error) {
    if (error instanceof HarnessError) return error.message
    throw error
  }
}

/** Through any number of others. */
function dependentsOf(extension: string, entries: readonly PlannedEntry[]): string[] {
  const lost = new Set(
    entries.filter(({ entry }) => entry.type === 'EXTENSION' && entry.name === extension).map(({ entry }) => entry.id),
  )
  const dependents: string[] = []
  for (const { entry, action } of entries) {
    if (action !== 'refuse' || !entry.dependencies.some((id) => lost.has(id))) continue
    lost.add(entry.id)
    if (entry.type !== 'COMMENT') dependents.push(objectOf(entry))
  }
  return dependents
}

function objectOf({ type, schema, name }: PlannedEntry['entry']): string {
  return `${type} ${schema === undefined ? displayIdentifier(name) : displayName(schema, name)}`
}
