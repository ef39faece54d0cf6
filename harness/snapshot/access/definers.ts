import type { Connection, Database } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Identity } from '../identities.ts'
import type { Argument } from './definer-arguments.ts'
import { exposedSchemas } from './exposed.ts'
import { impersonate } from './impersonate.ts'

/** A function that a request can call and that runs with its owner's rights, past row security. */
export type Definer = {
  /** `schema.name`, as an expectation writes it. */
  readonly name: string
  /** As SQL writes it: `public.all_codes(integer)`. */
  readonly signature: string
  /** Of anon and authenticated, those that may call it. */
  readonly roles: readonly string[]
  /** Changes with its definition. */
  readonly hash: string
  /** Whether it can be called without arguments. */
  readonly callable: boolean
  /** Its name as it stands in the catalogue. */
  readonly called: string
  /** Those that it takes; null where they have no names, or any number of them. */
  readonly args: readonly Argument[] | null
  /** It returns a single boolean, number or word of an enum: a sign, hardly somebody's data. */
  readonly isBare: boolean
}

export type Answer = {
  readonly role: string
  readonly state: 'answered' | 'not tried'
  /** Rows or values that are not empty. */
  readonly rows: number
  /** Of all of them: two users with one hash were told the same. */
  readonly hash: string
  /** Tables that were read for it past their row security. */
  readonly passes: readonly string[]
}

/** Users who call each function. */
const callers = 3

/** Functions of the exposed schemas with their owner's rights, by signature. Throws `database.failed`. */
export async function takeDefiners(database: Database): Promise<ReadonlyMap<string, Definer>> {
  await using session = await database.connect({ readOnly: true })
  const schemas = await exposedSchemas(session)
  // With an empty path Postgres writes every name with its schema.
  await session.query(`set search_path = ''`)
  const { rows } = await session.query<Omit<Definer, 'name'> & { schema: string; function: string }>(
    `select n.nspname as schema, p.proname as function, p.oid::regprocedure::text as signature,
       md5(pg_get_functiondef(p.oid)) as hash, p.pronargs = p.pronargdefaults as callable, p.proname as called,
       (select t.typcategory in ('B', 'N', 'E') and not p.proretset from pg_type t where t.oid = p.prorettype) as "isBare",
       (select case when p.provariadic = 0 and bool_and(coalesce(a.name, '') <> '') then json_agg(json_build_object('name', a.name,
           'type', format_type(a.type, null), 'hasDefault', a.place > p.pronargs - p.pronargdefaults) order by a.place) end
         from (select i.*, row_number() over (order by at) as place
           from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes, p.proargnames) with ordinality as i(type, mode, name, at)
           where coalesce(mode, 'i') in ('i', 'b', 'v')) as a) as args,
       array_agg(r.rolname::text order by r.rolname collate "C") as roles
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     join pg_roles r on r.rolname in ('anon', 'authenticated') and has_schema_privilege(r.oid, n.oid, 'USAGE')
       and has_function_privilege(r.oid, p.oid, 'EXECUTE')
     where n.nspname = any ($1) and p.prosecdef and p.prokind = 'f'
       and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
     group by p.oid, n.nspname, p.proname order by n.nspname collate "C", p.proname collate "C", p.oid::regprocedure::text collate "C"`,
    [schemas],
  )
  return new Map(
    rows.map(({ schema, function: name, ...row }) => [row.signature, { ...row, name: displayName(schema, name) }]),
  )
}

export type Fresh = {
  readonly definer: Definer
  readonly roles: readonly string[]
  /** Some role could not call it before. */
  readonly isNew: boolean
  readonly isThereBefore: boolean
}

/** Those that are new to a role, or written anew, each with the roles concerned. */
export function freshDefiners(before: ReadonlyMap<string, Definer>, after: ReadonlyMap<string, Definer>): Fresh[] {
  return [...after.values()].flatMap((definer) => {
    const old = before.get(definer.signature)
    const gained = definer.roles.filter((role) => !old?.roles.includes(role))
    const roles = old !== undefined && old.hash !== definer.hash ? definer.roles : gained
    return roles.length > 0 ? [{ definer, roles, isNew: gained.length > 0, isThereBefore: old !== undefined }] : []
  })
}

/**
 * What anon and a few users are told by each function that can be called without arguments, in read-only transactions
 * that are rolled back. One that is not there, needs arguments, writes or fails is `not tried`.
 */
export async function askDefiners(
  database: Database,
  fresh: readonly Fresh[],
  identities: readonly Identity[],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ReadonlyMap<string, readonly Answer[]>> {
  const answers = new Map<string, Answer[]>()
  if (fresh.length === 0) return answers
  await using session = await database.connect({ readOnly: true })
  await session.query(`set jit = off; set statement_timeout = 5000`)
  for (const { definer, roles } of fresh) {
    throwIfAborted(signal, 'calling the functions of the API')
    const own: Answer[] = []
    answers.set(definer.signature, own)
    const anon = identities.filter(({ role }) => role === 'anon')
    const users = identities.filter(({ role, userId }) => role === 'authenticated' && userId !== undefined)
    for (const identity of [...anon, ...users.slice(0, callers)].filter(({ role }) => roles.includes(role))) {
      const notTried: Answer = { role: identity.role, state: 'not tried', rows: 0, hash: '', passes: [] }
      if (!definer.callable) {
        own.push(notTried)
        continue
      }
      await session.query('begin read only')
      try {
        await session.query(impersonate(identity))
        const already = await readTables(session)
        const call = `${definer.signature.slice(0, definer.signature.indexOf('('))}()`
        const { rows } = await session.query<{ rows: number; hash: string }>(
          `select count(*)::int as rows, coalesce(md5(string_agg(value, ',' order by value collate "C")), '') as hash
           from (select answer::text as value from ${call} as answer) as told
           where ${isToldSql}`,
        )
        const [told = { rows: 0, hash: '' }] = rows
        own.push({ role: identity.role, state: 'answered', ...told, passes: await readSince(session, already) })
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && String(error.code).length === 5)) throw error
        own.push(notTried)
      } finally {
        await session.query('rollback')
      }
    }
  }
  return answers
}

/**
 * Rows read of tables with row security, by table, but for those that the role may read whole. Postgres hands its counts
 * on once a second, so those of the calls before are still among them.
 */
export async function readTables(session: Connection): Promise<ReadonlyMap<string, number>> {
  const { rows } = await session.query<{ name: string; read: string }>(
    `select s.schemaname || '.' || s.relname as name, coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0) as read
     from pg_stat_xact_all_tables s join pg_class c on c.oid = s.relid
     where c.relrowsecurity and s.schemaname !~ '^pg_'
       and not (has_table_privilege(c.oid, 'SELECT') and exists (select from pg_policy p where p.polrelid = c.oid and p.polpermissive
         and p.polcmd in ('r', '*') and pg_get_expr(p.polqual, p.polrelid) = 'true'
         and exists (select from unnest(p.polroles) as granted(oid) where granted.oid = 0 or pg_has_role(granted.oid, 'USAGE'))))
     order by 1`,
  )
  return new Map(rows.map(({ name, read }) => [name, Number(read)]))
}

/** Tables of which more rows were read than `already`. */
export async function readSince(session: Connection, already: ReadonlyMap<string, number>): Promise<string[]> {
  return [...(await readTables(session))].flatMap(([name, read]) => (read > (already.get(name) ?? 0) ? [name] : []))
}

/** Of a text `value`: not empty, zero, false or null in any form. */
export const isToldSql = `value !~ '^(|0|f|null|\\(,*\\)|\\{\\}|\\[\\])$'`
