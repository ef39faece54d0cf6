import { HarnessError } from '../errors.ts'
import { readCustom } from './archive/read-custom.ts'
import { readDirectory } from './archive/read-directory.ts'
import { readTar } from './archive/read-tar.ts'
import type { Dump, DumpContent } from './dump.ts'
import type { DumpKind } from './input/kinds.ts'
import { type DumpInput, openInputs } from './input/open-inputs.ts'
import { advice } from './input/refuse.ts'
import { readScripts } from './plain/read-scripts.ts'

/**
 * Reads a dump through to its end, without unpacking its data: what it holds, its hash, and that it is whole.
 * `paths`: a file, a folder, `-` for standard input, or the several files that make up one dump. Needs no server; dispose
 * of the dump when it is no longer read. Throws `dump.*`, `engine.disk-full` (no room to unpack it), `usage.invalid` and
 * `aborted`.
 */
export async function readDump(
  paths: string | readonly string[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Dump> {
  const opened = await openInputs(typeof paths === 'string' ? [paths] : paths, signal)
  try {
    const dump = await readInputs(opened.inputs, signal)
    return { ...dump, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
  } catch (error) {
    await opened[Symbol.asyncDispose]()
    throw error
  }
}

type ArchiveReader = (input: DumpInput, signal: AbortSignal | undefined) => Promise<DumpContent>

const archiveReaders: Readonly<Partial<Record<DumpKind, ArchiveReader>>> = {
  custom: readCustom,
  directory: readDirectory,
  tar: readTar,
}

const scripts: ReadonlySet<DumpKind> = new Set(['plain', 'cluster', 'supabase-cli'])

const called: Readonly<Record<DumpKind, string>> = {
  custom: 'a pg_dump custom archive (-Fc)',
  directory: 'a pg_dump directory archive (-Fd)',
  tar: 'a pg_dump tar archive (-Ft)',
  plain: 'a plain SQL dump of pg_dump',
  cluster: 'a dump of a whole cluster (pg_dumpall, or a backup downloaded from the dashboard)',
  'supabase-cli': 'a dump of the Supabase CLI (supabase db dump)',
}

async function readInputs(inputs: readonly DumpInput[], signal: AbortSignal | undefined): Promise<DumpContent> {
  const [input, second] = inputs
  if (!input) throw new HarnessError('usage.invalid', 'No dump is named.')
  const archive = inputs.find(({ kind }) => archiveReaders[kind])
  const reader = archiveReaders[input.kind]
  if (reader && !second) return reader(input, signal)
  if (archive) {
    const other = inputs.find((candidate) => candidate !== archive) ?? input
    throw new HarnessError(
      'usage.invalid',
      `${archive.name} is ${called[archive.kind]}, a dump by itself: it cannot be one with ${other.name}. Name one of them.`,
    )
  }
  const unread = inputs.find(({ kind }) => !scripts.has(kind))
  if (!unread) return readScripts(inputs, signal)
  throw new HarnessError('dump.not-supported', `${unread.name} is ${called[unread.kind]}. ${advice}`, {
    facts: { path: unread.name, format: unread.kind },
  })
}
