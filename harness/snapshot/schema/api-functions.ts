import type { Finding } from '../../model/finding.ts'
import type { ApiFacts, ApiFunction, ApiRole } from './api-facts.ts'
import { jsonOf, narrowed } from './api-types.ts'

/** Calls that worked before and fail, or answer in another shape, after; and functions that are new. Pure. */
export function functionFindings(before: ApiFacts, after: ApiFacts): readonly Finding[] {
  const findings: Finding[] = []
  for (const name of functionNames(before)) {
    const now = after.functions.filter((one) => one.name === name)
    const broken = before.functions
      .filter((one) => one.name === name)
      .flatMap((old) =>
        old.roles.flatMap((role) => {
          const offered = (one: ApiFunction) => one.roles.includes(role)
          const siblings = before.functions.filter((one) => one.name === name && offered(one))
          return whyBroken(old, siblings, now.filter(offered), role)
        }),
      )
    if (broken.length === 0) continue
    findings.push({
      kind: 'feature.api-removed',
      object: name,
      title:
        now.length === 0
          ? `The Data API no longer offers the function ${name}.`
          : `Calls of ${name} that worked before fail after.`,
      evidence: broken,
    })
  }
  const known = new Set(functionNames(before))
  for (const name of functionNames(after).filter((one) => !known.has(one))) {
    const roles = [...new Set(after.functions.filter((one) => one.name === name).flatMap((one) => one.roles))].sort()
    findings.push({
      kind: 'feature.api-added',
      object: name,
      title: `The Data API offers the function ${name} to ${roles.join(' and ')} now.`,
      evidence: after.functions
        .filter((one) => one.name === name)
        .map((one) => `${callOf(one)} returns ${one.returns}`),
    })
  }
  return findings
}

/** A call with all arguments, and one with only those that were required, must still find a function. */
function whyBroken(
  old: ApiFunction,
  siblings: readonly ApiFunction[],
  now: readonly ApiFunction[],
  role: ApiRole,
): readonly string[] {
  const call = `${role}: ${callOf(old)}`
  if (now.length === 0) return [`${call} cannot be called any more.`]
  const all = old.args.map((arg) => arg.name)
  const least = old.args.filter((arg) => !arg.optional).map((arg) => arg.name)
  const takesAll = now.filter((one) => accepts(one, all))
  const takers = takesAll.filter((one) => accepts(one, least))
  if (takesAll.length > 0 && takers.length > 0) {
    const [own] = takers
    const ambiguous = [all, least].some(
      (args) =>
        now.filter((one) => accepts(one, args)).length > 1 && siblings.filter((one) => accepts(one, args)).length <= 1,
    )
    if (ambiguous) {
      return [
        `${call}: more than one function takes it, and the Data API does not choose: ${now.map(callOf).join(' or ')}.`,
      ]
    }
    return own === undefined || takers.length > 1
      ? []
      : [...argumentsNarrowed(old, own, call), ...resultChanged(old, own, call)]
  }
  const names = new Set(now.flatMap((one) => one.args.map((arg) => arg.name)))
  const gone = all.filter((name) => !names.has(name))
  if (gone.length > 0) return [`${call}: argument ${gone.join(', ')} is gone.`]
  return [`${call}: an argument is required that was not: ${now.map(callOf).join(' or ')}.`]
}

function argumentsNarrowed(old: ApiFunction, now: ApiFunction, call: string): readonly string[] {
  return old.args.flatMap((arg, index) => {
    const other = arg.name === '' ? now.args[index] : now.args.find(({ name }) => name === arg.name)
    // An argument that takes anything takes what it took, told as another kind of JSON or not.
    const why = other === undefined || jsonOf(other.type) === 'any' ? undefined : narrowed(arg.type, other.type)
    return why === undefined ? [] : [`${call}: argument ${arg.name || index + 1}: ${why}.`]
  })
}

/** Clients read an array or one value, an object or a text: which of them is what they are written for. */
function resultChanged(old: ApiFunction, now: ApiFunction, call: string): readonly string[] {
  const lost = old.columns.filter((column) => now.columns.length > 0 && !now.columns.includes(column))
  if (lost.length > 0) return [`${call} no longer returns ${lost.join(', ')}.`]
  const [was, is] = [shapeOf(old), shapeOf(now)]
  const nobodyReads = jsonOf(old.result) === 'nothing'
  const unknown = was === 'any' || is === 'any'
  const same =
    was === is ||
    (was === 'integer' && is === 'number') ||
    (unknown && ['object', 'any'].some((one) => one === was || one === is) && was !== 'array' && is !== 'array')
  return same || nobodyReads ? [] : [`${call} answers with ${words[is] ?? is} instead of ${words[was] ?? was}.`]
}

function shapeOf({ set, result, columns }: ApiFunction): string {
  if (set) return 'array'
  return columns.length > 0 ? 'object' : jsonOf(result)
}

const words: Readonly<Record<string, string>> = {
  array: 'an array',
  object: 'one object',
  any: 'a JSON value',
  nothing: 'nothing',
  integer: 'a number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
}

function accepts(target: ApiFunction, names: readonly string[]): boolean {
  // Unnamed arguments are passed as one body: their number is what counts.
  if (target.args.some((arg) => arg.name === '') || names.includes('')) return target.args.length === names.length
  return (
    names.every((name) => target.args.some((arg) => arg.name === name)) &&
    target.args.every((arg) => arg.optional || names.includes(arg.name))
  )
}

const callOf = (one: ApiFunction) =>
  `${one.name}(${one.args.map((arg) => `${arg.name || 'unnamed'}${arg.optional ? '?' : ''}`).join(', ')})`

/** Names of the functions that the API offers, sorted. */
export const functionNames = (facts: ApiFacts) => [...new Set(facts.functions.map((one) => one.name))].sort()
