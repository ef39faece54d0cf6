import { createReadStream, type Stats } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HarnessError } from '../../errors.ts'
import { type DumpKind, headBytes, isWrapping, kindOf } from './kinds.ts'
import { PrivateFolder } from './private-folder.ts'
import { dumpKindOf, refuseEmpty } from './refuse.ts'
import { type Spooled, spool } from './spool.ts'
import { standardInput } from './standard-input.ts'

/** One of the files (or the folder of a directory archive) that make up a dump, told by its bytes. */
export type DumpInput = {
  /** For messages and reports: the path as given, or `standard input`. */
  readonly name: string
  /** Where its bytes are, unpacked: the same, or a private temp file. */
  readonly path: string
  readonly kind: DumpKind
  /** Hash and size of the bytes as they were given, where these had to be unpacked or came from a stream. */
  readonly given?: { readonly sha256: string; readonly bytes: number }
}

export type OpenInputs = AsyncDisposable & { readonly inputs: readonly DumpInput[] }

/**
 * Finds out what each path is (`-`: standard input; a folder is a directory archive, or each of its files) and unpacks
 * what is packed. Throws `dump.not-found`, `dump.empty`, `dump.truncated`, `dump.corrupt`, `dump.unrecognised`,
 * `dump.not-supported`, `dump.too-large`, `engine.disk-full`, `usage.invalid` and `aborted`.
 */
export async function openInputs(paths: readonly string[], signal: AbortSignal | undefined): Promise<OpenInputs> {
  const folder = new PrivateFolder()
  try {
    const inputs: DumpInput[] = []
    for (const path of paths) {
      if (path === '-') inputs.push(await fromStream(standardInput(signal), 'standard input', folder, signal))
      else inputs.push(...(await fromPath(path, folder, signal)))
    }
    return { inputs, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
  } catch (error) {
    await folder[Symbol.asyncDispose]()
    throw error
  }
}

async function fromStream(
  stream: AsyncIterable<Buffer>,
  name: string,
  folder: PrivateFolder,
  signal: AbortSignal | undefined,
): Promise<DumpInput> {
  const spooled = await spool(stream, name, folder, { signal })
  if (spooled.bytes === 0) throw refuseEmpty(name)
  return spooledInput(name, spooled)
}

async function fromPath(path: string, folder: PrivateFolder, signal: AbortSignal | undefined): Promise<DumpInput[]> {
  const info = await statOf(path)
  if (info.isFile()) return [await fromFile(path, info.size, folder, signal)]
  if (info.isFIFO()) {
    const stream = createReadStream(path, { highWaterMark: 1 << 20 })
    return [await fromStream(stream as AsyncIterable<Buffer>, path, folder, signal)]
  }
  if (!info.isDirectory())
    throw new HarnessError('dump.unrecognised', `${path} is neither a file nor a folder. A stream goes to --dump -.`, {
      facts: { path },
    })
  const toc = await stat(join(path, 'toc.dat')).catch(() => undefined)
  if (toc?.isFile()) return [{ name: path, path, kind: 'directory' }]
  const entries = await readdir(path, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.')).map(({ name }) => name)
  if (files.length === 0) throw refuseFolder(path)
  const inputs: DumpInput[] = []
  for (const file of files.sort()) {
    const inside = join(path, file)
    inputs.push(await fromFile(inside, (await statOf(inside)).size, folder, signal))
  }
  return inputs
}

async function fromFile(
  path: string,
  bytes: number,
  folder: PrivateFolder,
  signal: AbortSignal | undefined,
): Promise<DumpInput> {
  if (bytes === 0) throw refuseEmpty(path)
  await using file = await open(path, 'r').catch((cause) => {
    throw unreadable(path, cause)
  })
  const head = Buffer.alloc(Math.min(headBytes, bytes))
  await file.read(head, 0, head.length, 0)
  const kind = kindOf(head)
  if (!isWrapping(kind)) return { name: path, path, kind: dumpKindOf(path, kind, head) }
  const source = file.createReadStream({ start: 0, highWaterMark: 1 << 20, autoClose: false })
  return spooledInput(path, await spool(source as AsyncIterable<Buffer>, path, folder, { expected: bytes, signal }))
}

function spooledInput(name: string, { path, kind, head, sha256, bytes }: Spooled): DumpInput {
  return { name, path, kind: dumpKindOf(name, kind, head), given: { sha256, bytes } }
}

async function statOf(path: string): Promise<Stats> {
  try {
    return await stat(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw unreadable(path, cause)
    throw new HarnessError(
      'dump.not-found',
      `There is no dump at ${path}. Check the path that --dump or the config names.`,
      { facts: { path }, cause },
    )
  }
}

function refuseFolder(path: string): HarnessError {
  return new HarnessError(
    'dump.unrecognised',
    `The folder ${path} is no dump: it has neither the toc.dat of pg_dump -Fd nor files of the Supabase CLI.`,
    { facts: { path } },
  )
}

function unreadable(path: string, cause: unknown): HarnessError {
  const why = (cause as NodeJS.ErrnoException).code === 'EACCES' ? 'you may not read it' : 'it cannot be read'
  return new HarnessError('dump.not-found', `The dump at ${path} is of no use: ${why}.`, { facts: { path }, cause })
}
