import type { Table } from './catalog.ts'
import type { Context, Expander, Scope } from './expand.ts'
import {
  bare,
  bool,
  child,
  children,
  column,
  constantOf,
  type Fields,
  fieldsOf,
  type Node,
  names,
  Refusal,
} from './tree.ts'

type From = {
  readonly names: Map<string, string>
  /** Conditions of policies, for the WHERE. */
  readonly conditions: Node[]
}

/** A SELECT in which every table has an alias of its own and the policies that hold for its reader. Throws `Refusal`. */
export async function expandSelect(
  expander: Expander,
  select: Fields,
  outer: Scope,
  context: Context,
): Promise<Fields> {
  for (const key of ['withClause', 'lockingClause', 'windowClause', 'intoClause'] as const) {
    if (select[key] !== undefined) throw new Refusal(`it reads with ${key.replace('Clause', '').toUpperCase()}`)
  }
  if (select.op !== 'SETOP_NONE') {
    const [larg, rarg] = [bare(select, 'larg') ?? {}, bare(select, 'rarg') ?? {}]
    const rest = select.limitCount === undefined ? without(select, 'sortClause') : select
    if (rest.sortClause !== undefined) throw new Refusal('it reads a sorted part of a UNION')
    return {
      ...rest,
      larg: await expandSelect(expander, larg, outer, context),
      rarg: await expandSelect(expander, rarg, outer, context),
    }
  }
  const rows = await rowsOfCall(expander, select, outer, context)
  if (rows !== undefined) return rows
  const from: From = { names: new Map(), conditions: [] }
  const items: Node[] = []
  for (const item of children(select, 'fromClause')) items.push(await expandItem(expander, item, outer, context, from))
  const scope = scopeOf(expander, outer, from, children(select, 'fromClause'))
  const copy: Record<string, unknown> = {
    ...(select.limitCount === undefined ? without(select, 'sortClause') : select),
  }
  for (const [key, value] of Object.entries(copy)) {
    if (key === 'fromClause' || key === 'whereClause') continue
    if (Array.isArray(value)) copy[key] = await list(expander, value, scope, context)
    else if (key === 'havingClause' || key.startsWith('limit')) {
      if (typeof value === 'object' && value !== null) copy[key] = await expander.expand(value as Node, scope, context)
    }
  }
  const own = child(select, 'whereClause')
  const where = own === undefined ? from.conditions : [await expander.expand(own, scope, context), ...from.conditions]
  if (items.length > 0) copy.fromClause = items
  const asked = where.filter((condition) => constantOf(condition) !== true)
  delete copy.whereClause
  if (asked.length > 0) copy.whereClause = bool('AND_EXPR', asked)
  return copy
}

async function list(expander: Expander, nodes: readonly unknown[], scope: Scope, context: Context): Promise<Node[]> {
  const copy: Node[] = []
  for (const node of nodes) {
    // DISTINCT without ON is a list of one empty node.
    const empty = typeof node !== 'object' || node === null || Object.keys(node).length === 0
    copy.push(empty ? (node as Node) : await expander.expand(node as Node, scope, context))
  }
  return copy
}

function scopeOf(expander: Expander, outer: Scope, from: From, items: readonly Node[]): Scope {
  const known = new Map([...outer.names, ...from.names])
  const [only, ...more] = items
  const [alias] = from.names.values()
  const range = fieldsOf(only, 'RangeVar')
  const inner = { names: known, parameters: outer.parameters }
  if (only === undefined) return outer
  if (more.length > 0 || from.names.size !== 1 || alias === undefined) return inner
  const table = range && expander.catalog.tables.get(`${String(range.schemaname)}.${String(range.relname)}`)
  return { ...inner, bare: table === undefined ? { alias } : { alias, columns: table.columns } }
}

async function expandItem(expander: Expander, item: Node, outer: Scope, context: Context, from: From): Promise<Node> {
  const fields = fieldsOf(item) ?? {}
  const scope: Scope = { names: new Map([...outer.names, ...from.names]), parameters: outer.parameters }
  if ('RangeVar' in item) return await expandTable(expander, fields, context, from)
  if ('JoinExpr' in item) return await expandJoin(expander, fields, outer, context, from)
  const own = bare(fields, 'alias')
  const alias = expander.alias()
  if ('RangeSubselect' in item) {
    from.names.set(String(own?.aliasname ?? alias), alias)
    const select = fieldsOf(child(fields, 'subquery'), 'SelectStmt') ?? {}
    const subquery = {
      SelectStmt: await expandSelect(expander, select, fields.lateral === true ? scope : outer, context),
    }
    return { RangeSubselect: { ...fields, subquery, alias: { ...own, aliasname: alias } } }
  }
  if ('RangeFunction' in item) return await expandFunction(expander, fields, scope, context, from, alias)
  throw new Refusal('it reads from something that is no table')
}

async function expandTable(expander: Expander, fields: Fields, context: Context, from: From): Promise<Node> {
  const own = bare(fields, 'alias')
  const name = `${String(fields.schemaname)}.${String(fields.relname)}`
  const table = expander.catalog.tables.get(name)
  if (table === undefined) throw new Refusal(`it reads ${name}, which is not a table of the app`)
  if (own?.colnames !== undefined) throw new Refusal('it renames the columns of a table')
  const alias = expander.alias()
  from.names.set(String(own?.aliasname ?? fields.relname), alias)
  if (table.kind === 'v') return await expandView(expander, table, alias, context)
  from.conditions.push(await expander.policies(table, context, 'r', 'using', alias))
  return { RangeVar: { ...fields, alias: { aliasname: alias } } }
}

async function expandView(expander: Expander, view: Table, alias: string, context: Context): Promise<Node> {
  const id = `view ${view.oid}`
  if (context.inside.includes(id)) throw new Refusal(`it reads the view ${view.name} again`)
  const inner = { ...context, role: view.invoker ? context.role : view.owner, inside: [...context.inside, id] }
  const select = await expander.view(view)
  const subquery = {
    SelectStmt: await expandSelect(expander, select, { names: new Map(), parameters: new Map() }, inner),
  }
  const colnames = view.columns.map((sval) => ({ String: { sval } }))
  return { RangeSubselect: { subquery, alias: { aliasname: alias, colnames } } }
}

/** On the side of an outer join that may be empty, a policy hides rows before they are joined: it belongs to ON. */
async function expandJoin(
  expander: Expander,
  fields: Fields,
  outer: Scope,
  context: Context,
  from: From,
): Promise<Node> {
  const [left, right] = [child(fields, 'larg'), child(fields, 'rarg')]
  if (left === undefined || right === undefined || fields.alias !== undefined)
    throw new Refusal('it joins in a way that is not read')
  const sides: From[] = []
  const items: Node[] = []
  for (const item of [left, right]) {
    const side: From = { names: from.names, conditions: [] }
    items.push(await expandItem(expander, item, outer, context, side))
    sides.push(side)
  }
  const conditions = sides.map((side) => side.conditions.filter((one) => constantOf(one) !== true))
  const type = fields.jointype
  const [ofLeft = [], ofRight = []] = conditions
  // Written in one chain with the users and rows in front, these would mean something else.
  if (type !== 'JOIN_INNER' && type !== 'JOIN_LEFT') throw new Refusal('it joins by RIGHT or FULL JOIN')
  const inOn = type === 'JOIN_LEFT' ? ofRight : []
  const kept = type === 'JOIN_LEFT' ? ofLeft : [...ofLeft, ...ofRight]
  from.conditions.push(...kept)
  const quals = child(fields, 'quals')
  const scope = { names: new Map([...outer.names, ...from.names]), parameters: outer.parameters }
  const on = quals === undefined ? undefined : await expander.expand(quals, scope, context)
  if (inOn.length > 0 && on === undefined) throw new Refusal('it joins a table with policies by USING')
  const copy = { ...fields, larg: items[0], rarg: items[1] }
  return { JoinExpr: on === undefined ? copy : { ...copy, quals: bool('AND_EXPR', [on, ...inOn]) } }
}

async function expandFunction(
  expander: Expander,
  fields: Fields,
  scope: Scope,
  context: Context,
  from: From,
  alias: string,
): Promise<Node> {
  const own = bare(fields, 'alias')
  const [list, ...more] = children(fields, 'functions')
  const [call] = children(fieldsOf(list, 'List'), 'items')
  const name = names(fieldsOf(call, 'FuncCall'), 'funcname')
  if (call === undefined || more.length > 0 || fields.ordinality !== undefined || fields.coldeflist !== undefined) {
    throw new Refusal('it reads from functions in a way that is not read')
  }
  from.names.set(String(own?.aliasname ?? name.at(-1)), alias)
  const rows = await callRows(expander, call, scope, context)
  if (rows !== undefined) {
    const subselect = { subquery: { SelectStmt: rows }, alias: { ...own, aliasname: alias } }
    return { RangeSubselect: { ...subselect, lateral: true } }
  }
  const called = await expander.expand(call, scope, context)
  if (!('FuncCall' in called)) throw new Refusal('it reads from a function that returns one value')
  const colnames = own?.colnames ?? [{ String: { sval: String(own?.aliasname ?? name.at(-1)) } }]
  return {
    RangeFunction: { ...fields, functions: [{ List: { items: [called, {}] } }], alias: { aliasname: alias, colnames } },
  }
}

/** `select f()` where f returns rows: its own query. */
async function rowsOfCall(
  expander: Expander,
  select: Fields,
  outer: Scope,
  context: Context,
): Promise<Fields | undefined> {
  const [target, ...more] = children(select, 'targetList')
  const value = child(fieldsOf(target, 'ResTarget'), 'val')
  const bareCall = select.fromClause === undefined && select.whereClause === undefined && more.length === 0
  return bareCall && value !== undefined && 'FuncCall' in value
    ? await callRows(expander, value, outer, context)
    : undefined
}

async function callRows(expander: Expander, call: Node, scope: Scope, context: Context): Promise<Fields | undefined> {
  const fields = fieldsOf(call, 'FuncCall') ?? {}
  const [schema = '', name] = names(fields, 'funcname')
  if (name === undefined || schema === 'pg_catalog') return undefined
  const args = await list(expander, children(fields, 'args'), scope, context)
  const stored = (expander.catalog.functions.get(`${schema}.${name}`) ?? []).filter((one) => one.returnsSet)
  const [only, ...more] = stored
  if (only === undefined || more.length > 0) return undefined
  if (only.strict && args.length > 0) throw new Refusal(`it calls ${schema}.${name}, which is STRICT and returns rows`)
  const body = await expander.body(only, args, context)
  if (body !== undefined) return body
  const array: Fields = { ...fields, args }
  const collected = await expander.userCall(only, array, `${only.returnType}[]`, context)
  const alias = expander.alias()
  const unnest = {
    FuncCall: { funcname: [{ String: { sval: 'unnest' } }], args: [collected], funcformat: 'COERCE_EXPLICIT_CALL' },
  }
  return {
    targetList: [{ ResTarget: { val: column(alias, 'v') } }],
    fromClause: [
      {
        RangeFunction: {
          functions: [{ List: { items: [unnest, {}] } }],
          alias: { aliasname: alias, colnames: [{ String: { sval: 'v' } }] },
        },
      },
    ],
    limitOption: 'LIMIT_OPTION_DEFAULT',
    op: 'SETOP_NONE',
  }
}

function without(select: Fields, key: string): Fields {
  const { [key]: _left, ...rest } = select
  return rest
}
