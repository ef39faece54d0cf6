import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { HarnessError, messageOf } from '../../errors.ts'
import type { EdgeFunction } from './discover.ts'
import { type ImportMap, makeImportMap, type OwnImports } from './import-map.ts'
import { sourcesOf } from './sources.ts'

const runtimeFolder = new URL('./runtime/', import.meta.url)
export const runtimeModule = (name: 'guard' | 'serve' | 'empty'): string => new URL(`${name}.js`, runtimeFolder).href

/** What Deno is told of a function's project. */
export type Project = {
  readonly importMap: ImportMap
  /** `compilerOptions` and `unstable` of its deno.json. */
  readonly settings: Readonly<Record<string, unknown>>
}

type DenoJson = {
  readonly imports?: unknown
  readonly scopes?: unknown
  readonly importMap?: unknown
  readonly workspace?: unknown
  readonly compilerOptions?: unknown
  readonly unstable?: unknown
}

/**
 * The project that a function stands in. Its own import map is, as for the Supabase CLI, the first of: the one named in
 * config.toml, the function's deno.json, deno.jsonc, import_map.json, the folder's deno.json, deno.jsonc, import_map.json;
 * that of a workspace with this member, and the dependencies of its package.json, add what it does not name.
 * Throws `function.unloadable` for one that is not JSON.
 */
export async function projectOf(edgeFunction: EdgeFunction, root: string): Promise<Project> {
  const { name, entry } = edgeFunction
  const folder = dirname(entry)
  const near = ['deno.json', 'deno.jsonc', 'import_map.json']
  const own = await firstOf(name, [
    ...(edgeFunction.importMap === undefined ? [] : [edgeFunction.importMap]),
    ...near.map((file) => join(folder, file)),
    ...near.map((file) => join(root, file)),
  ])
  if (own === undefined && edgeFunction.importMap !== undefined) {
    throw unloadable(name, `its import map ${relative(dirname(root), edgeFunction.importMap)} does not exist`)
  }
  const workspace = await workspaceOf(name, folder, root)
  const maps: OwnImports[] = []
  for (const config of [own, workspace]) {
    if (config === undefined) continue
    const named = config.json.importMap
    const other = typeof named === 'string' ? await firstOf(name, [join(dirname(config.path), named)]) : undefined
    maps.push(importsIn(config), ...(other === undefined ? [] : [importsIn(other)]))
  }
  maps.push({ imports: await packagesOf(name, folder), base: join(folder, 'package.json') })
  const substitutes = { serve: runtimeModule('serve'), empty: runtimeModule('empty') }
  const known = makeImportMap([], maps, substitutes)
  const sources = await sourcesOf(name, entry, known.imports)
  const { compilerOptions = workspace?.json.compilerOptions, unstable = workspace?.json.unstable } = own?.json ?? {}
  return {
    importMap: makeImportMap(
      sources.flatMap(({ specifiers }) => specifiers),
      maps,
      substitutes,
    ),
    settings: { ...(compilerOptions === undefined ? {} : { compilerOptions }), ...(unstable ? { unstable } : {}) },
  }
}

type Found = { readonly path: string; readonly json: DenoJson }

async function firstOf(name: string, paths: readonly string[]): Promise<Found | undefined> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text !== undefined) return { path, json: parsed(name, path, text) }
  }
  return undefined
}

/** The deno.json, at most three folders above, that counts this folder among its workspace's. */
async function workspaceOf(name: string, folder: string, root: string): Promise<Found | undefined> {
  for (const above of [root, dirname(root), dirname(dirname(root))]) {
    const found = await firstOf(name, [join(above, 'deno.json'), join(above, 'deno.jsonc')]).catch(() => undefined)
    const members = found?.json.workspace
    if (found === undefined || !Array.isArray(members)) continue
    const way = `./${relative(above, folder)}`
    const isMember = members.some(
      (member) => typeof member === 'string' && (join('.', member) === join(way) || `${dirname(way)}/*` === member),
    )
    if (isMember) return found
  }
  return undefined
}

async function packagesOf(name: string, folder: string): Promise<Record<string, string>> {
  const found = await firstOf(name, [join(folder, 'package.json')])
  const dependencies = found === undefined ? {} : stringsIn((found.json as { dependencies?: unknown }).dependencies)
  return Object.fromEntries(
    Object.entries(dependencies)
      .filter(([, range]) => /^[\^~>=<\d]/.test(range))
      .map(([dependency, range]) => [dependency, `npm:${dependency}@${range}`]),
  )
}

function importsIn({ path, json }: Found): OwnImports {
  const scopes = typeof json.scopes === 'object' && json.scopes !== null ? Object.entries(json.scopes) : []
  return {
    imports: stringsIn(json.imports),
    scopes: Object.fromEntries(scopes.map(([scope, imports]) => [scope, stringsIn(imports)])),
    base: path,
  }
}

function stringsIn(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

function parsed(name: string, path: string, text: string): DenoJson {
  try {
    const json: unknown = JSON.parse(withoutComments(text))
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json
  } catch (cause) {
    throw unloadable(name, `${path} is not valid JSON (${messageOf(cause).replace(/,? ?"[\s\S]*/, '')})`, cause)
  }
  throw unloadable(name, `${path} must hold an object`)
}

function unloadable(name: string, reason: string, cause?: unknown): HarnessError {
  return new HarnessError('function.unloadable', `The edge function ${name} cannot be loaded: ${reason}.`, {
    facts: { function: name },
    cause,
  })
}

/** JSON with comments and trailing commas, as Deno reads it; strings are left alone. */
function withoutComments(text: string): string {
  return text
    .replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string: string | undefined) => string ?? '')
    .replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_, string: string | undefined) => string ?? '')
}
