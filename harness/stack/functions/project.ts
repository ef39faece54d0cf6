import { readdir, readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { HarnessError, messageOf } from '../../errors.ts'
import type { EdgeFunction } from './discover.ts'
import { type ImportMap, makeImportMap } from './import-map.ts'

const sourceExtensions = new Set(['.ts', '.tsx', '.js', '.jsx', '.mjs', '.mts'])

const runtimeFolder = new URL('./runtime/', import.meta.url)
export const runtimeModule = (name: 'guard' | 'serve' | 'empty'): string => new URL(`${name}.js`, runtimeFolder).href

/** Every source below the functions folder; packages installed there are none of them. */
export async function readSources(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true })
  const files = entries
    .filter((entry) => entry.isFile() && sourceExtensions.has(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/node_modules/'))
    .sort()
  return Promise.all(files.map((path) => readFile(path, 'utf8')))
}

/**
 * The import map that a function runs with. Its own is, as for the Supabase CLI, the first of: the one named in
 * config.toml, the function's deno.json, deno.jsonc, import_map.json, the folder's deno.json, import_map.json.
 * Throws `function.unloadable` for one that is not JSON.
 */
export async function importMapOf(
  edgeFunction: EdgeFunction,
  root: string,
  sources: readonly string[],
): Promise<ImportMap> {
  const folder = dirname(edgeFunction.entry)
  const candidates = [
    ...(edgeFunction.importMap === undefined ? [] : [edgeFunction.importMap]),
    ...['deno.json', 'deno.jsonc', 'import_map.json'].map((name) => join(folder, name)),
    ...['deno.json', 'import_map.json'].map((name) => join(root, name)),
  ]
  const substitutes = { serve: runtimeModule('serve'), empty: runtimeModule('empty') }
  for (const path of candidates) {
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    return makeImportMap(sources, { imports: readImports(text, path, edgeFunction.name), base: path }, substitutes)
  }
  return makeImportMap(sources, { imports: {}, base: edgeFunction.entry }, substitutes)
}

function readImports(text: string, path: string, name: string): Record<string, string> {
  try {
    const parsed: { imports?: Record<string, unknown> } = JSON.parse(withoutComments(text))
    return Object.fromEntries(Object.entries(parsed.imports ?? {}).map(([key, value]) => [key, String(value)]))
  } catch (cause) {
    throw new HarnessError(
      'function.unloadable',
      `The edge function ${name} cannot be loaded: ${path} is not valid JSON (${messageOf(cause)}).`,
      {
        facts: { function: name },
        cause,
      },
    )
  }
}

/** JSON with comments and trailing commas, as Deno reads it; strings are left alone. */
function withoutComments(text: string): string {
  return text
    .replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string: string | undefined) => string ?? '')
    .replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_, string: string | undefined) => string ?? '')
}
