import type { Connection } from '../../database/engine.ts'
import { quoteLiteral } from '../../database/identifiers.ts'
import type { Check } from '../../model/check.ts'
import { impersonate } from '../access/impersonate.ts'
import type { Identity } from '../identities.ts'
import { type CapturedQuery, type NotAsked, nameOf, unsafe, withValues } from './captured.ts'
import type { Measured } from './judge.ts'
import { firstUser, rolesOfBoth } from './senders.ts'
import type { Query } from './workload.ts'

/** At most so many, the costliest first. */
const mostCaptured = 60

/** Who sends which captured query. */
export type AskedCaptured = {
  /** There is a capture that has queries. */
  readonly isCaptured: boolean
  /** Senders besides the usual ones: other roles of production. */
  readonly others: readonly Identity[]
  /** SQL that makes a transaction one of this sender. */
  setUp(identity: Identity): string
  /** Its queries, with values; within its transaction on before. */
  queries(session: Connection, identity: Identity): Promise<readonly Query[]>
  readonly notAsked: NotAsked[]
}

/** Each captured query goes to whoever sent it: a user for `authenticated`, else the role itself. */
export async function planCaptured(
  captured: readonly CapturedQuery[],
  senders: readonly Identity[],
  sides: readonly [Connection, Connection],
): Promise<AskedCaptured> {
  const [old] = sides
  const notAsked: NotAsked[] = []
  const bySender = new Map<Identity, CapturedQuery[]>()
  if (captured.length === 0) {
    return { isCaptured: false, others: [], setUp: impersonate, queries: async () => [], notAsked }
  }
  const chosen = [...new Map(captured.map((one) => [`${one.role} ${one.query}`, one])).values()]
  const refused = await unsafe(old, chosen)
  const known = await rolesOfBoth(sides)
  const paths = await searchPaths(old)
  const others = new Map<string, Identity>()
  let left = mostCaptured
  for (const one of chosen) {
    const sender = senderOf(one, senders, known, others)
    const reason =
      refused.get(one) ??
      (sender === undefined
        ? `nobody here is ${one.role ?? 'its sender'}`
        : left-- > 0
          ? undefined
          : 'costlier ones come first')
    if (reason !== undefined || sender === undefined) notAsked.push({ name: nameOf(one), reason: reason ?? '' })
    else bySender.set(sender, [...(bySender.get(sender) ?? []), one])
  }
  return {
    isCaptured: true,
    others: [...others.values()],
    setUp(identity) {
      const path = [...others.values()].includes(identity)
        ? (paths.get(identity.role) ?? '"$user", public, extensions')
        : undefined
      const usual = impersonate(identity)
      return path === undefined ? usual : `${usual}, set_config('search_path', ${quoteLiteral(path)}, true)`
    },
    async queries(session, identity) {
      const queries: Query[] = []
      for (const one of bySender.get(identity) ?? []) {
        const query = await withValues(session, one, identity)
        if ('sql' in query) queries.push(query)
        else notAsked.push(query)
      }
      return queries
    },
    notAsked,
  }
}

function senderOf(
  { role = 'postgres' }: CapturedQuery,
  senders: readonly Identity[],
  known: ReadonlySet<string>,
  others: Map<string, Identity>,
): Identity | undefined {
  if (role === 'authenticated') return firstUser(senders)
  const usual = senders.find((sender) => sender.role === role && sender.userId === undefined)
  if (usual !== undefined || !known.has(role)) return usual
  const made = others.get(role) ?? { label: `role ${role}`, role, claims: {}, kind: role }
  others.set(role, made)
  return made
}

/** The search path that a role has, where one is set for it. */
async function searchPaths(session: Connection): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query<{ role: string; path: string }>(
    `select r.rolname::text as role, substr(s.setting, length('search_path=') + 1) as path
     from pg_db_role_setting d join pg_roles r on r.oid = d.setrole, unnest(d.setconfig) as s(setting)
     where s.setting like 'search_path=%' and d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
     order by d.setdatabase`,
  )
  return new Map(rows.map(({ role, path }) => [role, path]))
}

/** What became of the captured queries; no check where there is no capture. Pure. */
export function checkOfCaptured({ isCaptured, notAsked }: AskedCaptured, all: readonly Measured[]): readonly Check[] {
  if (!isCaptured) return []
  const base = {
    id: 'performance.captured',
    metric: 'performance',
    title: 'The costliest queries of production, asked on both sides',
    required: false,
  } as const
  const sent = all.filter(({ origin }) => origin === 'capture')
  const done = sent.filter(({ before }) => before.state === 'done')
  const failed = sent.flatMap(({ relation, before }): NotAsked[] =>
    before.state === 'failed'
      ? [{ name: relation, reason: `it fails before the migrations (SQLSTATE ${before.sqlstate})` }]
      : [],
  )
  const reasons = Map.groupBy([...notAsked, ...failed], ({ reason }) => reason)
  const why = [...reasons]
    .sort(([one, some], [other, more]) => more.length - some.length || (one < other ? -1 : 1))
    .map(([reason, those]) => `${those.length} because ${reason}`)
    .join('; ')
  const numbers = { asked: done.length, notAsked: notAsked.length + failed.length }
  const not = numbers.notAsked === 0 ? '' : ` Not asked: ${why}.`
  if (done.length === 0) {
    return [
      { ...base, status: 'not run', reason: `none of the ${numbers.notAsked} captured queries could be asked: ${why}` },
    ]
  }
  return [
    {
      ...base,
      status: 'passed',
      summary: `${done.length} of the captured queries were asked on both sides.${not}`,
      numbers,
    },
  ]
}
