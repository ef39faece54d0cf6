/** Fields of one node of Postgres' parse tree. */
export type Fields = Readonly<Record<string, unknown>>
/** A node as the parser gives it: one key, which is its kind, over its fields. */
export type Node = Readonly<Record<string, Fields>>

/** Why an expression cannot be asked for all users at once, as the rest of a sentence. */
export class Refusal extends Error {}

export function kindOf(node: Node): string {
  return Object.keys(node)[0] ?? ''
}

export function fieldsOf(node: Node | undefined, kind?: string): Fields | undefined {
  if (node === undefined) return undefined
  return kind === undefined ? Object.values(node)[0] : node[kind]
}

/** A child that is a node. The parser's own types are wider than what is read here. */
export function child(fields: Fields | undefined, name: string): Node | undefined {
  return fields?.[name] as Node | undefined
}

export function children(fields: Fields | undefined, name: string): readonly Node[] {
  return (fields?.[name] as readonly Node[] | undefined) ?? []
}

/** A child whose kind is known and not written down: the arms of a UNION, the name of a type, an alias. */
export function bare(fields: Fields | undefined, name: string): Fields | undefined {
  return fields?.[name] as Fields | undefined
}

/** The strings of a list of String nodes: names of columns, functions, operators. */
export function names(fields: Fields | undefined, name: string): string[] {
  return children(fields, name).map((node) => String(fieldsOf(node, 'String')?.sval ?? '*'))
}

export function isNode(value: unknown): value is Node {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const keys = Object.keys(value)
  return keys.length === 1 && /^[A-Z]/.test(keys[0] ?? '')
}

/** Rebuilds a tree; `change` gives a node's replacement, which is not looked into again, or undefined to go on inside. */
export function mapTree<T>(value: T, change: (node: Node) => Node | undefined): T {
  if (Array.isArray(value)) return value.map((item: unknown) => mapTree(item, change)) as T
  if (typeof value !== 'object' || value === null) return value
  const changed = isNode(value) ? change(value) : undefined
  if (changed !== undefined) return changed as T
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTree(item, change)])) as T
}

/** Every node of a tree, outer ones first. */
export function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return
  if (isNode(value)) yield value
  for (const item of Object.values(value)) yield* nodesOf(item)
}

const string = (sval: string): Node => ({ String: { sval } })

export function column(alias: string, name: string): Node {
  return { ColumnRef: { fields: [string(alias), string(name)] } }
}

export const constants = {
  true: { A_Const: { boolval: { boolval: true } } },
  false: { A_Const: { boolval: {} } },
  null: { A_Const: { isnull: true } },
} as const satisfies Record<string, Node>

export function literal(text: string): Node {
  return { A_Const: { sval: { sval: text } } }
}

/** The boolean that a constant holds, `null` for NULL, undefined for everything else. */
export function constantOf(node: Node): boolean | null | undefined {
  const fields = fieldsOf(withoutCasts(node), 'A_Const')
  if (fields === undefined) return undefined
  if (fields.isnull === true) return null
  const value = bare(fields, 'boolval')
  return value === undefined ? undefined : value.boolval === true
}

export function bool(operator: 'AND_EXPR' | 'OR_EXPR', nodes: readonly Node[]): Node {
  const [only, ...more] = nodes
  if (only === undefined) return operator === 'AND_EXPR' ? constants.true : constants.false
  return more.length === 0 ? only : { BoolExpr: { boolop: operator, args: nodes } }
}

export function not(node: Node): Node {
  return { BoolExpr: { boolop: 'NOT_EXPR', args: [node] } }
}

export function isNull(node: Node, nulltesttype: 'IS_NULL' | 'IS_NOT_NULL'): Node {
  return { NullTest: { arg: node, nulltesttype } }
}

export function equal(left: Node, right: Node): Node {
  return { A_Expr: { kind: 'AEXPR_OP', name: [string('=')], lexpr: left, rexpr: right } }
}

/** `IS NOT TRUE`, in the form that every deparser writes with its parentheses. */
export function isNotTrue(node: Node): Node {
  return not({ CoalesceExpr: { args: [node, constants.false] } })
}

export function withoutCasts(node: Node): Node {
  const inner = child(fieldsOf(node, 'TypeCast'), 'arg')
  return inner === undefined ? node : withoutCasts(inner)
}

type Aliases = { readonly used: ReadonlySet<string>; readonly declared: ReadonlySet<string> }

const noAliases: Aliases = { used: new Set(), declared: new Set() }
/** Trees are never changed, and each part of one is asked for many times. */
const known = new WeakMap<object, Aliases>()

function aliasesIn(value: unknown): Aliases {
  if (typeof value !== 'object' || value === null) return noAliases
  const found = known.get(value)
  if (found !== undefined) return found
  const used = new Set<string>()
  const declared = new Set<string>()
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== 'object' || item === null) continue
    if (key === 'RangeVar' || key === 'RangeSubselect' || key === 'RangeFunction') {
      const alias = bare(item as Fields, 'alias')?.aliasname
      if (typeof alias === 'string') declared.add(alias)
    }
    if (key === 'ColumnRef') {
      const [alias, name] = names(item as Fields, 'fields')
      if (alias !== undefined && name !== undefined) used.add(alias)
      continue
    }
    const inner = aliasesIn(item)
    for (const alias of inner.used) used.add(alias)
    for (const alias of inner.declared) declared.add(alias)
  }
  const aliases = { used, declared }
  known.set(value, aliases)
  return aliases
}

/** Aliases that the FROM lists in a tree declare. Each is declared once: `expand` gives every one a name of its own. */
export function declaredIn(value: unknown): ReadonlySet<string> {
  return aliasesIn(value).declared
}

/** Aliases that a tree refers to and does not declare. */
export function freeIn(value: unknown): ReadonlySet<string> {
  const { used, declared } = aliasesIn(value)
  return declared.size === 0 ? used : used.difference(declared)
}
