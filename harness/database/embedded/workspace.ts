import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chown, mkdir, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HarnessError } from '../../errors.ts'
import { identify, isRunning, type ProcessIdentity } from '../process-identity.ts'
import { neededBytes } from '../room.ts'
import type { ServerUser } from './server-user.ts'

const prefix = 'greenlight-'
const lockName = 'owner.json'
const removal = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }
/** A folder without a lock is either being made right now or was cut off while being made. */
const unlockedGraceMs = 60_000

/** Who made a workspace; `kept` outlives its maker until somebody removes it. */
type Owner = { readonly owner: ProcessIdentity; readonly kept: boolean }

/** A folder of this run's own, 0700, that goes away with it. Inside: `data` (the cluster), `log`, `owner.json`. */
export type Workspace = {
  readonly path: string
  readonly data: string
  readonly log: string
  /** Leaves it where it is when its maker ends, until somebody removes it. */
  keep(): Promise<void>
  remove(): Promise<void>
  /** For the last moment of a process, when nothing can be awaited any more. */
  removeNow(): void
}

/** Folder in memory, where Linux has one: a clone of a small database takes 0.1 s there and more than 1 s on a disk. */
const memoryFolder = '/dev/shm'

/**
 * Where a cluster for databases of `databaseBytes` goes: in memory when there is ample room for it, else in the temp
 * folder; always in TMPDIR when that is set.
 */
export async function workspaceRoot(databaseBytes: number | undefined): Promise<string> {
  if (process.platform !== 'linux' || process.env.TMPDIR) return tmpdir()
  const needed = neededBytes(databaseBytes)
  const room = await statfs(memoryFolder).catch(() => undefined)
  const fits = room !== undefined && room.bavail * room.bsize >= needed && process.availableMemory() >= 2 * needed
  return fits ? memoryFolder : tmpdir()
}

/** Makes a workspace in `root`, owned by `user` where the server runs as another. */
export async function makeWorkspace(root: string, user: ServerUser | undefined): Promise<Workspace> {
  const path = join(root, `${prefix}${process.pid}-${randomBytes(4).toString('hex')}`)
  const lock = async (kept: boolean) => {
    const owner = identify(process.pid)
    if (owner === undefined) throw new Error(`process ${process.pid} cannot be identified`)
    const held: Owner = { owner, kept }
    await writeFile(join(path, lockName), JSON.stringify(held), { mode: 0o600 })
  }
  try {
    await mkdir(path, { mode: 0o700 })
    await lock(false)
    if (user !== undefined) await chown(path, user.uid, user.gid)
  } catch (cause) {
    rmSync(path, { recursive: true, force: true })
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC') {
      throw new HarnessError(
        'engine.disk-full',
        `The disk is full: no room for a database in ${root}. Free some, or set TMPDIR to another disk.`,
        { cause },
      )
    }
    throw new HarnessError(
      'engine.start-failed',
      `No folder for the database could be made in ${root}: ${cause instanceof Error ? cause.message : cause}.`,
      { cause },
    )
  }
  return {
    path,
    data: join(path, 'data'),
    log: join(path, 'log'),
    keep: () => lock(true),
    // The lock goes last: a removal that is cut off is finished by the next start.
    async remove() {
      await rm(join(path, 'data'), removal)
      await rm(path, removal)
    },
    removeNow() {
      rmSync(join(path, 'data'), removal)
      rmSync(path, removal)
    },
  }
}

/** Ends the servers and removes the folders of runs that were killed (`kill -9`, power). Returns how many. */
export async function sweepAbandoned(): Promise<number> {
  let swept = 0
  for (const root of new Set([tmpdir(), memoryFolder])) {
    for (const name of await readdir(root).catch(() => [])) {
      const path = join(root, name)
      if (!name.startsWith(prefix) || !(await isAbandoned(path))) continue
      await endServerOf(join(path, 'data'))
      await rm(join(path, 'data'), removal)
      await rm(path, removal)
      swept += 1
    }
  }
  return swept
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const info = await stat(path)
    if (!info.isDirectory()) return false
    const lock = await readFile(join(path, lockName), 'utf8').catch(() => undefined)
    if (lock === undefined) {
      // Only what a workspace can hold half-made; a stranger's folder with our prefix is left alone.
      const entries = await readdir(path)
      return entries.length === 0 && Date.now() - info.mtimeMs > unlockedGraceMs
    }
    const { owner, kept }: Owner = JSON.parse(lock)
    return !kept && !isRunning(owner)
  } catch {
    // Gone meanwhile, or another user's: not ours to remove.
    return false
  }
}

/** Kills the postmaster named in `postmaster.pid` when it really serves this data folder. */
async function endServerOf(data: string): Promise<void> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 1 || lines[1] !== data) return
  const server = identify(pid)
  if (server === undefined || !(await servesFolder(pid, data))) return
  process.kill(pid, 'SIGQUIT')
  const deadline = Date.now() + 10_000
  while (isRunning(server) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function servesFolder(pid: number, data: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined)
  return command === undefined || command.split('\0').includes(data)
}
