import type { Connection } from '../../../database/engine.ts'
import { quoteIdentifier, quoteLiteral } from '../../../database/identifiers.ts'
import type { StoredFunction } from './catalog.ts'
import { plpgsqlToSelect } from './plpgsql.ts'
import { parseSelect } from './sql-text.ts'
import { type Fields, Refusal } from './tree.ts'

/** A function's body as one SELECT with every name qualified; `name` is what its arguments are qualified with. */
export type Body = { readonly select: Fields; readonly name: string }

/**
 * Bodies of functions, read by Postgres itself: each is made once more as a temporary function of the standard's form,
 * which Postgres parses under the function's own search path and writes back with every name in full. For a session with
 * an open transaction that is rolled back at the end.
 */
export class FunctionBodies {
  readonly #session: Connection
  readonly #known = new Map<string, Promise<Body>>()

  constructor(session: Connection) {
    this.#session = session
  }

  /** `path`: the search path of the caller, for a function without its own. Throws `Refusal`. */
  of(stored: StoredFunction, path: string): Promise<Body> {
    const own = stored.path ?? path
    const key = `${stored.oid} ${own}`
    const known = this.#known.get(key) ?? this.#read(stored, own, `greenlight_body_${this.#known.size}`)
    this.#known.set(key, known)
    return known
  }

  /** The query of a view. Throws `Refusal`. */
  async ofView(oid: number): Promise<Fields> {
    const { rows } = await this.#session.query<{ text: string }>('select pg_get_viewdef($1::oid) as text', [oid])
    return await parseSelect(rows[0]?.text ?? '')
  }

  async #read(stored: StoredFunction, path: string, name: string): Promise<Body> {
    if (!stored.simple || stored.kind !== 'f')
      throw new Refusal('it has arguments or a result of a kind that is not read')
    const { rows } = await this.#session.query<{ source: string; atomic: string | null; definition: string }>(
      `select prosrc as source, pg_get_function_sqlbody(oid) as atomic, pg_get_functiondef(oid) as definition from pg_proc where oid = $1`,
      [stored.oid],
    )
    const [row] = rows
    if (row === undefined) throw new Refusal('it is not there')
    if (row.atomic !== null) return { select: await fromAtomic(row.atomic), name: stored.name }
    const source = stored.language === 'plpgsql' ? await plpgsqlToSelect(row.definition, stored.returnsSet) : row.source
    const written = await this.#writtenBack(stored, path, name, source)
    return { select: await fromAtomic(written), name }
  }

  async #writtenBack(stored: StoredFunction, path: string, name: string, source: string): Promise<string> {
    const parameters = stored.argumentTypes.map((type, index) => {
      const own = stored.argumentNames[index] ?? ''
      return own === '' ? type : `${quoteIdentifier(own)} ${type}`
    })
    const result = `${stored.returnsSet ? 'setof ' : ''}${stored.returnType}`
    await this.#session.query('savepoint body')
    try {
      await this.#session.query(`select set_config('search_path', ${quoteLiteral(path)}, true)`)
      await this.#session.query(
        `create function pg_temp.${name}(${parameters.join(', ')}) returns ${result} language sql begin atomic ${source}\n; end`,
      )
      await this.#session.query(`set local search_path = ''`)
      const { rows } = await this.#session.query<{ body: string }>(
        `select pg_get_function_sqlbody(oid) as body from pg_proc where proname = $1 and pronamespace = pg_my_temp_schema()`,
        [name],
      )
      await this.#session.query('release savepoint body')
      return rows[0]?.body ?? ''
    } catch (error) {
      await this.#session.query('rollback to savepoint body')
      if (error instanceof Error && 'code' in error) throw new Refusal('its body is not one query')
      throw error
    }
  }
}

async function fromAtomic(body: string): Promise<Fields> {
  const [, expression] = /^RETURN\s+([\s\S]*)$/.exec(body) ?? []
  if (expression !== undefined) return await parseSelect(`select ${expression}`)
  const [, statement] = /^BEGIN ATOMIC\s+([\s\S]*?);\s*END$/.exec(body) ?? []
  if (statement === undefined) throw new Refusal('its body is not one query')
  return await parseSelect(statement)
}
