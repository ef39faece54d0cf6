import type { Connection, Database } from '../../database/engine.ts'
import { quoteIdentifier, quoteLiteral } from '../../database/identifiers.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Identity } from '../identities.ts'
import type { Case, Cases } from './definer-cases.ts'
import { type Definer, isToldSql, readSince, readTables } from './definers.ts'
import { impersonate } from './impersonate.ts'

/** What a function answered to one call with arguments. */
export type CaseAnswer = {
  readonly role: string
  /** Who called: the same number on both sides. */
  readonly caller: number
  readonly kind: Case['kind']
  /** Of its kind: the same number for the same arguments. */
  readonly place: number
  /** `refused`: by the function itself, or for want of a right. `not tried`: it is not there, writes, fails or takes too long. */
  readonly state: 'answered' | 'refused' | 'not tried'
  /** Rows or values that are not empty. */
  readonly rows: number
  /** Characters of them, and their hash, both without the ids that were given. */
  readonly size: number
  readonly hash: string
  /** Tables that were read for it past their row security. */
  readonly passes: readonly string[]
}

/** Calls of one side in all, and milliseconds for them: what is over is `not tried`. */
const mostCalls = 1_500
const budget = 12_000
const callTimeout = 2_000

/** Makes the calls of `cases` in read-only transactions that are rolled back. */
export async function askCases(
  database: Database,
  functions: readonly Pick<Definer, 'signature'>[],
  cases: Cases,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ReadonlyMap<string, readonly CaseAnswer[]>> {
  const answers = new Map<string, CaseAnswer[]>()
  if (cases.size === 0) return answers
  await using session = await database.connect({ readOnly: true })
  await session.query(`set jit = off; set statement_timeout = ${callTimeout}`)
  const end = performance.now() + budget
  let calls = 0
  for (const { signature } of functions) {
    const own: CaseAnswer[] = []
    for (const [caller, [identity, mine]] of [...(cases.get(signature) ?? [])].entries()) {
      const places = { own: 0, foreign: 0, random: 0 }
      for (const one of mine) {
        throwIfAborted(signal, 'calling the functions of the API with arguments')
        calls += 1
        const isOver = calls > mostCalls || performance.now() > end
        const answer = isOver ? notTried : await call(session, signature, identity, one)
        own.push({ role: identity.role, caller, kind: one.kind, place: places[one.kind]++, ...answer })
      }
    }
    if (own.length > 0) answers.set(signature, own)
  }
  return answers
}

type Told = Pick<CaseAnswer, 'state' | 'rows' | 'size' | 'hash' | 'passes'>
const notTried: Told = { state: 'not tried', rows: 0, size: 0, hash: '', passes: [] }

async function call(session: Connection, signature: string, identity: Identity, { values }: Case): Promise<Told> {
  const given = values.map(({ name, type, value }) => `${quoteIdentifier(name)} => ${quoteLiteral(value)}::${type}`)
  // The ids that were given may come back with any answer, and tell nothing.
  const bare = values.reduce(
    (text, { value }) => `regexp_replace(${text}, ${quoteLiteral(`\\m${escaped(value)}\\M`)}, '?', 'g')`,
    'answer::text',
  )
  await session.query('begin read only')
  try {
    await session.query(impersonate(identity))
    const already = await readTables(session)
    const { rows } = await session.query<Pick<Told, 'rows' | 'size' | 'hash'>>(
      `select count(*)::int as rows, coalesce(sum(length(value)), 0)::int as size,
         coalesce(md5(string_agg(value, ',' order by value collate "C")), '') as hash
       from (select ${bare} as value from ${signature.slice(0, signature.indexOf('('))}(${given.join(', ')}) as answer) as told
       where ${isToldSql}`,
    )
    const [told] = rows
    return told ? { state: 'answered', ...told, passes: await readSince(session, already) } : notTried
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).length === 5)) throw error
    return /^(P0|28|PT|42501)/.test(String(error.code)) ? { ...notTried, state: 'refused' } : notTried
  } finally {
    await session.query('rollback')
  }
}

/** Of `{"id"}`, an array of one, the id. */
function escaped(value: string): string {
  return value.replaceAll(/^\{"|"\}$/g, '').replaceAll(/[^A-Za-z0-9]/g, (character) => `\\${character}`)
}
