import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { throwIfAborted } from '../../errors.ts'
import type { DumpInput } from '../input/open-inputs.ts'
import type { Draft } from './draft.ts'
import { ScriptEntries } from './script-entries.ts'
import type { ScriptFacts } from './script-facts.ts'
import { ScriptSplitter } from './split.ts'
import { Utf8Check } from './utf8-check.ts'

/** A script that was read once, to its end: its entries, with the places of their rows. */
export type Script = {
  readonly input: DumpInput
  readonly drafts: readonly Draft[]
  readonly facts: Readonly<ScriptFacts>
  /** Of the bytes as they were given. */
  readonly sha256: string
  readonly bytes: number
}

/** One pass over a script. Throws `dump.not-supported`, `dump.truncated`, `dump.corrupt` and `aborted`. */
export async function indexScript(input: DumpInput, signal: AbortSignal | undefined): Promise<Script> {
  const { name, path, given } = input
  const hash = createHash('sha256')
  const check = new Utf8Check(name)
  const splitter = new ScriptSplitter({ path: name })
  const script = new ScriptEntries({ name, path })
  let bytes = 0
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    throwIfAborted(signal, `reading ${name}`)
    if (!given) hash.update(piece)
    bytes += piece.length
    check.feed(piece)
    for (const part of splitter.feed(piece)) script.add(part)
  }
  check.end()
  for (const part of splitter.end()) script.add(part)
  const drafts = script.end()
  return { input, drafts, facts: script.facts, ...(given ?? { sha256: hash.digest('hex'), bytes }) }
}
