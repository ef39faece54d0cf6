import type { Connection, Database } from '../database/engine.ts'
import { qualified, quoteIdentifier, quoteLiteral } from '../database/identifiers.ts'
import type { Contracts } from '../model/config.ts'
import { type AuthColumns, columnOrNull, readAuthColumns } from './logins/auth-columns.ts'

/** Somebody whose view of the data is compared. Its claims hold an address: never print them. */
export type Identity = {
  /** For people, without personal data: `viewer, google, confirmed`. The same for every user of one kind. */
  readonly label: string
  /** Database role that PostgREST would switch to. */
  readonly role: string
  /** As PostgREST would put them into `request.jwt.claims`. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Equal for users that relate to the data in the same way. */
  readonly kind: string
  /** `auth.users.id`; absent for anon and service_role. */
  readonly userId?: string
}

export type PickOptions = {
  readonly contracts?: Contracts
  /** Seed of the choice among users of one kind. */
  readonly seed: number
  /** Users wanted of each kind. Default: 2. */
  readonly usersPerKind?: number
  /** Users in all, however many kinds there are. Default: 60. */
  readonly maxUsers?: number
}

/**
 * Anon, service_role and a stratified sample of the real users. A kind is provider × state × membership role × owns
 * something × has a profile; without a contract it is provider × state × the tables that point at the user. Users come in
 * an order of which every beginning is itself spread over the kinds, so a caller with less time takes the first few.
 * Deterministic: users of a kind are ordered by a hash of id and seed.
 */
export async function pickIdentities(database: Database, options: PickOptions): Promise<Identity[]> {
  const everybody = [apiRole('anon'), apiRole('service_role')]
  await using session = await database.connect({ readOnly: true })
  const columns = await readAuthColumns(session)
  if (!columns.has('users')) return everybody
  const { rows } = await session.query<Candidate>(await candidatesSql(session, columns, options))
  return [...everybody, ...spread(rows, options.maxUsers ?? 60).map(realUser)]
}

type Candidate = {
  readonly id: string
  readonly role: string
  /** Its value in each dimension of the kind; empty strings are not shown. */
  readonly traits: readonly string[]
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * Up to `limit` candidates, the next one always of the values seen least so far: a kind nobody has taken yet goes
 * before a second user of a kind, rare providers and roles before common ones.
 */
export function spread<T extends { readonly traits: readonly string[] }>(candidates: readonly T[], limit: number): T[] {
  const taken = new Map<string, number>()
  const times = (key: string) => taken.get(key) ?? 0
  const left = [...candidates]
  const chosen: T[] = []
  while (chosen.length < limit && left.length > 0) {
    let best = 0
    let bestScore = Number.POSITIVE_INFINITY
    for (const [index, candidate] of left.entries()) {
      const kind = times(candidate.traits.join('\n'))
      const values = candidate.traits.map((value, dimension) => times(`${dimension}:${value}`))
      // A new value in any dimension weighs most, then a new kind, then the sum of what was seen.
      const unseen = values.filter((count) => count === 0).length
      const score = kind * 1_000_000 - unseen * 10_000 + values.reduce((sum, count) => sum + count, 0)
      if (score < bestScore) [best, bestScore] = [index, score]
    }
    const [next] = left.splice(best, 1)
    if (next === undefined) break
    chosen.push(next)
    for (const key of [next.traits.join('\n'), ...next.traits.map((value, dimension) => `${dimension}:${value}`)]) {
      taken.set(key, times(key) + 1)
    }
  }
  return chosen
}

function apiRole(role: 'anon' | 'service_role'): Identity {
  return { label: role, role, claims: { iss: 'supabase', role }, kind: role }
}

function realUser({ id, role, traits, claims }: Candidate): Identity {
  const label = traits.filter((trait) => trait !== '').join(', ')
  return { label, role, claims, kind: traits.join('|'), userId: id }
}

async function candidatesSql(session: Connection, columns: AuthColumns, options: PickOptions): Promise<string> {
  const user = (column: string, type: string) => columnOrNull(columns, 'users', column, type)
  const { joins, traits } = await relations(session, options.contracts)
  const state = `case when ${user('deleted_at', 'timestamptz')} is not null then 'deleted'
    when ${user('banned_until', 'timestamptz')} > now() then 'banned'
    when ${user('is_anonymous', 'boolean')} then 'anonymous'
    when coalesce(${user('email_confirmed_at', 'timestamptz')}, ${user('phone_confirmed_at', 'timestamptz')}) is null then 'unconfirmed'
    else 'confirmed' end`
  const provider = `case when coalesce(${user('raw_app_meta_data', 'jsonb')} ->> 'provider', 'email') = 'email'
      and coalesce(${user('encrypted_password', 'text')}, '') = '' then 'magic link'
    else coalesce(${user('raw_app_meta_data', 'jsonb')} ->> 'provider', 'email') end`
  return `
    select id, role, traits, claims from (
      select *, row_number() over (partition by traits order by pick, id) as rank from (
        select users.id::text, coalesce(nullif(users.role::text, ''), 'authenticated') as role,
          md5(users.id::text || ${quoteLiteral(`:${options.seed}`)}) as pick,
          array[${[...traits, provider, state].join(', ')}]::text[] as traits,
          jsonb_build_object('iss', 'supabase', 'aud', coalesce(users.aud, 'authenticated'), 'sub', users.id,
            'role', coalesce(nullif(users.role::text, ''), 'authenticated'),
            'email', coalesce(users.email, ''), 'phone', coalesce(${user('phone', 'text')}, ''),
            'app_metadata', coalesce(${user('raw_app_meta_data', 'jsonb')}, '{}'),
            'user_metadata', coalesce(${user('raw_user_meta_data', 'jsonb')}, '{}'),
            'is_anonymous', coalesce(${user('is_anonymous', 'boolean')}, false), 'aal', 'aal1') as claims
        from auth.users as users ${joins.join(' ')}
      ) candidate
    ) ranked
    where rank <= ${options.usersPerKind ?? 2} order by rank, pick, id`
}

type Relations = { readonly joins: readonly string[]; readonly traits: readonly string[] }

/** How users relate to the app's data: by the contracts, else by the foreign keys that point at auth.users. */
async function relations(session: Connection, contracts: Contracts | undefined): Promise<Relations> {
  const joins: string[] = []
  const traits: string[] = []
  const { membership, resource, profile } = contracts ?? {}
  if (membership && (await exists(session, membership.table))) {
    const order = `array[${membership.roles.map((role) => quoteLiteral(role)).join(', ')}]::text[]`
    const role = `${quoteIdentifier(membership.role)}::text`
    joins.push(`left join (select ${quoteIdentifier(membership.user)} as id,
      (array_agg(${role} order by array_position(${order}, ${role}), ${role}))[1] as role
      from ${tableName(membership.table)} group by 1) as membership on membership.id = users.id`)
    traits.push(`coalesce(membership.role, 'no role')`)
  }
  if (resource && (await exists(session, resource.table))) {
    joins.push(join(resource.table, resource.owner, 'owned'))
    traits.push(`case when owned.id is null then '' else 'owns something' end`)
  }
  if (profile && (await exists(session, profile.table))) {
    joins.push(join(profile.table, profile.user, 'profile'))
    traits.push(`case when profile.id is null then 'no profile' else '' end`)
  }
  if (traits.length > 0) return { joins, traits }
  for (const [index, reference] of (await references(session)).entries()) {
    joins.push(join(reference.table, reference.column, `r${index}`))
    const words = `in ${reference.table.replace(/^public\./, '')}(${reference.column})`
    traits.push(`case when r${index}.id is null then '' else ${quoteLiteral(words)} end`)
  }
  return { joins, traits }
}

function join(table: string, column: string, alias: string): string {
  return `left join (select distinct ${quoteIdentifier(column)} as id from ${tableName(table)}) as ${alias} on ${alias}.id = users.id`
}

async function references(session: Connection): Promise<{ table: string; column: string }[]> {
  const { rows } = await session.query<{ table: string; column: string }>(`
    select n.nspname || '.' || c.relname as table, a.attname as column
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid and c.relkind in ('r', 'p') and not c.relispartition
    join pg_namespace n on n.oid = c.relnamespace and n.nspname not in ('auth', 'storage')
    join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
    where k.contype = 'f' and k.confrelid = 'auth.users'::regclass and cardinality(k.conkey) = 1
    order by n.nspname collate "C", c.relname collate "C", a.attname collate "C" limit 12`)
  return rows
}

async function exists(session: Connection, table: string): Promise<boolean> {
  const { rows } = await session.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    tableName(table),
  ])
  return rows[0]?.found ?? false
}

/** `"schema"."table"` of a contract's `schema.table`. */
function tableName(table: string): string {
  const dot = table.indexOf('.')
  return dot < 0 ? qualified('public', table) : qualified(table.slice(0, dot), table.slice(dot + 1))
}
