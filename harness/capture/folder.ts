import { chmod, lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { HarnessError, messageOf } from '../errors.ts'

/** A folder that is there whole under its name, or not at all: it grows under another one beside it. */
export interface GrowingFolder extends AsyncDisposable {
  readonly path: string
  /** Gives it its name. Files are its owner's alone. */
  finish(): Promise<void>
}

/** Throws `usage.invalid` where there is something already, or nothing can be made. Disposing of it removes what is not finished. */
export async function growFolder(out: string): Promise<GrowingFolder> {
  const present = await lstat(out).catch(() => undefined)
  const isEmpty = present?.isDirectory() && (await readdir(out)).length === 0
  if (present !== undefined && !isEmpty) {
    throw new HarnessError(
      'usage.invalid',
      `${out} is there already, and nothing is written over. Name another folder with --out.`,
    )
  }
  const parent = dirname(out)
  await removeLeftOver(parent, basename(out))
  const path = join(parent, `${basename(out)}.partial-${process.pid}`)
  await mkdir(path, { mode: 0o700 }).catch((cause) => {
    throw new HarnessError('usage.invalid', `${out} cannot be made: ${messageOf(cause)}.`, { cause })
  })
  let finished = false
  return {
    path,
    async finish() {
      for (const name of await readdir(path)) await chmod(join(path, name), 0o600)
      await chmod(path, 0o700)
      if (isEmpty) await rmdir(out)
      await rename(path, out)
      finished = true
    },
    async [Symbol.asyncDispose]() {
      if (!finished) await rm(path, { recursive: true, force: true })
    },
  }
}

/** What a capture into the same folder left that was ended before it could remove it. */
async function removeLeftOver(parent: string, name: string): Promise<void> {
  const entries = await readdir(parent).catch(() => [])
  for (const entry of entries) {
    const pid = entry.startsWith(`${name}.partial-`) ? Number(entry.slice(name.length + 9)) : Number.NaN
    if (Number.isInteger(pid) && !isAlive(pid)) await rm(join(parent, entry), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
