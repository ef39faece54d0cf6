import { constants } from 'node:fs'
import { copyFile, type FileHandle, open, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { workspaceRoot } from '../../database/embedded/workspace.ts'
import { HarnessError } from '../../errors.ts'
import type { PrivateFolder } from './private-folder.ts'

/** Left free, for everybody else on the machine. */
const reserveBytes = 64 << 20
/** How often the free space is looked at. */
const checkBytes = 16 << 20

export type SpoolSource = {
  /** For messages. */
  readonly name: string
  /** How large the dump is by what is known of it so far, as given: its database will be by that. */
  givenBytes(): number
}

/**
 * A private file (0600) that is written only while there is room: in memory as long as that has ample room left for the
 * database, too, then on the disk, with what is there already.
 */
export class SpoolFile implements AsyncDisposable {
  readonly #folder: PrivateFolder
  readonly #source: SpoolSource
  readonly #name = `dump-${spooled++}`
  #root: string
  #path = ''
  #file: FileHandle | undefined
  #bytes = 0
  #unchecked = 0

  private constructor(folder: PrivateFolder, source: SpoolSource, root: string) {
    this.#folder = folder
    this.#source = source
    this.#root = root
  }

  static async create(folder: PrivateFolder, source: SpoolSource): Promise<SpoolFile> {
    const made = new SpoolFile(folder, source, await workspaceRoot(source.givenBytes()))
    await made.#open(made.#root, source.givenBytes(), async (path) => open(path, 'wx', 0o600))
    return made
  }

  /** May be another one after a `write`. */
  get path(): string {
    return this.#path
  }

  async write(piece: Buffer): Promise<void> {
    this.#unchecked += piece.length
    if (this.#unchecked >= checkBytes) {
      await this.#look()
      this.#unchecked = 0
    }
    try {
      await this.#file?.appendFile(piece)
      this.#bytes += piece.length
    } catch (cause) {
      throw (cause as NodeJS.ErrnoException).code === 'ENOSPC' ? this.#full(this.#root, cause) : cause
    }
  }

  async #look(): Promise<void> {
    const disk = tmpdir()
    if (this.#root === disk || (await workspaceRoot(this.#source.givenBytes())) === this.#root) {
      return this.#require(this.#root, 0)
    }
    const [path, bytes] = [this.#path, this.#bytes]
    await this.#file?.close()
    await this.#open(disk, bytes, async (moved) => {
      await copyFile(path, moved, constants.COPYFILE_EXCL)
      return open(moved, 'a')
    })
    await rm(path)
  }

  async #open(root: string, bytes: number, opened: (path: string) => Promise<FileHandle>): Promise<void> {
    const path = join(await this.#folder.path(root), this.#name)
    await this.#require(root, bytes)
    try {
      this.#file = await opened(path)
    } catch (cause) {
      throw (cause as NodeJS.ErrnoException).code === 'ENOSPC' ? this.#full(root, cause) : cause
    }
    this.#root = root
    this.#path = path
  }

  async #require(root: string, bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(root)
    if (bavail * bsize < bytes + reserveBytes) throw this.#full(root)
  }

  #full(root: string, cause?: unknown): HarnessError {
    const { name } = this.#source
    return new HarnessError(
      'engine.disk-full',
      `The disk is full: ${name} does not fit unpacked into ${root}. Free some space, or point TMPDIR to a larger disk.`,
      { facts: { path: name }, cause },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
  }
}

let spooled = 0
