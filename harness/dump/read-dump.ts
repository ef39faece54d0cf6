import { readCustom } from './archive/read-custom.ts'
import { requireCustomArchive } from './detect.ts'
import type { Dump } from './dump.ts'

/**
 * Reads a dump through to its end, without unpacking its data: what it holds, its hash, and that it is whole.
 * Needs no server. Throws `dump.not-found`, `dump.empty`, `dump.unrecognised`, `dump.not-supported`,
 * `dump.unsupported-version`, `dump.truncated`, `dump.corrupt` and `aborted`.
 */
export async function readDump(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Dump> {
  await requireCustomArchive(path)
  return readCustom(path, options.signal)
}
