import type { Database } from '../database/engine.ts'
import type { Contracts } from '../model/config.ts'
import { columnOrNull, readAuthColumns } from './logins/auth-columns.ts'
import { spread } from './spread.ts'
import { readTies, type Tie } from './ties.ts'
import { type Trait, traitWords } from './trait-words.ts'
import { readUserTraits, type UserTraits } from './user-traits.ts'

/** Somebody whose view of the data is compared. Its claims hold an address: never print them. */
export type Identity = {
  /** For people, without personal data: `viewer of an event, google, confirmed`. The same for every user of one kind. */
  readonly label: string
  /** Database role that PostgREST would switch to. */
  readonly role: string
  /** As PostgREST would put them into `request.jwt.claims`. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Equal for users that relate to the data in the same way. */
  readonly kind: string
  /** `auth.users.id`; absent for anon and service_role. */
  readonly userId?: string
  /** What the label is made of. */
  readonly traits?: readonly Trait[]
}

export type PickOptions = {
  readonly contracts?: Contracts
  /** Seed of the choice among users of one kind. */
  readonly seed: number
  /** The migrated side: users whose relation to the data changes there are kinds of their own. */
  readonly after?: Database
  /** Users wanted of each kind. Default: 2. */
  readonly usersPerKind?: number
  /** Users in all, however many kinds there are; `all` for everyone. Default: 200. */
  readonly maxUsers?: number | 'all'
}

/**
 * Anon, service_role and a stratified sample of the real users. A kind is how the user is tied to the app's data (see
 * `readTies`), on before and on after, with the claims, the provider and the state of the account. Two of each tie and
 * claim come first, then two of each combination, and so on in an order of which every beginning is itself spread, so a
 * caller with less time takes the first few. Deterministic: users of a kind are ordered by a hash of id and seed.
 */
export async function pickIdentities(database: Database, options: PickOptions): Promise<Identity[]> {
  const everybody = [apiRole('anon'), apiRole('service_role')]
  const { contracts, seed, after, usersPerKind: perKind = 2, maxUsers = 200 } = options
  const [{ ties, users }, later] = await Promise.all([
    traitsThere(database, contracts, seed, perKind),
    after && traitsThere(after, contracts, seed, perKind),
  ])
  const known = new Map([...ties, ...(later?.ties ?? [])].map((tie) => [tie.name, tie]))
  const codesLater = new Map(later?.users.map(({ id, codes }) => [id, codes]))
  const candidates = users.map(({ id, codes }) => candidate(id, codes, codesLater.get(id)))
  const limit = maxUsers === 'all' ? candidates.length : maxUsers
  const wanted = maxUsers === 'all' ? candidates : spread(firstOfEachKind(candidates, perKind, limit), limit)
  const tokens = await readTokens(
    database,
    wanted.map(({ id }) => id),
  )
  return [
    ...everybody,
    ...wanted.flatMap(({ id, traits }) => {
      const token = tokens.get(id)
      if (token === undefined) return []
      const words = traits.map((code) => traitWords(code, known))
      const label = words.map(({ one }) => one).join(', ')
      return [{ label, role: token.role, claims: token.claims, kind: traits.join('|'), userId: id, traits: words }]
    }),
  ]
}

type Candidate = { readonly id: string; readonly traits: readonly string[]; readonly relation: string }

async function traitsThere(
  database: Database,
  contracts: Contracts | undefined,
  seed: number,
  perKind: number,
): Promise<{ ties: Tie[]; users: UserTraits[] }> {
  await using session = await database.connect({ readOnly: true })
  await session.query('set jit = off')
  const ties = await readTies(session, contracts)
  return { ties, users: await readUserTraits(session, ties, { seed, perKind }) }
}

function candidate(id: string, codes: UserTraits['codes'], later: UserTraits['codes'] = codes): Candidate {
  const isAccount = (code: string) => code.startsWith('provider:') || code.startsWith('state:')
  const ties = [
    ...codes.filter((code) => !isAccount(code)),
    ...later.filter((code) => !codes.includes(code)).map((code) => `+${code}`),
    ...codes.filter((code) => !later.includes(code)).map((code) => `-${code}`),
  ]
  if (ties.length === 0) ties.push('stranger')
  return { id, traits: [...ties, ...codes.filter(isAccount)], relation: ties.join('|') }
}

/** Of each kind the first so many; where that is fewer than are wanted, the next ones of all kinds after them. */
function firstOfEachKind(candidates: readonly Candidate[], perKind: number, wanted: number): Candidate[] {
  const taken = new Map<string, number>()
  const first: Candidate[] = []
  const others: Candidate[] = []
  for (const one of candidates) {
    const kind = one.traits.join('|')
    const times = taken.get(kind) ?? 0
    taken.set(kind, times + 1)
    if (times < perKind) first.push(one)
    else others.push(one)
  }
  return [...first, ...others.slice(0, Math.max(0, wanted - first.length))]
}

function apiRole(role: 'anon' | 'service_role'): Identity {
  return { label: role, role, claims: { iss: 'supabase', role }, kind: role }
}

export type Token = { readonly id: string; readonly role: string; readonly claims: Readonly<Record<string, unknown>> }

/** The role and claims of each user's token, as Auth would issue it; without `ids`, of every user, in the order of their ids. */
export async function readTokens(database: Database, ids?: readonly string[]): Promise<ReadonlyMap<string, Token>> {
  if (ids?.length === 0) return new Map()
  await using session = await database.connect({ readOnly: true })
  const columns = await readAuthColumns(session)
  if (!columns.has('users')) return new Map()
  const user = (column: string, type: string) => columnOrNull(columns, 'users', column, type)
  const role = `coalesce(nullif(${user('role', 'text')}::text, ''), 'authenticated')`
  const { rows } = await session.query<Token>(
    `select users.id::text, ${role} as role,
       jsonb_build_object('iss', 'supabase', 'aud', coalesce(${user('aud', 'text')}, 'authenticated'), 'sub', users.id, 'role', ${role},
         'email', coalesce(${user('email', 'text')}, ''), 'phone', coalesce(${user('phone', 'text')}, ''),
         'app_metadata', coalesce(${user('raw_app_meta_data', 'jsonb')}, '{}'),
         'user_metadata', coalesce(${user('raw_user_meta_data', 'jsonb')}, '{}'),
         'is_anonymous', coalesce(${user('is_anonymous', 'boolean')}, false), 'aal', 'aal1') as claims
     from auth.users as users where $1::text[] is null or users.id::text = any ($1) order by 1`,
    [ids ?? null],
  )
  return new Map(rows.map((row) => [row.id, row]))
}
