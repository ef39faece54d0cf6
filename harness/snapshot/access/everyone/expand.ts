import { isPlain } from './branches.ts'
import { builtinCall, rowAlias, sqlValue, userAlias } from './builtin.ts'
import { type Catalog, passesBy, policiesOf, type StoredFunction, type Table } from './catalog.ts'
import { expandSelect } from './expand-select.ts'
import type { FunctionBodies } from './functions.ts'
import { parseExpression } from './sql-text.ts'
import {
  bare,
  bool,
  child,
  children,
  column,
  constants,
  type Fields,
  fieldsOf,
  freeIn,
  isNode,
  isNull,
  literal,
  type Node,
  names,
  Refusal,
} from './tree.ts'

/** A function that cannot be seen into: it is called as each user, and its answer is a column of the users. */
export type UserCall = {
  readonly column: string
  readonly call: Node
  readonly role: string
  readonly path: string
  readonly type: string
}

/** What names stand for in a piece of SQL. */
export type Scope = {
  /** Aliases by the names that the piece uses for its tables. */
  readonly names: ReadonlyMap<string, string>
  /** The table whose columns may stand without a name in front, and its columns where they are known. */
  readonly bare?: { readonly alias: string; readonly columns?: readonly string[] }
  /** Arguments of the function that the piece is the body of: by name, by `function.name` and by `$1`. */
  readonly parameters: ReadonlyMap<string, Node>
}

/** With whose rights a piece of SQL runs, and what is being written out around it. */
export type Context = { readonly role: string; readonly path: string; readonly inside: readonly string[] }

const deepest = 24

/** Writes policies out: what is left reads tables past row security and knows the user by one column of claims. */
export class Expander {
  readonly catalog: Catalog
  readonly #bodies: FunctionBodies
  readonly #now: Node
  readonly #calls = new Map<string, UserCall>()
  #aliases = 0

  /** `now`: what the clock is taken to say, as a timestamptz that Postgres can read. */
  constructor(catalog: Catalog, bodies: FunctionBodies, now: string) {
    this.catalog = catalog
    this.#bodies = bodies
    this.#now = {
      TypeCast: { arg: literal(now), typeName: { names: [{ String: { sval: 'timestamptz' } }], typemod: -1 } },
    }
  }

  get userCalls(): readonly UserCall[] {
    return [...this.#calls.values()]
  }

  view({ oid }: Table): Promise<Fields> {
    return this.#bodies.ofView(oid)
  }

  /** Starts over with the names of aliases, for another condition: the same policies are then written out in the same way. */
  startOver(): void {
    this.#aliases = 0
  }

  alias(): string {
    this.#aliases += 1
    return `r${this.#aliases}`
  }

  /** The condition of a role's policies on the rows of a table, for a command as in pg_policy. Throws `Refusal`. */
  async policies(
    table: Table,
    context: Context,
    command: string,
    part: 'using' | 'check',
    alias: string = rowAlias,
  ): Promise<Node> {
    if (passesBy(this.catalog, table, context.role)) return constants.true
    const id = `policies of ${table.schema}.${table.name}`
    if (context.inside.includes(id)) throw new Refusal(`the policies of ${table.name} read ${table.name} again`)
    const inside = { ...context, inside: [...context.inside, id] }
    const scope: Scope = {
      names: new Map([[table.name, alias]]),
      bare: { alias, columns: table.columns },
      parameters: new Map(),
    }
    const policies = policiesOf(this.catalog, table.oid, context.role, command)
    const terms = async (permissive: boolean): Promise<Node[]> => {
      const found: Node[] = []
      for (const policy of policies.filter((one) => one.permissive === permissive)) {
        const text = part === 'check' ? (policy.check ?? policy.using) : policy.using
        // A policy without the expression asked for is as if it was not there.
        if (text !== null) found.push(await this.expand(await parseExpression(text), scope, inside))
      }
      return found
    }
    return bool('AND_EXPR', [bool('OR_EXPR', await terms(true)), ...(await terms(false))])
  }

  /** Throws `Refusal`. */
  async expand(node: Node, scope: Scope, context: Context): Promise<Node> {
    const fields = fieldsOf(node) ?? {}
    if ('ColumnRef' in node) return resolve(names(fields, 'fields'), scope)
    if ('ParamRef' in node) return parameter(scope, `$${String(fields.number)}`)
    if ('SQLValueFunction' in node) return sqlValue(fields, context.role, this.#now)
    if ('FuncCall' in node) return await this.#call(fields, scope, context)
    if ('SubLink' in node) {
      const test = child(fields, 'testexpr')
      const select = await expandSelect(this, fieldsOf(child(fields, 'subselect'), 'SelectStmt') ?? {}, scope, context)
      const value = fields.subLinkType === 'EXPR_SUBLINK' ? onlyValue(select, this.catalog) : undefined
      if (value !== undefined) return value
      const subselect = { SelectStmt: select }
      return {
        SubLink: test
          ? { ...fields, subselect, testexpr: await this.expand(test, scope, context) }
          : { ...fields, subselect },
      }
    }
    return Object.fromEntries([[Object.keys(node)[0] ?? '', await this.#inside(fields, scope, context)]])
  }

  async #inside(fields: Fields, scope: Scope, context: Context): Promise<Fields> {
    const expanded = async (value: unknown): Promise<unknown> => {
      if (Array.isArray(value)) {
        const items: unknown[] = []
        for (const item of value) items.push(await expanded(item))
        return items
      }
      if (isNode(value)) return await this.expand(value, scope, context)
      return value
    }
    const copy: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(fields)) copy[key] = await expanded(value)
    return copy
  }

  async #call(fields: Fields, scope: Scope, context: Context): Promise<Node> {
    const path = names(fields, 'funcname')
    const call = await this.#inside(fields, scope, context)
    if (fields.over !== undefined) throw new Refusal('it uses a window function')
    const [first = '', name = first] = path
    if (path.length === 1 || first === 'pg_catalog') return builtinCall(this.catalog, name, call, this.#now)
    const stored = this.#find(first, name, children(call, 'args').length)
    if (stored.kind === 'a' || stored.language === 'c' || stored.language === 'internal') {
      if (stored.volatility === 'v') throw new Refusal(`it calls ${name}, which may answer otherwise each time`)
      return { FuncCall: call }
    }
    if (stored.returnsSet) throw new Refusal(`it calls ${first}.${name}, which returns rows, in an unusual place`)
    const body = await this.body(stored, children(call, 'args'), context)
    if (body === undefined) return await this.userCall(stored, call, stored.returnType, context)
    const value = onlyValue(body, this.catalog) ?? scalar(body)
    const typed = stored.returnType === 'boolean' ? value : await cast(value, stored.returnType)
    if (!stored.strict) return typed
    const given = children(call, 'args').map((arg) => isNull(arg, 'IS_NOT_NULL'))
    return given.length === 0
      ? typed
      : { CaseExpr: { args: [{ CaseWhen: { expr: bool('AND_EXPR', given), result: typed } }] } }
  }

  #find(schema: string, name: string, count: number): StoredFunction {
    const found = (this.catalog.functions.get(`${schema}.${name}`) ?? []).filter(
      ({ argumentTypes, defaults }) =>
        argumentTypes.length >= count && defaults.slice(count).every((value) => value !== null),
    )
    const [only, ...more] = found
    if (only === undefined || more.length > 0)
      throw new Refusal(`it calls ${schema}.${name}, of which there is not exactly one`)
    return only
  }

  /** The function's one query with the arguments put in; undefined where its body cannot be read. Throws `Refusal`. */
  async body(stored: StoredFunction, args: readonly Node[], context: Context): Promise<Fields | undefined> {
    if (context.inside.length > deepest) throw new Refusal('its functions and policies are nested too deeply')
    if (!['sql', 'plpgsql'].includes(stored.language) || stored.otherSettings) return undefined
    const read = await this.#bodies.of(stored, context.path).catch((error: unknown) => {
      if (error instanceof Refusal) return undefined
      throw error
    })
    if (read === undefined) return undefined
    const parameters = new Map<string, Node>()
    for (const [index, type] of stored.argumentTypes.entries()) {
      const given =
        args[index] ?? (await this.expand(await parseExpression(stored.defaults[index] ?? 'null'), nothing, context))
      const value = await cast(given, type)
      parameters.set(`$${index + 1}`, value)
      const own = stored.argumentNames[index]
      if (own) parameters.set(own, value).set(`${read.name}.${own}`, value)
    }
    const inner: Context = {
      role: stored.definer ? stored.owner : context.role,
      path: stored.path ?? context.path,
      inside: [...context.inside, `function ${stored.oid}`],
    }
    // Inside a function with its owner's rights other policies hold, so the same table may come once more.
    const fresh = stored.definer
      ? { ...inner, inside: inner.inside.map((one) => one.replace(/^policies/, 'outer policies')) }
      : inner
    return await expandSelect(this, read.select, { names: new Map(), parameters }, fresh)
  }

  /** A call that is made as each user before anything else. Throws `Refusal` where it depends on a row as well. */
  async userCall(stored: StoredFunction, call: Fields, type: string, context: Context): Promise<Node> {
    const name = `${stored.schema}.${stored.name}`
    if (stored.volatility === 'v')
      throw new Refusal(`it calls ${name}, whose body is not one query and may answer otherwise each time`)
    const node: Node = { FuncCall: call }
    if ([...freeIn(node)].some((alias) => alias !== userAlias)) {
      throw new Refusal(`it calls ${name} for each row, whose body is not one query`)
    }
    const key = JSON.stringify([call, type, context.role, context.path])
    const known = this.#calls.get(key)
    const one = known ?? { column: `f${this.#calls.size}`, call: node, role: context.role, path: context.path, type }
    this.#calls.set(key, one)
    return column(userAlias, one.column)
  }
}

const nothing: Scope = { names: new Map(), parameters: new Map() }

function resolve(path: readonly string[], { names: known, bare: own, parameters }: Scope): Node {
  const [first = '', second, ...more] = path
  if (more.length > 0 || second === '*' || first === '*') throw new Refusal('it reads whole rows')
  if (second !== undefined) {
    const alias = known.get(first)
    if (alias !== undefined) return column(alias, second)
    return parameter({ names: known, parameters }, `${first}.${second}`)
  }
  if (own?.columns?.includes(first)) return column(own.alias, first)
  const value = parameters.get(first)
  if (value !== undefined) return value
  if (own !== undefined && own.columns === undefined) return column(own.alias, first)
  throw new Refusal(`it names ${first}, which was not found`)
}

function parameter({ parameters }: Scope, name: string): Node {
  const value = parameters.get(name)
  if (value === undefined) throw new Refusal(`it names ${name}, which was not found`)
  return value
}

/** The value of a SELECT without FROM: the value itself. */
function onlyValue(select: Fields, catalog: Catalog): Node | undefined {
  const plain = [
    'fromClause',
    'whereClause',
    'groupClause',
    'havingClause',
    'valuesLists',
    'limitOffset',
    'distinctClause',
  ]
  const [target, ...more] = children(select, 'targetList')
  if (plain.some((key) => select[key] !== undefined) || select.op !== 'SETOP_NONE' || more.length > 0) return undefined
  const value = child(fieldsOf(target, 'ResTarget'), 'val')
  return isPlain(select, catalog) ? value : undefined
}

/** A function without SETOF returns its first row, or NULL. */
function scalar(select: Fields): Node {
  const limited =
    select.limitCount === undefined
      ? { ...select, limitCount: { A_Const: { ival: { ival: 1 } } }, limitOption: 'LIMIT_OPTION_COUNT' }
      : select
  return { SubLink: { subLinkType: 'EXPR_SUBLINK', subselect: { SelectStmt: limited } } }
}

async function cast(arg: Node, type: string): Promise<Node> {
  const typeName = bare((await parseExpression(`null::${type}`)).TypeCast, 'typeName')
  return typeName === undefined ? arg : { TypeCast: { arg, typeName } }
}
