import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { HarnessError } from '../../errors.ts'

/** Path of the Deno program that npm installed. Throws `engine.unavailable` where there is none. */
export function denoBinary(): string {
  const name = process.platform === 'win32' ? 'deno.exe' : 'deno'
  const resolver = createRequire(import.meta.url)
  const folders = ['deno/package.json', `@deno/${denoTarget()}/package.json`]
  for (const manifest of folders) {
    try {
      // The platform's package is a dependency of deno, so that is where it is resolved from.
      const from = manifest.startsWith('@') ? createRequire(resolver.resolve('deno/package.json')) : resolver
      const path = join(dirname(from.resolve(manifest)), name)
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // The next place; the package copies the program beside its script only when install scripts may run.
    }
  }
  throw new HarnessError(
    'engine.unavailable',
    `Edge functions cannot run here: npm has no Deno for ${process.platform}-${process.arch} (package @deno/${denoTarget()}). Run npm install without --omit=optional.`,
    { facts: { package: `@deno/${denoTarget()}` } },
  )
}

function denoTarget(): string {
  const { platform, arch } = process
  return platform === 'linux' ? `linux-${arch}-glibc` : `${platform}-${arch}`
}

/** Deno's cache of packages, kept between runs in the user's cache folder. */
export function denoFolder(): string {
  const home = homedir()
  const root =
    process.env.GREENLIGHT_CACHE ||
    (process.getuid?.() === 0
      ? '/var/cache/supabase-greenlight'
      : join(process.env.XDG_CACHE_HOME || (home ? join(home, '.cache') : tmpdir()), 'supabase-greenlight'))
  return join(root, 'deno')
}
