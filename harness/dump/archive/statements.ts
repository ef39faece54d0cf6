import { HarnessError } from '../../errors.ts'
import { displayEntry, type TocEntry } from '../dump.ts'
import { classify } from '../plain/classify.ts'
import type { ScriptPart } from '../plain/parts.ts'
import { copyTarget } from '../plain/rows-statement.ts'
import { ScriptSplitter } from '../plain/split.ts'
import { Words } from '../plain/words.ts'

/** What follows is no SQL: numbers of large objects, or nothing. */
const withoutSql: ReadonlySet<string> = new Set(['BLOB METADATA', 'BLOBS', 'STATISTICS DATA', 'TABLE DATA'])

/**
 * Throws `dump.not-supported` for an archive that would do more than restore, as a script with the same statement is
 * refused: run a program, read a file of the server, make a function in a language that is not trusted. An archive says
 * what an entry is; this looks at what it does. No sandbox: what functions of the dump do once they are called is theirs.
 */
export function refuseForeignStatements(entries: readonly TocEntry[], path: string): void {
  const standardStrings = !/'off'/.test(entries.find(({ type }) => type === 'STDSTRINGS')?.definition ?? '')
  for (const entry of entries) {
    const rows = entry.copyStatement
    if (rows.trim() !== '' && copyTarget(rows.trim()) === undefined)
      throw refused(path, entry, 'another COPY than of its rows')
    if (withoutSql.has(entry.type)) continue
    for (const sql of [entry.definition, entry.dropStatement]) {
      if (!mayBeForeign.test(sql)) continue
      const what = foreignIn(sql, path, standardStrings)
      if (what !== undefined) throw refused(path, entry, what)
    }
  }
}

/** One of these words stands in each of them. */
const mayBeForeign = /copy|do|call|load|execute|system|language|extension|select/i
const usual = /^(?:create|alter|grant|revoke|comment|security|select|set|reset|refresh|drop|begin|commit)\b/i

function foreignIn(sql: string, path: string, standardStrings: boolean): string | undefined {
  const splitter = new ScriptSplitter({ path, standardStrings })
  let parts: readonly ScriptPart[]
  try {
    parts = [...splitter.feed(Buffer.from(`${sql}\n;\n`)), ...splitter.end()]
  } catch {
    return 'a statement that does not end in it'
  }
  for (const { kind, text } of parts) {
    if (kind === 'comment') continue
    if (kind !== 'statement') return kind === 'meta' ? 'a command of psql' : 'rows among its statements'
    const found = classify(text, !standardStrings)
    if (found.is !== 'refuse') continue
    // Of what dumps do hold, a kind that a script's reader does not know is no harm here: the archive says what it is.
    if (!usual.test(text) || /can run programs/.test(found.what) || isForeign(new Words(text))) return found.what
  }
  return undefined
}

function isForeign(words: Words): boolean {
  return words.take('alter system') || words.take('select')
}

function refused(path: string, entry: TocEntry, what: string): HarnessError {
  return new HarnessError(
    'dump.not-supported',
    `${path} holds ${what}, in entry ${entry.id} (${entry.type} ${displayEntry(entry)}). Nothing of the dump is run. Take it again with pg_dump, and look at who wrote this one.`,
    { facts: { path, entry: entry.id } },
  )
}
