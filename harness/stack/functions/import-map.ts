import { pathToFileURL } from 'node:url'
import { type Substitutes, substituteFor } from './substitutes.ts'

/** What a specifier of the open internet is replaced by. */
export type Mapping = { readonly from: string; readonly to: string }

export type Imports = Readonly<Record<string, string>>

/** A project's own import map; `base` is the file it stands in, against which its addresses are meant. */
export type OwnImports = {
  readonly imports: Imports
  readonly scopes?: Readonly<Record<string, Imports>>
  readonly base: string
}

export type ImportMap = {
  readonly imports: Imports
  readonly scopes: Readonly<Record<string, Imports>>
  /** Specifiers that were replaced, sorted. */
  readonly mappings: readonly Mapping[]
}

/**
 * One import map for a function: its own ones, the nearest first, with everything replaced that has a substitute, and the
 * same for what its sources import directly.
 */
export function makeImportMap(
  specifiers: readonly string[],
  own: readonly OwnImports[],
  substitutes: Substitutes,
): ImportMap {
  const imports: Record<string, string> = {}
  const scopes: Record<string, Record<string, string>> = {}
  const mappings = new Map<string, string>()
  const replace = (specifier: string): string => {
    const substitute = substituteFor(specifier, substitutes)
    if (substitute !== undefined) mappings.set(specifier, substitute)
    return substitute ?? specifier
  }
  const copy = (entries: Imports, base: string, into: Record<string, string>) => {
    for (const [name, address] of Object.entries(entries)) {
      const key = keyOf(name, base)
      if (into[key] !== undefined) continue
      into[key] = isRelative(address) ? new URL(address, pathToFileURL(base)).href : replace(address)
      // Deno lets a bare npm or jsr entry stand for its subpaths, an import map does not.
      if (/^(npm|jsr):/.test(address) && !name.endsWith('/') && into[`${key}/`] === undefined) {
        into[`${key}/`] = `${into[key].replace(/^(npm|jsr):\/?/, '$1:/')}/`
      }
    }
  }
  for (const { imports: entries, scopes: scoped = {}, base } of own) {
    copy(entries, base, imports)
    for (const [scope, inner] of Object.entries(scoped)) {
      const target: Record<string, string> = scopes[keyOf(scope, base)] ?? {}
      scopes[keyOf(scope, base)] = target
      copy(inner, base, target)
    }
  }
  for (const specifier of new Set(specifiers)) {
    if (imports[specifier] !== undefined) continue
    const replaced = replace(specifier)
    if (replaced !== specifier) imports[specifier] = replaced
  }
  const sorted = [...mappings].map(([from, to]) => ({ from, to })).sort((a, b) => (a.from < b.from ? -1 : 1))
  return { imports, scopes, mappings: sorted }
}

const isRelative = (address: string) => /^\.{0,2}\//.test(address)

function keyOf(name: string, base: string): string {
  return isRelative(name) ? new URL(name, pathToFileURL(base)).href : name
}
