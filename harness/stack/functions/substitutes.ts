/** Modules of this folder's `runtime/` that stand for remote ones. */
export type Substitutes = { readonly serve: string; readonly empty: string }

/** Modules of deno.land/x and jsr.io that are on npm under this name, with the same versions. */
const npmNames: Readonly<Record<string, string>> = {
  zod: 'zod',
  hono: 'hono',
  nanoid: 'nanoid',
  'date-fns': 'date-fns',
  kysely: 'kysely',
  postgresjs: 'postgres',
  jose: 'jose',
}
const jsrNames: Readonly<Record<string, string>> = {
  '@zod/zod': 'zod',
  '@hono/hono': 'hono',
  '@panva/jose': 'jose',
  '@valibot/valibot': 'valibot',
  '@kysely/kysely': 'kysely',
}

/**
 * The npm package (or module of our own) that stands for a specifier which only the open internet can serve;
 * `undefined` where none is known, and for everything that needs none.
 */
export function substituteFor(specifier: string, substitutes: Substitutes): string | undefined {
  if (specifier.startsWith('jsr:')) return jsrSubstitute(specifier, substitutes)
  if (!/^https?:/.test(specifier) || !URL.canParse(specifier)) return undefined
  const { host, pathname } = new URL(specifier)
  if (host === 'deno.land') return denoLand(pathname, substitutes)
  if (host === 'jsr.io' || (host === 'esm.sh' && pathname.startsWith('/jsr/'))) {
    const jsr = /^\/(?:jsr\/)?(@[^/]+\/[^/@]+)(?:@([^/]+)|\/([0-9][^/]*))?/.exec(pathname)
    return jsr === null
      ? undefined
      : jsrSubstitute(`jsr:${jsr[1]}${(jsr[2] ?? jsr[3]) ? `@${jsr[2] ?? jsr[3]}` : ''}`, substitutes)
  }
  if (['esm.sh', 'cdn.esm.sh', 'esm.run', 'cdn.skypack.dev', 'unpkg.com'].includes(host)) return npmSpecifier(pathname)
  if (host === 'cdn.jsdelivr.net' && pathname.startsWith('/npm/'))
    return npmSpecifier(pathname.slice(4).replace(/\/\+esm$/, ''))
  return undefined
}

function jsrSubstitute(specifier: string, substitutes: Substitutes): string | undefined {
  const match = /^jsr:\/?(@[^/]+\/[^/@]+)(@[^/]+)?(\/.*)?$/.exec(specifier)
  if (match === null) return undefined
  const [, name = '', version = '', path = ''] = match
  if (name === '@supabase/functions-js' && (path === '' || path.endsWith('.d.ts'))) return substitutes.empty
  if (name.startsWith('@supabase/')) return `npm:${name}${version}${path}`
  const npm = jsrNames[name]
  return npm === undefined ? undefined : `npm:${npm}${version}${path}`
}

function npmSpecifier(pathname: string): string | undefined {
  const path = pathname
    .replace(/^\/(?:v\d+\/|stable\/|pin\/)?(?:npm:)?\*?/, '')
    .replace(/\/(?:es\d+|denonext|deno)\/.*$/, '')
  const match = /^((?:@[^/@]+\/)?[^/@]+)(@[^/]+)?(\/.+)?$/.exec(path)
  // A commit of a repository (esm.sh/gh/…) is on npm under no name that is known.
  if (match === null || /^(gh|pr|jsr)$/.test(match[1] ?? '')) return undefined
  // esm.sh takes what the package must use after an ampersand: @2.39.3&deps=…
  return `npm:${match[1]}${(match[2] ?? '').replace(/&.*$/, '')}${match[3] ?? ''}`
}

function denoLand(pathname: string, substitutes: Substitutes): string | undefined {
  if (/^\/std(@[^/]+)?\/http\/server\.ts$/.test(pathname)) return substitutes.serve
  // The variables that it would read from a file are given to the function anyway.
  if (/^\/std(@[^/]+)?\/dotenv\/load\.ts$/.test(pathname)) return substitutes.empty
  const [, name = '', version, file = ''] = /^\/x\/([^/@]+)(?:@v?([^/]+))?(\/.*)?$/.exec(pathname) ?? []
  if (name === 'xhr') return substitutes.empty
  const npm = npmNames[name]
  if (npm === undefined || !/^(\/(mod|index)\.ts)?$/.test(file)) return undefined
  return `npm:${npm}${version === undefined ? '' : `@${version}`}`
}
