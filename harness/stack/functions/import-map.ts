import { pathToFileURL } from 'node:url'

/** What a specifier of the open internet is replaced by. */
export type Mapping = { readonly from: string; readonly to: string }

export type ImportMap = {
  readonly imports: Readonly<Record<string, string>>
  /** Specifiers that were replaced, sorted. */
  readonly mappings: readonly Mapping[]
}

/** Modules of this folder's `runtime/` that stand for remote ones. */
export type Substitutes = { readonly serve: string; readonly empty: string }

const npmNames: Readonly<Record<string, string>> = { zod: 'zod', hono: 'hono' }

/**
 * The npm package (or module of our own) that stands for a specifier which only the open internet can serve;
 * `undefined` where none is known, and for everything that needs none.
 */
export function substituteFor(specifier: string, substitutes: Substitutes): string | undefined {
  if (/^jsr:@supabase\/functions-js\b.*\.d\.ts$/.test(specifier)) return substitutes.empty
  if (/^jsr:@supabase\//.test(specifier)) return specifier.replace('jsr:', 'npm:')
  const jsr = /^jsr:@(zod|hono)\/\1(@[^/]+)?(\/.*)?$/.exec(specifier)
  if (jsr !== null) return `npm:${jsr[1]}${jsr[2] ?? ''}${jsr[3] ?? ''}`
  if (!/^https?:/.test(specifier)) return undefined
  const { host, pathname } = new URL(specifier)
  if (host === 'deno.land') return denoLand(pathname, substitutes)
  if (host === 'esm.sh' || host === 'cdn.skypack.dev' || host === 'unpkg.com') return npmSpecifier(pathname)
  if (host === 'cdn.jsdelivr.net' && pathname.startsWith('/npm/'))
    return npmSpecifier(pathname.slice(4).replace(/\/\+esm$/, ''))
  return undefined
}

function npmSpecifier(pathname: string): string | undefined {
  const path = pathname.replace(/^\/(?:v\d+\/|stable\/)?(?:npm:)?\*?/, '')
  const match = /^((?:@[^/@]+\/)?[^/@]+)(@[^/]+)?(\/.+)?$/.exec(path)
  return match === null ? undefined : `npm:${match[1]}${match[2] ?? ''}${match[3] ?? ''}`
}

function denoLand(pathname: string, substitutes: Substitutes): string | undefined {
  if (/^\/std(@[^/]+)?\/http\/server\.ts$/.test(pathname)) return substitutes.serve
  const [, name = '', version, file = ''] = /^\/x\/([^/@]+)(?:@v?([^/]+))?(\/.*)?$/.exec(pathname) ?? []
  if (name === 'xhr') return substitutes.empty
  const npm = npmNames[name]
  if (npm === undefined || !/^(\/(mod|index)\.ts)?$/.test(file)) return undefined
  return `npm:${npm}${version === undefined ? '' : `@${version}`}`
}

/** Every specifier that a source imports, exports from or loads with a literal `import()`. */
export function specifiersOf(source: string): string[] {
  const pattern = /(?:\bfrom|\bimport)\s*\(?\s*(?:"([^"\n]+)"|'([^'\n]+)')/g
  return [...source.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? '')
}

/**
 * One import map for a function: its own one (relative addresses made absolute against `base`, the file it stands in),
 * with everything replaced that has a substitute, and the same for what its sources import directly.
 */
export function makeImportMap(
  sources: readonly string[],
  own: { readonly imports: Readonly<Record<string, string>>; readonly base: string },
  substitutes: Substitutes,
): ImportMap {
  const imports: Record<string, string> = {}
  const mappings = new Map<string, string>()
  const replace = (specifier: string): string => {
    const substitute = substituteFor(specifier, substitutes)
    if (substitute !== undefined) mappings.set(specifier, substitute)
    return substitute ?? specifier
  }
  for (const [name, address] of Object.entries(own.imports)) {
    imports[name] = /^\.{0,2}\//.test(address) ? new URL(address, pathToFileURL(own.base)).href : replace(address)
    // Deno lets a bare npm or jsr entry stand for its subpaths, an import map does not.
    if (/^(npm|jsr):/.test(address) && !name.endsWith('/') && imports[`${name}/`] === undefined) {
      imports[`${name}/`] = `${imports[name]?.replace(/^npm:\/?/, 'npm:/')}/`
    }
  }
  for (const specifier of new Set(sources.flatMap(specifiersOf))) {
    if (imports[specifier] !== undefined) continue
    const replaced = replace(specifier)
    if (replaced !== specifier) imports[specifier] = replaced
  }
  const sorted = [...mappings].map(([from, to]) => ({ from, to })).sort((a, b) => (a.from < b.from ? -1 : 1))
  return { imports, mappings: sorted }
}
