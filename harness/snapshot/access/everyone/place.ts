import type { Branch } from './branches.ts'
import { rowAlias, userAlias } from './builtin.ts'
import { bool, child, constants, declaredIn, type Fields, fieldsOf, freeIn, type Node, names } from './tree.ts'

/**
 * A way in which a user and a row belong together. `apart`: the user meets one condition and the row another, so it is
 * never told in pairs. `joined`: pairs, found by a join; `loose` when no equation leads from the user to the row, so that
 * every user has to be held against every row.
 */
export type Placed =
  | { readonly kind: 'apart'; readonly user: Node; readonly row: Node }
  | {
      readonly kind: 'joined'
      readonly from: readonly Node[]
      readonly conditions: readonly Node[]
      readonly loose: boolean
    }

export function place({ from, conditions }: Branch): Placed {
  const groups = new Groups()
  for (const alias of [userAlias, rowAlias]) groups.join([alias])
  for (const item of from) groups.join([...declaredIn(item), ...freeIn(item)])
  for (const condition of conditions) groups.join([...freeIn(condition)])
  if (groups.same(userAlias, rowAlias)) {
    const equated = new Groups()
    for (const item of from) equated.join([...declaredIn(item), ...freeIn(item)])
    for (const condition of conditions) if (isEquation(condition)) equated.join([...freeIn(condition)])
    return { kind: 'joined', from, conditions, loose: !equated.same(userAlias, rowAlias) }
  }
  const aliasOf = (aliases: ReadonlySet<string>) => [...aliases][0]
  const isUsers = (tree: unknown) => {
    const alias = aliasOf(freeIn(tree).union(declaredIn(tree)))
    return alias !== undefined && groups.same(alias, userAlias)
  }
  const user = exists(from.filter(isUsers), conditions.filter(isUsers))
  const row = exists(
    from.filter((item) => !isUsers(item)),
    conditions.filter((condition) => !isUsers(condition)),
  )
  return { kind: 'apart', user, row }
}

/** Without tables the conditions themselves; with some, that there are such rows. */
function exists(from: readonly Node[], conditions: readonly Node[]): Node {
  if (from.length === 0) return bool('AND_EXPR', conditions)
  const select: Fields = {
    targetList: [{ ResTarget: { val: constants.true } }],
    fromClause: from,
    ...(conditions.length > 0 ? { whereClause: bool('AND_EXPR', conditions) } : {}),
    limitOption: 'LIMIT_OPTION_DEFAULT',
    op: 'SETOP_NONE',
  }
  return { SubLink: { subLinkType: 'EXISTS_SUBLINK', subselect: { SelectStmt: select } } }
}

/** `a = b` where each side is of other tables, which a join can start from either side of. */
function isEquation(condition: Node): boolean {
  const fields = fieldsOf(condition, 'A_Expr')
  if (fields?.kind !== 'AEXPR_OP' || names(fields, 'name').join() !== '=') return false
  const [left, right] = [child(fields, 'lexpr'), child(fields, 'rexpr')]
  if (left === undefined || right === undefined) return false
  const [ofLeft, ofRight] = [freeIn(left), freeIn(right)]
  return ofLeft.size === 1 && ofRight.size === 1 && ofLeft.isDisjointFrom(ofRight)
}

/** Sets of aliases that grow together. */
class Groups {
  readonly #parents = new Map<string, string>()

  #root(alias: string): string {
    const parent = this.#parents.get(alias)
    return parent === undefined || parent === alias ? alias : this.#root(parent)
  }

  join(aliases: readonly string[]): void {
    const [first, ...more] = aliases
    if (first === undefined) return
    for (const alias of more) this.#parents.set(this.#root(alias), this.#root(first))
  }

  same(one: string, other: string): boolean {
    return this.#root(one) === this.#root(other)
  }
}
