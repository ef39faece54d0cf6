import { DatabaseError } from 'pg'
import { HarnessError, messageOf } from '../../errors.ts'
import type { EntryFate } from '../../model/restore-run.ts'
import { displayEntry, type TocEntry } from '../dump.ts'

export type Outcome = { readonly fate: EntryFate; readonly reason?: string }

const undefinedObject: ReadonlySet<string> = new Set(['42883', '42P01', '42704', '42703', '3F000'])

/** Names a name that is not there: also what a function without a search_path of its own fails with. */
export function isUndefinedObject(error: unknown): boolean {
  return error instanceof DatabaseError && undefinedObject.has(error.code ?? '')
}

export function isDeadlock(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '40P01'
}

/** Throws for what the restore cannot go on after: a full disk (`engine.disk-full`), a lost server (`database.failed`), a bug. */
export function throwIfFatal(error: unknown): asserts error is DatabaseError {
  if (error instanceof HarnessError) throw error
  const code = error instanceof DatabaseError ? (error.code ?? '') : ''
  if (code === '53100' || (error as NodeJS.ErrnoException).code === 'ENOSPC') {
    throw new HarnessError(
      'engine.disk-full',
      'The disk is full: the restored copy does not fit. Free some space, or point TMPDIR to a larger disk.',
      { cause: error },
    )
  }
  if (error instanceof TypeError || error instanceof RangeError) throw error
  if (!code || /^(08|53|57P|58)/.test(code)) {
    throw new HarnessError('database.failed', `The server gave up during the restore: ${messageOf(error)}.`, {
      cause: error,
      facts: { sqlstate: code },
    })
  }
}

/** Pure: what to make of the failure of an entry. `lost`: the ids of entries that are not there. */
export function judgeFailure(
  entry: TocEntry,
  error: DatabaseError,
  known: ReadonlyMap<number, TocEntry>,
  lost: ReadonlySet<number>,
): Outcome {
  const missing = entry.dependencies.find((id) => lost.has(id))
  const needed = missing === undefined ? undefined : known.get(missing)
  if (needed) {
    return { fate: 'refused', reason: `It needs ${needed.type} ${displayEntry(needed)}, which was not restored.` }
  }
  if (isGrantOnMember(entry, known) && isUndefinedObject(error)) {
    return {
      fate: 'stubbed',
      reason:
        'A grant on a member of an extension; the extension is another version or a stub here, without that member.',
    }
  }
  return { fate: 'failed', reason: failureText(error) }
}

/** Pure: a grant whose object has no entry of its own is one on a member of an extension. */
export function isGrantOnMember({ type, dependencies }: TocEntry, known: Pick<Set<number>, 'has'>): boolean {
  return type === 'ACL' && dependencies.every((id) => !known.has(id))
}

/**
 * SQLSTATE and message, without the row values that messages of class 22 (bad data) and raised ones may hold;
 * for COPY with the line and the column.
 */
export function failureText(error: DatabaseError): string {
  const code = error.code ?? ''
  const message = messageWithoutValues(code, error.message)
  const [, line, column] = /\bCOPY .+?, line (\d+)(?:, column ([^:\n]+))?/.exec(error.where ?? '') ?? []
  const place = line === undefined ? '' : ` (line ${line}${column === undefined ? '' : `, column ${column}`})`
  return `${code}: ${message}${place}`
}

function messageWithoutValues(code: string, message: string): string {
  if (code.startsWith('P0')) return 'an error that a function of the dump raised'
  return code.startsWith('22') ? message.replace(/[:"].*$/s, '').trim() : message
}
