import { parseAst } from 'vitest/node'
import { findingKinds } from '../../model/finding.ts'

/** What stands at the place that a proof names. */
export type PlaceOfProof = {
  /** Kinds that it says are found. Those that it only denies (`not`), or filters by, are none. */
  readonly said: readonly string[]
  /** It is no test that is skipped, always or on some machines, and in no group of such. */
  readonly runs: boolean
  readonly asserts: boolean
  /** A twin: what harms and what does not, in one. */
  readonly hasNearMiss: boolean
}

type Node = { readonly type: string; readonly [key: string]: unknown }

/**
 * Finds a test by its title, a row of a table of tests by its first value, or a case by its key or name. Of a row the
 * test that it is given to counts, too. Cases in a file of their own (`isTest` false) are asserted elsewhere. Throws when
 * the name is not there, or there twice.
 */
export function findProof(source: string, name: string, isTest: boolean): PlaceOfProof {
  const paths: Node[][] = []
  walk(parseAst(source, { lang: 'ts' }) as unknown as Node, [], (node, path) => {
    if (textOf(node) === name) paths.push([...path, node])
  })
  const named = paths.flatMap((path) => {
    const place = placeNamed(path)
    return place === undefined ? [] : [{ place, path }]
  })
  const [found] = named
  if (found === undefined) throw new Error(`"${name}" is not there as a test, a row or a case.`)
  if (named.length > 1) throw new Error(`"${name}" is there ${named.length} times.`)
  const { place, path } = found
  const test = path.find(isTestCall)
  const around = place === test ? [place] : [place, ...callbacksOf(test)]
  return {
    said: [...new Set(around.flatMap(kindsSaid))],
    runs: !path.some((node) => /^(test|it|describe)\b.*\.(skip|todo|fails|skipIf|runIf)\b/.test(nameOfCall(node))),
    asserts: !isTest || test === undefined || around.some(hasExpect),
    hasNearMiss: propertiesOf(place).some(
      ({ key, value }) =>
        textOf(key) === 'nearMiss' && (value.elements as readonly unknown[] | undefined)?.length !== 0,
    ),
  }
}

/** What a text that is a name names: the call of a test, the row or object that it is the first of, the value of a key. */
function placeNamed(path: readonly Node[]): Node | undefined {
  const [parent, node] = path.slice(-2)
  if (parent === undefined || node === undefined) return undefined
  if (isTestCall(parent)) return (parent.arguments as readonly Node[])[0] === node ? parent : undefined
  if (parent.type === 'ArrayExpression') return parent
  if (parent.type !== 'Property') return undefined
  if (parent.key === node) return parent.value as Node
  return path.at(-3)
}

function walk(node: Node, path: readonly Node[], visit: (node: Node, path: readonly Node[]) => void): void {
  visit(node, path)
  const below = [...path, node]
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, below, visit)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Node>).type === 'string'
}

function textOf(node: Node): string | undefined {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node.type === 'Identifier') return node.name as string
  if (node.type !== 'TemplateLiteral') return undefined
  const [only, ...more] = node.quasis as readonly { readonly value: { readonly cooked: string } }[]
  return more.length === 0 ? only?.value.cooked : undefined
}

/** `test`, `it.each`, `describe.skip`: names of a call, joined. */
function nameOfCall(node: Node): string {
  const callee = node.callee as Node | undefined
  if (node.type === 'CallExpression' && callee) return nameOfCall(callee)
  if (node.type === 'MemberExpression') return `${nameOfCall(node.object as Node)}.${textOf(node.property as Node)}`
  return node.type === 'Identifier' ? (node.name as string) : ''
}

function isTestCall(node: Node): boolean {
  return node.type === 'CallExpression' && /^(test|it)\b/.test(nameOfCall(node))
}

function callbacksOf(test: Node | undefined): readonly Node[] {
  const given = (test?.arguments ?? []) as readonly Node[]
  return given.filter(({ type }) => type === 'ArrowFunctionExpression' || type === 'FunctionExpression')
}

function propertiesOf({ type, properties }: Node): readonly { readonly key: Node; readonly value: Node }[] {
  return type === 'ObjectExpression' ? (properties as readonly { key: Node; value: Node }[]) : []
}

function kindsSaid(place: Node): readonly string[] {
  const said: string[] = []
  walk(place, [], (node, path) => {
    const text = node.type === 'TemplateElement' ? (node.value as { raw: string }).raw : textOf(node)
    if (text === undefined || node.type === 'Identifier' || path.some(isDenial)) return
    said.push(
      ...findingKinds.filter((kind) => new RegExp(`(?<![\\w.-])${kind.replace('.', '\\.')}(?![\\w.-])`).test(text)),
    )
  })
  return said
}

/** A kind in there is one that must not be found, or that is only picked by. */
function isDenial(node: Node): boolean {
  if (node.type !== 'CallExpression') return false
  return /\.not\./.test(nameOfCall(node)) || /\.(filter|find|some)$/.test(nameOfCall(node))
}

function hasExpect(place: Node): boolean {
  let has = false
  walk(place, [], (node) => {
    has ||= node.type === 'CallExpression' && nameOfCall(node).startsWith('expect')
  })
  return has
}
