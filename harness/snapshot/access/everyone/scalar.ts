import type { Catalog } from './catalog.ts'
import { bare, child, children, type Fields, fieldsOf, freeIn, mapTree, type Node, names } from './tree.ts'

const strict = new Set(['=', '<>', '<', '>', '<=', '>=', '~~', '!~~', '~~*', '!~~*', '~', '~*', '@>', '<@', '&&', '?'])

/**
 * A condition on the one value of a sub-query, as a join: `(select role from m where …) = 'owner'`. Only where a unique
 * key says that there is at most one row, and where the condition is not true of NULL, which no row means.
 */
export function pulledScalar(
  condition: Node,
  catalog: Catalog,
): { readonly from: readonly Node[]; readonly conditions: readonly Node[] } | undefined {
  const link = scalarIn(condition)
  if (link === undefined) return undefined
  const select = fieldsOf(child(fieldsOf(link, 'SubLink'), 'subselect'), 'SelectStmt') ?? {}
  const value = child(fieldsOf(children(select, 'targetList')[0], 'ResTarget'), 'val')
  const where = child(select, 'whereClause')
  if (value === undefined || where === undefined || !hasOneRow(select, where, catalog)) return undefined
  const asked = mapTree(condition, (node) => (node === link ? value : undefined))
  return { from: children(select, 'fromClause'), conditions: [where, asked] }
}

/** The sub-query whose NULL makes the condition NULL or false. */
function scalarIn(condition: Node): Node | undefined {
  const fields = fieldsOf(condition) ?? {}
  if ('TypeCast' in condition) return inside(child(fields, 'arg'))
  if ('SubLink' in condition) return fields.subLinkType === 'EXPR_SUBLINK' ? condition : undefined
  if ('NullTest' in condition && fields.nulltesttype === 'IS_NOT_NULL') return inside(child(fields, 'arg'))
  if (!('A_Expr' in condition) || !strict.has(names(fields, 'name').join('.'))) return undefined
  if (fields.kind === 'AEXPR_OP') return inside(child(fields, 'lexpr')) ?? inside(child(fields, 'rexpr'))
  return fields.kind === 'AEXPR_OP_ANY' ? inside(child(fields, 'lexpr')) : undefined
}

function inside(node: Node | undefined): Node | undefined {
  return node === undefined || 'NullTest' in node || 'A_Expr' in node ? undefined : scalarIn(node)
}

/** One table, and an equation for each column of one of its unique keys. */
function hasOneRow(select: Fields, where: Node, catalog: Catalog): boolean {
  const keys = ['groupClause', 'havingClause', 'limitOffset', 'distinctClause', 'valuesLists']
  const [item, ...more] = children(select, 'fromClause')
  const range = fieldsOf(item, 'RangeVar')
  if (range === undefined || more.length > 0 || keys.some((key) => select[key] !== undefined)) return false
  if (children(select, 'targetList').length !== 1 || hasCall(children(select, 'targetList')[0])) return false
  const alias = bare(range, 'alias')?.aliasname
  const table = catalog.tables.get(`${String(range.schemaname)}.${String(range.relname)}`)
  const equated = new Set(conjuncts(where).flatMap((one) => equatedColumn(one, String(alias))))
  return table?.unique.some((key) => key.every((name) => equated.has(name))) === true
}

/** An aggregate would give a row where there is none. */
function hasCall(node: Node | undefined): boolean {
  return JSON.stringify(node ?? {}).includes('"FuncCall"')
}

function conjuncts(condition: Node): readonly Node[] {
  const fields = fieldsOf(condition, 'BoolExpr')
  return fields?.boolop === 'AND_EXPR' ? children(fields, 'args').flatMap(conjuncts) : [condition]
}

function equatedColumn(condition: Node, alias: string): string[] {
  const fields = fieldsOf(condition, 'A_Expr')
  if (fields?.kind !== 'AEXPR_OP' || names(fields, 'name').join() !== '=') return []
  const sides = [child(fields, 'lexpr'), child(fields, 'rexpr')]
  return sides.flatMap((side, index) => {
    const [of, name] = names(side?.ColumnRef, 'fields')
    const other = sides[1 - index]
    return of === alias && name !== undefined && other !== undefined && !freeIn(other).has(alias) ? [name] : []
  })
}
