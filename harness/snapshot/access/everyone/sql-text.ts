import { child, children, type Fields, fieldsOf, isNode, type Node, Refusal } from './tree.ts'

/** What was parsed and written, by its text: policies are mostly the same on both sides, and helpers in many of them. */
class Known<T> {
  readonly #known = new Map<string, Promise<T>>()

  of(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#known.get(key) ?? make()
    if (this.#known.size >= mostKnown) this.#known.clear()
    this.#known.set(key, known)
    return known
  }
}

const mostKnown = 5_000
const parsed = new Known<Node>()
const written = new Known<string>()

/** The tree of one expression, as `pg_get_expr` writes it. Throws `Refusal`. */
export function parseExpression(sql: string): Promise<Node> {
  return parsed.of(sql, () => readExpression(sql))
}

async function readExpression(sql: string): Promise<Node> {
  const value = child(fieldsOf(children(await parseSelect(`select ${sql}`), 'targetList')[0], 'ResTarget'), 'val')
  if (value === undefined) throw new Refusal('an expression could not be read')
  return value
}

/** The fields of one SELECT. Throws `Refusal`. */
export async function parseSelect(sql: string): Promise<Fields> {
  const { parse } = await import('libpg-query')
  const parsed = (await parse(sql).catch(() => undefined)) as Fields | undefined
  const [statement, ...more] = (parsed?.stmts ?? []) as readonly { readonly stmt?: Node }[]
  const select = fieldsOf(statement?.stmt, 'SelectStmt')
  if (select === undefined || more.length > 0) throw new Refusal('it is not one SELECT')
  return select
}

/** SQL of an expression, in parentheses. Throws `Refusal` where the text does not parse back to the same tree. */
export async function expressionSql(node: Node): Promise<string> {
  const sql = await selectSql({ targetList: [{ ResTarget: { val: node } }], ...plain })
  return `(${sql.replace(/^SELECT\s/, '')})`
}

/** SQL of one item of a FROM list. Throws `Refusal`. */
export async function fromItemSql(node: Node): Promise<string> {
  const sql = await selectSql({
    targetList: [{ ResTarget: { val: { A_Const: { ival: { ival: 1 } } } } }],
    fromClause: [node],
    ...plain,
  })
  return sql.replace(/^SELECT\s+1\s+FROM\s/, '')
}

/** SQL of a SELECT. Throws `Refusal` where the text does not parse back to the same tree. */
export function selectSql(select: Fields): Promise<string> {
  return written.of(JSON.stringify(select), () => writeSelect(select))
}

async function writeSelect(select: Fields): Promise<string> {
  const { deparse } = await import('pgsql-deparser')
  const tree = { version: 170004, stmts: [{ stmt: { SelectStmt: select } }] }
  let sql: string
  try {
    // The deparser's types are those of Postgres 17's tree; the nodes read here are the same in both.
    sql = await deparse(tree as unknown as Parameters<typeof deparse>[0])
  } catch {
    throw new Refusal('its rewritten form cannot be written as SQL')
  }
  if (JSON.stringify(normal(await parseSelect(sql))) !== JSON.stringify(normal(select))) {
    throw new Refusal('its rewritten form cannot be written as SQL without changing it')
  }
  return sql
}

const plain = { limitOption: 'LIMIT_OPTION_DEFAULT', op: 'SETOP_NONE' }
const positions = new Set(['location', 'list_start', 'list_end', 'rexpr_list_start', 'rexpr_list_end', 'stmt_len'])

/** Without positions, with nested ANDs and ORs laid flat as the parser does, and keys in one order. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .filter(([key]) => !positions.has(key))
    .map(([key, item]) => [key, normal(item)] as const)
  const copy = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  const fields = isNode(copy) ? fieldsOf(copy, 'BoolExpr') : undefined
  if (fields === undefined || fields.boolop === 'NOT_EXPR') return copy
  const args = children(fields, 'args').flatMap((arg) => {
    const inner = fieldsOf(arg, 'BoolExpr')
    return inner !== undefined && inner.boolop === fields.boolop ? children(inner, 'args') : [arg]
  })
  return { BoolExpr: { ...fields, args } }
}
