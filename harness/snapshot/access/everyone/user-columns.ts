import { userAlias } from './builtin.ts'
import type { Catalog } from './catalog.ts'
import { bare, children, column, type Fields, fieldsOf, freeIn, kindOf, mapTree, type Node, names } from './tree.ts'

const values = new Set([
  'FuncCall',
  'TypeCast',
  'A_Expr',
  'BoolExpr',
  'SubLink',
  'NullTest',
  'BooleanTest',
  'CoalesceExpr',
  'CaseExpr',
  'A_Indirection',
  'MinMaxExpr',
])

/** What conditions ask of the user alone, as columns of the users: answered once for each user. */
export class UserColumns {
  readonly #catalog: Catalog
  readonly #columns = new Map<string, { readonly name: string; readonly value: Node }>()

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  get all(): readonly { readonly name: string; readonly value: Node }[] {
    return [...this.#columns.values()]
  }

  /** The tree with the largest parts that depend on the user alone replaced by columns. */
  hoist<T>(tree: T): T {
    return mapTree(tree, (node) => {
      if ('RangeFunction' in node) return this.#ofFunction(node)
      if (!values.has(kindOf(node)) || this.#returnsRows(node)) return undefined
      const free = freeIn(node)
      return free.size === 1 && free.has(userAlias) ? this.column(node) : undefined
    })
  }

  column(value: Node): Node {
    const key = JSON.stringify(value)
    const known = this.#columns.get(key) ?? { name: `c${this.#columns.size}`, value }
    this.#columns.set(key, known)
    return column(userAlias, known.name)
  }

  /** A function in FROM stays there; its arguments may be the user's. */
  #ofFunction(node: Node): Node {
    const fields = fieldsOf(node) ?? {}
    const [list] = children(fields, 'functions')
    const [call] = children(fieldsOf(list, 'List'), 'items')
    const called = fieldsOf(call, 'FuncCall') ?? {}
    const item: Fields = { ...called, args: this.hoist(children(called, 'args')) }
    return { RangeFunction: { ...fields, functions: [{ List: { items: [{ FuncCall: item }, {}] } }] } }
  }

  #returnsRows(node: Node): boolean {
    const call = fieldsOf(node, 'FuncCall')
    if (call === undefined) return false
    const path = names(call, 'funcname')
    const name = path.at(-1) ?? ''
    if (bare(call, 'over') !== undefined || call.agg_star === true) return true
    if (path.length > 1 && path[0] !== 'pg_catalog') {
      return (this.#catalog.functions.get(path.join('.')) ?? []).some(
        ({ kind, returnsSet }) => kind !== 'f' || returnsSet,
      )
    }
    return this.#catalog.builtin.get(name)?.aggregate !== false || this.#catalog.builtin.get(name)?.returnsSet === true
  }
}
