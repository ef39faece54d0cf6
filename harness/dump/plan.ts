import { quoteIdentifier } from '../database/identifiers.ts'
import type { RestoredExtension } from '../model/restore-run.ts'
import type { Dump, TocEntry } from './dump.ts'
import { aboutDatabase, createLargeObjects, grantOnLargeObjects, ownerStatement, withoutPreloads } from './entry-sql.ts'
import { planOfCluster } from './plan-cluster.ts'
import { realtimePartitionReason, wantsRealtimePartition } from './realtime-partition.ts'

/**
 * `restore`: as it stands. `alter`: in another form, with a reason. `stub`: left out on purpose, something stands in
 * for it or it must not act. `refuse`: cannot be here, and is missed.
 */
export type Action = 'restore' | 'alter' | 'stub' | 'refuse'

/**
 * In their order. `load`: rows, indexes and constraints, in parallel. `refresh`: materialized views, which need the
 * grants. `last`: event triggers, which would act on all the rest.
 */
export const planPhases = ['settings', 'pre-data', 'load', 'post-data', 'acl', 'refresh', 'last'] as const
export type PlanPhase = (typeof planPhases)[number]

export type PlannedEntry = {
  readonly entry: TocEntry
  readonly action: Action
  readonly phase: PlanPhase
  /** What to run; empty for rows and large objects, which are streamed, and for what is left out. */
  readonly sql: string
  /** For every action but `restore`. */
  readonly reason?: string
}

export type ServerFacts = {
  /** What CREATE EXTENSION can create: its comment, and the schema it insists on. */
  readonly extensions: ReadonlyMap<string, { readonly comment: string; readonly schema?: string }>
  readonly superusers: ReadonlySet<string>
  readonly roles: ReadonlySet<string>
  readonly database: string
}

export type RestorePlan = {
  /** In the order of the table of contents. */
  readonly entries: readonly PlannedEntry[]
  readonly extensions: readonly RestoredExtension[]
  /** To be made, sorted. */
  readonly missingRoles: readonly string[]
}

/** Pure: what is to become of every entry on that server. */
export function planRestore(dump: Dump, server: ServerFacts): RestorePlan {
  const byId = new Map(dump.entries.map((entry) => [entry.id, entry]))
  const extensions = dump.extensions.map((name) => planExtension(name, server.extensions.get(name)?.comment))
  const planned = new Map<number, PlannedEntry>()
  const context = {
    entries: dump.entries,
    byId,
    extensions: new Map(extensions.map((extension) => [extension.name, extension])),
    server,
    database: dump.facts.database,
  }
  const entries = dump.entries.map((entry) => {
    const plan = followDependency(entry, planned) ?? planEntry(entry, context)
    planned.set(entry.id, plan)
    return plan
  })
  return { entries, extensions, missingRoles: dump.roles.filter((role) => !server.roles.has(role)) }
}

const stubMark = /^STUB of [^:.,(]+[:.,(]?\s*/i

function planExtension(name: string, comment: string | undefined): RestoredExtension {
  if (comment === undefined) return { name, mode: 'absent', note: 'This server cannot create it.' }
  if (!stubMark.test(comment)) return { name, mode: 'real' }
  const note = comment.replace(stubMark, '').replace(/\)$/, '')
  return { name, mode: 'stub', note: note || 'Its objects are there and do nothing.' }
}

/** What hangs on something that is left out is left out with it. */
function followDependency(entry: TocEntry, planned: ReadonlyMap<number, PlannedEntry>): PlannedEntry | undefined {
  for (const id of entry.dependencies) {
    const needed = planned.get(id)
    if (needed?.action === 'refuse') {
      const reason = needed.entry.type === 'EXTENSION' ? needsExtension(needed.entry.name) : (needed.reason ?? '')
      return { entry, phase: phaseOf(entry), action: 'refuse', sql: '', reason }
    }
    if (needed?.action === 'stub' && inert.has(needed.entry.type)) {
      const reason = `It belongs to ${needed.entry.type} ${needed.entry.name}, which is left out.`
      return { entry, phase: phaseOf(entry), action: 'stub', sql: '', reason }
    }
  }
  return undefined
}

const inert: ReadonlySet<string> = new Set(['EVENT TRIGGER', 'SUBSCRIPTION', 'USER MAPPING'])
const platformTrigger = /^issue_(graphql_placeholder|pg_cron_access|pg_graphql_access|pg_net_access)$/

type Context = {
  readonly entries: readonly TocEntry[]
  readonly byId: ReadonlyMap<number, TocEntry>
  readonly extensions: ReadonlyMap<string, RestoredExtension>
  readonly server: ServerFacts
  /** That was dumped. */
  readonly database: string
}

function planEntry(entry: TocEntry, { entries, byId, extensions, server, database }: Context): PlannedEntry {
  const phase = phaseOf(entry)
  const plan = (action: Action, sql: string, reason?: string): PlannedEntry => ({
    entry,
    phase,
    action,
    sql,
    ...(reason === undefined ? {} : { reason }),
  })
  const whole = `${entry.definition}\n${ownerStatement(entry)}`
  const ofCluster = planOfCluster(entry, server, database)
  if (ofCluster) return plan(ofCluster.action, ofCluster.sql, ofCluster.reason)
  switch (entry.type) {
    case 'ENCODING':
    case 'STDSTRINGS':
    case 'SEARCHPATH':
    case 'BLOBS':
      return plan('restore', '')
    case 'TABLE DATA':
    case 'SEQUENCE SET': {
      const missing = missingMaker(entry, byId, extensions)
      if (missing !== undefined) return plan('refuse', '', needsExtension(missing))
      return plan('restore', entry.type === 'TABLE DATA' ? '' : whole)
    }
    case 'DATABASE':
      return entry.owner
        ? plan(
            'alter',
            `ALTER DATABASE ${quoteIdentifier(server.database)} OWNER TO ${quoteIdentifier(entry.owner)};\n`,
            'The copy has a database of its own, with the owner that production has.',
          )
        : plan('stub', '', 'The copy has a database of its own.')
    case 'DATABASE PROPERTIES': {
      const { sql, dropped } = withoutPreloads(aboutDatabase(entry.definition, server.database))
      if (dropped === 0) return plan('restore', sql)
      return plan('alter', sql, `${dropped} settings left out that load libraries which this server lacks.`)
    }
    case 'EXTENSION': {
      const available = server.extensions.get(entry.name)
      if (!available) return plan('refuse', '', `This server cannot create extension ${entry.name}.`)
      const { mode, note = '' } = extensions.get(entry.name) ?? {}
      const reasons = mode === 'stub' ? [`It is a stub here: ${note.replace(/\.$/, '')}.`] : []
      const wanted = / WITH SCHEMA ("?)(.+?)\1;/.exec(entry.definition)
      if (wanted && available.schema && available.schema !== wanted[2]) {
        reasons.push(`Its version here can only be in schema ${available.schema}, not in ${wanted[2]}.`)
        return plan('alter', entry.definition.replace(wanted[0], ';'), reasons.join(' '))
      }
      if (reasons.length > 0) return plan('alter', entry.definition, reasons.join(' '))
      return plan('restore', entry.definition)
    }
    case 'SUBSCRIPTION':
      return plan('stub', '', 'A copy must never connect to the publisher of production.')
    case 'USER MAPPING':
      return plan('stub', '', 'A copy must not sign in on other servers.')
    case 'STATISTICS DATA':
      return plan('stub', '', 'ANALYZE gathers the statistics of the copy.')
    case 'EVENT TRIGGER':
      if (platformTrigger.test(entry.name)) {
        return plan('stub', '', "It is the platform's own, and grants rights on extensions of the platform's server.")
      }
      if (server.superusers.has(entry.owner)) return plan('restore', whole)
      return plan('alter', entry.definition, `Only a superuser can own it here, and ${entry.owner} is none.`)
    case 'SCHEMA':
      // Extensions and the platform make some of them before.
      return plan('restore', whole.replace(/^CREATE SCHEMA (?!IF NOT EXISTS)/, 'CREATE SCHEMA IF NOT EXISTS '))
    case 'COMMENT':
      return planComment(entry, extensions, server, plan)
    case 'BLOB METADATA':
      return plan('restore', createLargeObjects(entry))
    case 'ACL':
      if (entry.name.startsWith('LARGE OBJECTS ')) {
        return plan('restore', grantOnLargeObjects(entry, byId.get(entry.dependencies[0] ?? 0)))
      }
      return plan('restore', entry.name.startsWith('DATABASE ') ? aboutDatabase(whole, server.database) : whole)
    case 'TABLE':
    case 'MATERIALIZED VIEW': {
      const method = entry.tableAccessMethod
      if (wantsRealtimePartition(entry, entries)) return plan('alter', whole, realtimePartitionReason)
      if (!method || method === 'heap') return plan('restore', whole)
      return plan('alter', whole, `Its rows are stored as heap: access method ${method} is not here.`)
    }
    default:
      return plan('restore', whole)
  }
}

/** Extensions whose tables hold rows of the user, so that a dump has these but not the tables, by the schema of these. */
const makers: Readonly<Record<string, string>> = { cron: 'pg_cron', pgsodium: 'pgsodium', vault: 'supabase_vault' }

/** The extension that would have made the table or sequence of an entry, were it not for the server. */
function missingMaker(
  { schema = '', dependencies }: TocEntry,
  byId: Context['byId'],
  extensions: Context['extensions'],
): string | undefined {
  const maker = makers[schema]
  if (maker === undefined || extensions.get(maker)?.mode !== 'absent') return undefined
  return dependencies.some((id) => byId.has(id)) ? undefined : maker
}

function planComment(
  entry: TocEntry,
  extensions: Context['extensions'],
  server: ServerFacts,
  plan: (action: Action, sql: string, reason?: string) => PlannedEntry,
): PlannedEntry {
  const extension = /^EXTENSION "?(.+?)"?$/.exec(entry.name)?.[1]
  const mode = extension === undefined ? undefined : extensions.get(extension)?.mode
  if (mode === 'stub') return plan('stub', '', `The stub of ${extension} says itself what it is.`)
  if (mode === 'absent') return plan('refuse', '', needsExtension(extension ?? ''))
  return plan(
    'restore',
    entry.name.startsWith('DATABASE ') ? aboutDatabase(entry.definition, server.database) : entry.definition,
  )
}

function needsExtension(name: string): string {
  return `It needs extension ${name}, which this server cannot create.`
}

const loadTypes: ReadonlySet<string> = new Set([
  'CHECK CONSTRAINT',
  'CONSTRAINT',
  'FK CONSTRAINT',
  'INDEX',
  'STATISTICS',
])

function phaseOf(entry: TocEntry): PlanPhase {
  switch (entry.type) {
    case 'ENCODING':
    case 'STDSTRINGS':
    case 'SEARCHPATH':
      return 'settings'
    case 'ACL':
    case 'DEFAULT ACL':
      return 'acl'
    case 'MATERIALIZED VIEW DATA':
      return 'refresh'
    case 'EVENT TRIGGER':
      return 'last'
    case 'INDEX ATTACH':
      return 'load'
  }
  if (entry.section === 'pre-data') return 'pre-data'
  if (entry.section === 'data' || loadTypes.has(entry.type)) return 'load'
  // Comments and labels: those on event triggers have to wait for them.
  if (entry.section === 'none' && /^EVENT TRIGGER /.test(entry.name)) return 'last'
  return 'post-data'
}
