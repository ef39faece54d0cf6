import type { Connection, Database } from '../../../database/engine.ts'
import { quoteIdentifier, quoteLiteral } from '../../../database/identifiers.ts'
import { type RowSetName, rowSets } from '../facts.ts'
import { readCatalog, type Table } from './catalog.ts'
import { Expander, type UserCall } from './expand.ts'
import { FunctionBodies } from './functions.ts'
import type { Plan } from './plan.ts'
import { expressionSql } from './sql-text.ts'
import { mostPairs, people, rows, type Statements, statementsOf } from './statements.ts'
import { Refusal } from './tree.ts'
import { UserColumns } from './user-columns.ts'

/** A user with the claims that a request would carry. Never print them. */
export type Person = { readonly id: string; readonly claims: Readonly<Record<string, unknown>> }

/** Number and hash of the rows in a set, as the sampled users' probes have them; and of those that are on both sides. */
export type Total = {
  readonly count: number
  readonly hash: string
  readonly commonCount: number
  readonly commonHash: string
}
export type Totals = ReadonlyMap<number, Readonly<Record<RowSetName, Total>>>

export type Limits = {
  /** For one statement, in milliseconds. */
  readonly statement: number
  /** Pairs of a user and a row that are held against each other where no join leads from one to the other. */
  readonly loosePairs: number
}

/** One database, in a transaction that is rolled back: nothing but temporary tables is made. Give it a clone. */
export class Side implements AsyncDisposable {
  readonly expander: Expander
  readonly #session: Connection
  readonly #limits: Limits
  readonly #failedCalls = new Map<string, string>()
  #people = 0

  private constructor(session: Connection, expander: Expander, limits: Limits) {
    this.#session = session
    this.expander = expander
    this.#limits = limits
  }

  static async open(database: Database, now: string, limits: Limits): Promise<Side> {
    const session = await database.connect()
    try {
      await session.query(
        `set jit = off; set statement_timeout = ${limits.statement}; set from_collapse_limit = 12; set join_collapse_limit = 12; set work_mem = '64MB'; set temp_buffers = '64MB'; set max_parallel_workers_per_gather = 0`,
      )
      await session.query('begin')
      const catalog = await readCatalog(session)
      return new Side(session, new Expander(catalog, new FunctionBodies(session), now), limits)
    } catch (error) {
      await session.end()
      throw error
    }
  }

  /** Who is asked for, numbered from 0 in this order. */
  async putPeople(everyone: readonly Person[]): Promise<void> {
    this.#people = everyone.length
    await this.#session.query(
      'create temporary table greenlight_people (n int primary key, id text, claims text) on commit drop',
    )
    const size = 2_000
    for (let start = 0; start < everyone.length; start += size) {
      const part = everyone.slice(start, start + size)
      await this.#session.query(
        `insert into ${people} select $1::int + (k - 1), i, c from unnest($2::text[], $3::text[]) with ordinality as part(i, c, k)`,
        [start, part.map(({ id }) => id), part.map(({ claims }) => JSON.stringify(claims))],
      )
    }
    await this.#session.query(`analyze ${people}`)
  }

  /** Calls each function that could not be seen into once as each user. One that fails is told to whom it concerns later. */
  async callFunctions(): Promise<void> {
    for (const call of this.expander.userCalls) {
      const reason = await this.#attempt(() => this.#callFunction(call))
      if (reason !== undefined) this.#failedCalls.set(call.column, reason)
    }
  }

  async #callFunction({ column, call, role, path, type }: UserCall): Promise<void> {
    const sql = await expressionSql(call)
    await this.#session.query(`alter table ${people} add column ${column} ${type}`)
    await this.#session.query(`grant select, update on ${people} to ${quoteIdentifier(role)}`)
    await this.#session.query(
      `select set_config('search_path', ${quoteLiteral(path)}, true), set_config('request.method', 'GET', true), set_config('request.headers', '{}', true)`,
    )
    await this.#session.query(`set local role ${quoteIdentifier(role)}`)
    const update = `update ${people} as u set ${column} = ${sql} where u.n = $1`
    await this.#session.query(
      `do ${quoteLiteral(`declare person record; begin
      for person in select n, claims from ${people} order by n loop
        perform set_config('request.jwt.claims', person.claims, true);
        execute ${quoteLiteral(update)} using person.n;
      end loop; end`)}`,
    )
    await this.#session.query(`reset role; set local search_path = ''`)
  }

  /** Makes users, rows and pairs of one table and says how many pairs there are. Throws `Refusal`. */
  async make(table: Table, key: readonly string[], plan: Plan, count: number): Promise<Made> {
    const text = JSON.stringify(plan.conditions)
    for (const [column, reason] of this.#failedCalls) if (text.includes(`"${column}"`)) throw new Refusal(reason)
    const statements = await statementsOf(table, key, plan, new UserColumns(this.expander.catalog))
    if (statements.loose && this.#people * count > this.#limits.loosePairs) {
      throw new Refusal('no join leads from the user to the row, and there are too many to hold each against each')
    }
    let made = 0
    const reason = await this.#attempt(async () => {
      // The last one makes the pairs, and Postgres tells how many.
      for (const statement of statements.make) made = (await this.#session.query(statement)).rowCount ?? 0
    })
    if (reason !== undefined) throw new Refusal(reason)
    if (made > mostPairs)
      throw new Refusal(`more than ${mostPairs.toLocaleString('en-US')} pairs of users and rows would have to be held`)
    return { statements, pairs: made }
  }

  /** Between the two nothing of a table is left in the session, whatever failed. */
  async begin(): Promise<void> {
    await this.#session.query('savepoint looked')
  }

  async end(): Promise<void> {
    await this.#session.query('rollback to savepoint looked; release savepoint looked')
  }

  /** Number and sum of the rows' hashes, in each of 4,096 parts. */
  async parts(): Promise<Map<number, string>> {
    const { rows: found } = await this.#session.query<{ part: number; sum: string }>(
      `select (greenlight_h & 4095)::int as part, count(*) || ' ' || sum(greenlight_h) as sum from ${rows} group by 1`,
    )
    return new Map(found.map(({ part, sum }) => [part, sum]))
  }

  async hashesOf(parts: readonly number[]): Promise<string[]> {
    const { rows: found } = await this.#session.query<[string]>({
      text: `select distinct greenlight_h::text from ${rows} where greenlight_h & 4095 = any ($1::bigint[])`,
      values: [parts],
      rowMode: 'array',
    })
    return found.map(([hash]) => hash)
  }

  /** Rows that are on this side only count for nothing in the comparison. */
  async setApart(hashes: readonly string[]): Promise<void> {
    if (hashes.length === 0) return
    await this.#session.query(
      `update ${rows} set greenlight_common = false where greenlight_h in (select unnest($1::bigint[]))`,
      [hashes],
    )
  }

  /** Throws `Refusal`. */
  async totals({ statements }: Made): Promise<Totals> {
    let found: readonly Record<string, string>[] = []
    const reason = await this.#attempt(async () => {
      found = (await this.#session.query<Record<string, string>>(statements.totals)).rows
    })
    if (reason !== undefined) throw new Refusal(reason)
    return new Map(found.map((row) => [Number(row.n), totalsOf(row)]))
  }

  /**
   * For each of these users the rows seen, by their place in `known`, with the mask of what may be done with them.
   * `known`: places of rows by hash, which those that are new are added to. Throws `Refusal`.
   */
  async rowsOf(
    { statements }: Made,
    numbers: readonly number[],
    known: Map<string, number>,
  ): Promise<Map<number, Map<number, number>>> {
    const found = new Map<number, Map<number, number>>(numbers.map((n) => [n, new Map()]))
    const reason = await this.#attempt(async () => {
      const { rows: read } = await this.#session.query<[number, number, string]>({
        text: statements.rowsOfUsers,
        values: [numbers],
        rowMode: 'array',
      })
      const lists = read.map(([n, mask, list]) => ({ n, mask, list: list.split(',').map(Number) }))
      const places = await this.#placesOf([...new Set(lists.flatMap(({ list }) => list))], known)
      for (const { n, mask, list } of lists) {
        const mine = found.get(n)
        for (const row of list) mine?.set(places.get(row) ?? -1, mask)
      }
    })
    if (reason !== undefined) throw new Refusal(reason)
    return found
  }

  async #placesOf(numbers: readonly number[], known: Map<string, number>): Promise<ReadonlyMap<number, number>> {
    const { rows: read } = await this.#session.query<[number, string]>({
      text: `select greenlight_n, greenlight_h::text from ${rows} where greenlight_n = any ($1::int[])`,
      values: [numbers],
      rowMode: 'array',
    })
    const places = new Map<number, number>()
    for (const [n, hash] of read) {
      const place = known.get(hash) ?? known.size
      known.set(hash, place)
      places.set(n, place)
    }
    return places
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.query('rollback').catch(() => undefined)
    await this.#session.end()
  }

  /** Why Postgres refused, in words without its own message, which may quote a value; undefined when it did not. */
  async #attempt(work: () => Promise<void>): Promise<string | undefined> {
    await this.#session.query('savepoint attempt')
    try {
      await work()
      await this.#session.query('release savepoint attempt')
      return undefined
    } catch (error) {
      await this.#session.query('rollback to savepoint attempt')
      if (error instanceof Error && 'code' in error && String(error.code).length === 5) {
        return error.code === '57014'
          ? 'it takes too long for all users'
          : `it fails for all users at once (SQLSTATE ${String(error.code)})`
      }
      throw error
    }
  }
}

export type Made = { readonly statements: Statements; readonly pairs: number }

/** Who sees no row has no totals. */
export const noTotal: Total = { count: 0, hash: '0', commonCount: 0, commonHash: '0' }

/** Sets that nobody has a row in have no columns. */
function totalsOf(row: Readonly<Record<string, string>>): Readonly<Record<RowSetName, Total>> {
  const entries = rowSets.map((set) => [
    set,
    row[`${set}_count`] === undefined
      ? noTotal
      : {
          count: Number(row[`${set}_count`]),
          hash: row[`${set}_hash`] ?? '0',
          commonCount: Number(row[`${set}_common_count`]),
          commonHash: row[`${set}_common_hash`] ?? '0',
        },
  ])
  return Object.fromEntries(entries) as Record<RowSetName, Total>
}
