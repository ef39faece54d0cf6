import { parseExpression, parseSelect, selectSql } from './sql-text.ts'
import {
  bare,
  child,
  children,
  constants,
  type Fields,
  fieldsOf,
  mapTree,
  type Node,
  names,
  nodesOf,
  Refusal,
} from './tree.ts'

/** Values of the variables that are known at a statement, by name. */
type Known = ReadonlyMap<string, Node>
type Block = { readonly variables: readonly Fields[]; readonly returnsSet: boolean }

/**
 * One SELECT that gives what a PL/pgSQL function returns, from its `create function` text. Read are constants, `select …
 * into`, assignments, `if` and `return`, each variable assigned once on its way; anything else is refused. An expression
 * may be evaluated more than once or not at all there, so this holds only for functions that write nothing, and what
 * becomes of the text is planned by Postgres, which refuses what it does not know. Throws `Refusal`.
 */
export async function plpgsqlToSelect(definition: string, returnsSet: boolean): Promise<string> {
  if (definition.includes('#')) throw new Refusal('its body has compiler options or operators that are not read')
  const { parsePlPgSQL } = await import('libpg-query')
  const parsed = (await parsePlPgSQL(definition).catch(() => undefined)) as unknown as Fields | undefined
  const root = fieldsOf(children(parsed, 'plpgsql_funcs')[0], 'PLpgSQL_function')
  const block = fieldsOf(child(root, 'action'), 'PLpgSQL_stmt_block')
  if (block === undefined) throw new Refusal('its body could not be read')
  const variables = children(root, 'datums').map((datum) => fieldsOf(datum) ?? {})
  let known: Known = new Map()
  for (const [index, datum] of children(root, 'datums').entries()) {
    const value = child(datum.PLpgSQL_var, 'default_val')
    if (value === undefined) continue
    const expression = await expressionOf(value, known)
    known = new Map([...known, [nameOf(variables, index), cast(expression, await typeOf(datum))]])
  }
  return await statements(flat(block), known, { variables, returnsSet })
}

async function statements(list: readonly Node[], known: Known, block: Block): Promise<string> {
  const [statement, ...rest] = list
  if (statement === undefined) throw new Refusal('it may end without a return')
  const fields = fieldsOf(statement) ?? {}
  if ('PLpgSQL_stmt_return' in statement) {
    const value = child(fields, 'expr')
    if (value === undefined || block.returnsSet) throw new Refusal('it returns nothing on one way')
    return await asSelect(await expressionOf(value, known))
  }
  if ('PLpgSQL_stmt_return_query' in statement) {
    if (rest.some((next) => !('PLpgSQL_stmt_return' in next))) throw new Refusal('it returns more than one query')
    const query = child(fields, 'query')
    if (query === undefined) throw new Refusal('its query is made while it runs')
    return await selectSql(replaced(await parseSelect(textOf(query)), known))
  }
  if ('PLpgSQL_stmt_if' in statement) {
    const elses = children(fields, 'elsif_list').map((one) => fieldsOf(one) ?? {})
    const arms = [{ cond: child(fields, 'cond'), body: children(fields, 'then_body') }].concat(
      elses.map((one) => ({ cond: child(one, 'cond'), body: children(one, 'stmts') })),
    )
    const whens: Node[] = []
    for (const { cond, body } of arms) {
      if (cond === undefined) throw new Refusal('an IF could not be read')
      // What a branch does not return goes on behind the IF.
      const result = await returnedBy(await statements([...body, ...rest], known, block))
      whens.push({ CaseWhen: { expr: await expressionOf(cond, known), result } })
    }
    const otherwise = await returnedBy(await statements([...children(fields, 'else_body'), ...rest], known, block))
    return await asSelect({ CaseExpr: { args: whens, defresult: otherwise } })
  }
  if ('PLpgSQL_stmt_assign' in statement) {
    const text = textOf(child(fields, 'expr')).replace(/^\s*[\w"]+\s*:?=/, '')
    const name = nameOf(block.variables, Number(fields.varno ?? 0))
    return await statements(rest, assigned(known, name, replaced(await parseExpression(text), known)), block)
  }
  if ('PLpgSQL_stmt_execsql' in statement && fields.into === true && fields.strict !== true) {
    const row = fieldsOf(child(fields, 'target'))
    const [target, ...more] = (row?.fields ?? []) as readonly { readonly name: string }[]
    if (target === undefined || more.length > 0) throw new Refusal('it reads several columns at once')
    const select = replaced(await parseSelect(textOf(child(fields, 'sqlstmt'))), known)
    const first = { ...select, limitCount: { A_Const: { ival: { ival: 1 } } }, limitOption: 'LIMIT_OPTION_COUNT' }
    if (select.limitCount !== undefined) throw new Refusal('it reads with a LIMIT of its own')
    const found: Node = { SubLink: { subLinkType: 'EXISTS_SUBLINK', subselect: { SelectStmt: select } } }
    const value: Node = { SubLink: { subLinkType: 'EXPR_SUBLINK', subselect: { SelectStmt: first } } }
    return await statements(rest, new Map([...assigned(known, target.name, value), ['found', found]]), block)
  }
  throw new Refusal(`its body has a statement that is not read (${Object.keys(statement)[0] ?? ''})`)
}

function flat(block: Fields): Node[] {
  if (block.exceptions !== undefined) throw new Refusal('its body catches exceptions')
  return children(block, 'body').flatMap((statement) => {
    const inner = statement.PLpgSQL_stmt_block
    return inner === undefined ? [statement] : flat(inner)
  })
}

function assigned(known: Known, name: string, value: Node): Known {
  return new Map([...known, [name, value]])
}

function nameOf(variables: readonly Fields[], index: number): string {
  const name = variables[index]?.refname
  if (typeof name !== 'string') throw new Refusal('a variable could not be read')
  return name
}

function textOf(expression: Node | undefined): string {
  const text = fieldsOf(expression, 'PLpgSQL_expr')?.query
  if (typeof text !== 'string') throw new Refusal('an expression could not be read')
  return text
}

async function expressionOf(expression: Node, known: Known): Promise<Node> {
  return replaced(await parseExpression(textOf(expression)), known)
}

async function typeOf(datum: Node): Promise<Fields | undefined> {
  const name = fieldsOf(child(datum.PLpgSQL_var, 'datatype'))?.typname
  if (typeof name !== 'string' || name.includes('%')) throw new Refusal('a variable has a type that is not read')
  return bare((await parseExpression(`null::${name}`)).TypeCast, 'typeName')
}

function cast(arg: Node, typeName: Fields | undefined): Node {
  return typeName === undefined ? arg : { TypeCast: { arg, typeName } }
}

/** A variable's name is never a column's as well: PL/pgSQL would refuse that as ambiguous. */
function replaced<T>(tree: T, known: Known): T {
  for (const node of nodesOf(tree)) {
    const [first, second] = names(node.ColumnRef, 'fields')
    if (second !== undefined && first !== undefined && known.has(first))
      throw new Refusal('it reads a part of a variable')
  }
  return mapTree(tree, (node) => {
    const [name, more] = names(node.ColumnRef, 'fields')
    return name !== undefined && more === undefined ? known.get(name) : undefined
  })
}

function asSelect(value: Node): Promise<string> {
  return selectSql({
    targetList: [{ ResTarget: { val: value } }],
    limitOption: 'LIMIT_OPTION_DEFAULT',
    op: 'SETOP_NONE',
  })
}

async function returnedBy(select: string): Promise<Node> {
  const value = child(fieldsOf(children(await parseSelect(select), 'targetList')[0], 'ResTarget'), 'val')
  return value ?? constants.null
}
