import { rowAlias, userAlias } from './builtin.ts'
import type { Builtin, Catalog } from './catalog.ts'
import type { Expander } from './expand.ts'
import { pulledScalar } from './scalar.ts'
import {
  bare,
  bool,
  child,
  children,
  column,
  constantOf,
  equal,
  type Fields,
  fieldsOf,
  freeIn,
  isNotTrue,
  type Node,
  names,
  not,
  Refusal,
  withoutCasts,
} from './tree.ts'

/**
 * One way in which a condition holds: there are rows of these tables, for which all of these hold. A user and a row belong
 * together when at least one branch lets them.
 */
export type Branch = { readonly from: readonly Node[]; readonly conditions: readonly Node[] }

const always: Branch = { from: [], conditions: [] }
const mostBranches = 48

/**
 * The ways in which `condition` is true (neither false nor NULL). AND, OR and NOT follow SQL's logic of three values; what
 * is asked of sub-queries is drawn out into joins, so that Postgres can start from the few rows that belong to a user.
 * Throws `Refusal`.
 */
export function branchesOf(condition: Node, expander: Expander): readonly Branch[] {
  const constant = constantOf(condition)
  if (constant !== undefined) return constant === true ? [always] : []
  const fields = fieldsOf(condition) ?? {}
  if ('BoolExpr' in condition) return ofBoolean(fields, expander)
  if ('BooleanTest' in condition && fields.booltesttype === 'IS_TRUE') return inner(fields, 'arg', expander)
  if ('CaseExpr' in condition && fields.arg === undefined) return ofCase(fields, expander)
  if ('CoalesceExpr' in condition) {
    const [first, second, ...more] = children(fields, 'args')
    if (first && second && more.length === 0 && constantOf(second) === false) return branchesOf(first, expander)
  }
  // Asked of the user or of the row alone, it is answered once for each of them.
  if (
    [...freeIn(condition)].filter((alias) => alias === userAlias || alias === rowAlias).length < 2 &&
    !isJoined(condition)
  ) {
    return [{ from: [], conditions: [condition] }]
  }
  if ('SubLink' in condition) {
    const pulled = ofSubLink(fields, expander)
    if (pulled !== undefined) return pulled
  }
  if ('A_Expr' in condition && fields.kind === 'AEXPR_OP_ANY' && names(fields, 'name').join() === '=') {
    const pulled = ofArray(fields, expander)
    if (pulled !== undefined) return pulled
  }
  const scalar = pulledScalar(condition, expander.catalog)
  if (scalar !== undefined) {
    return product(
      [{ from: scalar.from, conditions: [] }],
      ...scalar.conditions.map((one) => branchesOf(one, expander)),
    )
  }
  return [{ from: [], conditions: [condition] }]
}

/** Refers to a table drawn out of a sub-query: an inner one must be drawn out as well. */
function isJoined(condition: Node): boolean {
  return [...freeIn(condition)].some((alias) => alias !== userAlias && alias !== rowAlias)
}

function ofBoolean(fields: Fields, expander: Expander): readonly Branch[] {
  const args = children(fields, 'args')
  if (fields.boolop === 'AND_EXPR') return product(...args.map((arg) => branchesOf(arg, expander)))
  if (fields.boolop === 'OR_EXPR') return limited(args.flatMap((arg) => branchesOf(arg, expander)))
  const [arg] = args
  if (arg === undefined) throw new Refusal('a NOT could not be read')
  const constant = constantOf(arg)
  if (constant !== undefined) return constant === false ? [always] : []
  const negated = fieldsOf(arg, 'BoolExpr')
  if (negated === undefined) return [{ from: [], conditions: [not(arg)] }]
  const nots = children(negated, 'args')
  if (negated.boolop === 'NOT_EXPR') return nots[0] === undefined ? [] : branchesOf(nots[0], expander)
  return branchesOf(bool(negated.boolop === 'AND_EXPR' ? 'OR_EXPR' : 'AND_EXPR', nots.map(not)), expander)
}

function ofCase(fields: Fields, expander: Expander): readonly Branch[] {
  const found: Branch[] = []
  const failed: Node[] = []
  for (const when of children(fields, 'args')) {
    const [expr, result] = [child(when.CaseWhen, 'expr'), child(when.CaseWhen, 'result')]
    if (expr === undefined || result === undefined) throw new Refusal('a CASE could not be read')
    found.push(...branchesOf(bool('AND_EXPR', [...failed, expr, result]), expander))
    const constant = constantOf(expr)
    if (constant === undefined) failed.push(isNotTrue(expr))
    else if (constant === true) return limited(found)
  }
  const otherwise = child(fields, 'defresult')
  if (otherwise !== undefined) found.push(...branchesOf(bool('AND_EXPR', [...failed, otherwise]), expander))
  return limited(found)
}

function ofSubLink(fields: Fields, expander: Expander): readonly Branch[] | undefined {
  const select = fieldsOf(child(fields, 'subselect'), 'SelectStmt')
  if (select === undefined) return undefined
  if (fields.subLinkType === 'EXISTS_SUBLINK') return pulled(select, undefined, expander)
  const test = child(fields, 'testexpr')
  const operator = names(fields, 'operName')
  if (fields.subLinkType !== 'ANY_SUBLINK' || test === undefined || 'RowExpr' in test) return undefined
  return operator.length === 0 || operator.join() === '=' ? pulled(select, test, expander) : undefined
}

/** `x = any (array(select …))` is `x in (select …)`; and an array that is the user's own is laid out as rows. */
function ofArray(fields: Fields, expander: Expander): readonly Branch[] | undefined {
  const [test, right] = [child(fields, 'lexpr'), child(fields, 'rexpr')]
  if (test === undefined || right === undefined) return undefined
  const array = withoutCasts(right)
  const link = fieldsOf(array, 'SubLink')
  if (link?.subLinkType === 'ARRAY_SUBLINK') {
    const select = fieldsOf(child(link, 'subselect'), 'SelectStmt')
    return select === undefined ? undefined : pulled(select, test, expander)
  }
  if ([...freeIn(right)].join() !== userAlias) return undefined
  const alias = expander.alias()
  const call = { funcname: [{ String: { sval: 'unnest' } }], args: [right], funcformat: 'COERCE_EXPLICIT_CALL' }
  return [{ from: [rowsOf(call, alias)], conditions: [equal(test, column(alias, 'v'))] }]
}

/** A sub-query as a join; undefined where it groups, counts or cuts off, so that its rows are not those of its tables. */
function pulled(select: Fields, test: Node | undefined, expander: Expander): readonly Branch[] | undefined {
  if (select.op === 'SETOP_UNION' && select.limitCount === undefined && select.limitOffset === undefined) {
    const arms = ['larg', 'rarg'].map((arm) => pulled(bare(select, arm) ?? {}, test, expander))
    return arms.every((arm) => arm !== undefined) ? limited(arms.flat()) : undefined
  }
  const called = calledRows(select, expander)
  if (called !== undefined) return pulled(called, test, expander)
  if (!isPlain(select, expander.catalog)) return undefined
  // EXISTS (… LIMIT n) is EXISTS (…) but for LIMIT 0; IN is not.
  if (select.limitCount !== undefined && (test !== undefined || !isPositive(select.limitCount))) return undefined
  const [target] = children(select, 'targetList')
  const value = child(fieldsOf(target, 'ResTarget'), 'val')
  if (test !== undefined && value === undefined) return undefined
  const where = child(select, 'whereClause')
  return product(
    [{ from: children(select, 'fromClause'), conditions: [] }],
    where === undefined ? [always] : branchesOf(where, expander),
    test !== undefined && value !== undefined ? branchesOf(equal(test, value), expander) : [always],
  )
}

/** `select jsonb_array_elements_text(…)` reads from that function. */
function calledRows(select: Fields, expander: Expander): Fields | undefined {
  const [target, ...more] = children(select, 'targetList')
  const call = child(fieldsOf(target, 'ResTarget'), 'val')
  const path = names(call?.FuncCall, 'funcname')
  const others = ['fromClause', 'whereClause', 'groupClause', 'havingClause', 'limitCount', 'limitOffset']
  if (call === undefined || more.length > 0 || others.some((key) => select[key] !== undefined)) return undefined
  const facts = expander.catalog.builtin.get(path.at(-1) ?? '')
  if (facts?.returnsSet !== true || facts.aggregate || (path.length > 1 && path[0] !== 'pg_catalog')) return undefined
  const alias = expander.alias()
  const { funcformat: _format, ...fields } = call.FuncCall ?? {}
  const item = rowsOf({ ...fields, funcformat: 'COERCE_EXPLICIT_CALL' }, alias)
  return { ...select, targetList: [{ ResTarget: { val: column(alias, 'v') } }], fromClause: [item] }
}

function rowsOf(call: Fields, alias: string): Node {
  const functions = [{ List: { items: [{ FuncCall: call }, {}] } }]
  return {
    RangeFunction: { lateral: true, functions, alias: { aliasname: alias, colnames: [{ String: { sval: 'v' } }] } },
  }
}

function isPositive(limit: unknown): boolean {
  const value = fieldsOf(limit as Node, 'A_Const')?.ival
  return typeof value === 'object' && value !== null && Number((value as Fields).ival ?? 0) > 0
}

/** Its rows are those of its FROM and WHERE, whatever is selected. */
export function isPlain(select: Fields, { builtin, functions }: Catalog): boolean {
  const keys = ['groupClause', 'havingClause', 'limitOffset', 'valuesLists']
  if (select.op !== 'SETOP_NONE' || keys.some((key) => select[key] !== undefined)) return false
  return children(select, 'targetList').every((target) => {
    const calls = callsOutsideSubqueries(target)
    return calls.every((path) => {
      const name = path.at(-1) ?? ''
      if (path.length === 1 || path[0] === 'pg_catalog') return isValue(builtin.get(name))
      return (functions.get(path.join('.')) ?? []).every(({ kind, returnsSet }) => kind === 'f' && !returnsSet)
    })
  })
}

function isValue(facts: Builtin | undefined): boolean {
  return facts !== undefined && !facts.aggregate && !facts.returnsSet
}

function callsOutsideSubqueries(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap(callsOutsideSubqueries)
  const fields = value as Fields
  if (fields.SelectStmt !== undefined) return []
  const own = fields.FuncCall === undefined ? [] : [names(fields.FuncCall as Fields, 'funcname')]
  return [...own, ...Object.values(fields).flatMap(callsOutsideSubqueries)]
}

function inner(fields: Fields, name: string, expander: Expander): readonly Branch[] {
  const node = child(fields, name)
  if (node === undefined) throw new Refusal('a condition could not be read')
  return branchesOf(node, expander)
}

function product(...factors: readonly (readonly Branch[])[]): readonly Branch[] {
  let found: readonly Branch[] = [always]
  for (const factor of factors) {
    found = limited(
      found.flatMap((one) =>
        factor.map((other) => ({
          from: [...one.from, ...other.from],
          conditions: [...one.conditions, ...other.conditions],
        })),
      ),
    )
  }
  return found
}

function limited(branches: readonly Branch[]): readonly Branch[] {
  if (branches.length > mostBranches) throw new Refusal(`it holds in more than ${mostBranches} ways`)
  return branches
}
