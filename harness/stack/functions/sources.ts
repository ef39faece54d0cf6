import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { HarnessError } from '../../errors.ts'
import type { Imports } from './import-map.ts'

export type Source = { readonly path: string; readonly specifiers: readonly string[] }

/** The platform takes functions of up to 20 MB. */
const largestBytes = 20 * 1024 * 1024

/**
 * The modules of a project that a function loads: its entry, and what follows from it by path or by a name of its import
 * map. Names that lead to no file are left to Deno to complain about. Throws `function.unloadable` for a huge one.
 */
export async function sourcesOf(name: string, entry: string, imports: Imports): Promise<Source[]> {
  const found = new Map<string, Source>()
  const waiting = [entry]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path) || path.includes('/node_modules/')) continue
    const facts = await stat(path).catch(() => undefined)
    if (!facts?.isFile()) continue
    if (facts.size > largestBytes) {
      throw new HarnessError(
        'function.unloadable',
        `The edge function ${name} does not load: ${path} has ${Math.round(facts.size / 1e6)} MB, and the platform takes 20 MB. Read such data from Storage or the database.`,
        { facts: { function: name } },
      )
    }
    const specifiers = specifiersOf(await readFile(path, 'utf8'))
    found.set(path, { path, specifiers })
    waiting.push(...specifiers.flatMap((specifier) => fileOf(specifier, path, imports)))
  }
  return [...found.values()]
}

/** Every specifier that a source imports, exports from or loads with a literal `import()`. */
export function specifiersOf(source: string): string[] {
  const pattern = /(?:\bfrom|\bimport)\s*\(?\s*(?:"([^"\n]+)"|'([^'\n]+)'|`([^`$\n]+)`)/g
  return [...source.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

function fileOf(specifier: string, from: string, imports: Imports): string[] {
  const direct = /^\.{0,2}\//.test(specifier) ? pathToFileURL(resolve(dirname(from), specifier)).href : specifier
  const prefix = Object.keys(imports)
    .filter((key) => key.endsWith('/') && direct.startsWith(key))
    .sort((a, b) => b.length - a.length)[0]
  const mapped = imports[direct] ?? (prefix === undefined ? direct : `${imports[prefix]}${direct.slice(prefix.length)}`)
  return mapped.startsWith('file:') ? [fileURLToPath(mapped)] : []
}
