import type { TocEntry } from '../dump.ts'

/** Pure: the list of entries that `pg_restore --use-list` takes, in the order of the archive. */
export function useList(entries: readonly TocEntry[]): string {
  const line = ({ id, type, schema, name, owner }: TocEntry) =>
    `${id}; 0 0 ${type} ${schema ?? '-'} ${name.replaceAll(/[\r\n]/g, ' ')} ${owner}`.trimEnd()
  return `${entries.map(line).join('\n')}\n`
}

export type NativeMessages = {
  /** Ids of the entries that it could not restore. */
  readonly failed: ReadonlySet<number>
  /** Whether it went through to the end of its list, errors or not. */
  readonly finished: boolean
}

/**
 * Pure: what a verbose pg_restore says of the entries that failed: their ids alone. Its texts may hold values of rows, and
 * two of its workers write at the same time, so that they cannot be told apart.
 */
export function readMessages(text: string, exitCode: number): NativeMessages {
  const failed = [...text.matchAll(/^pg_restore: from TOC entry (\d+);/gm)].map(([, id]) => Number(id))
  const ignored = /^pg_restore: warning: errors ignored on restore: \d+/m.test(text)
  return { failed: new Set(failed), finished: exitCode === 0 || (ignored && failed.length > 0) }
}
