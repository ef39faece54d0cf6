import { HarnessError } from '../../errors.ts'
import { type DumpKind, isWrapping, type Kind } from './kinds.ts'

export const advice = 'Take one of the whole database: pg_dump -Fc -f production.dump "$DATABASE_URL".'

/** Pure: the kind of dump that bytes of this kind are, or why they are none. `head`: the first of them, where at hand. */
export function dumpKindOf(name: string, kind: Kind, head: Buffer): DumpKind {
  const refuse = (code: 'dump.unrecognised' | 'dump.not-supported' | 'dump.truncated', message: string) =>
    new HarnessError(code, message, { facts: { path: name, format: kind } })
  if (head.length === 0) throw refuseEmpty(name)
  if (head.length < 5 && 'PGDMP'.startsWith(head.toString('latin1'))) {
    throw refuse('dump.truncated', `${name} is cut off inside the header. Copy or take the dump again.`)
  }
  if (isWrapping(kind)) {
    throw refuse('dump.not-supported', `${name} is packed twice (${kind} inside). Unpack it once, and name that file.`)
  }
  switch (kind) {
    case 'zip':
      throw refuse('dump.not-supported', `${name} is a zip file. Unpack it, and name what was in it.`)
    case 'text':
      throw refuse('dump.unrecognised', `${name} is a text file, but not a dump that pg_dump wrote. ${advice}`)
    case 'unknown':
      throw refuse(
        'dump.unrecognised',
        `${name} is no dump of PostgreSQL: its first bytes are of no known kind. ${advice}`,
      )
    default:
      return kind
  }
}

export function refuseEmpty(name: string): HarnessError {
  return new HarnessError('dump.empty', `${name} is empty. Take the dump again, and look at what pg_dump said.`, {
    facts: { path: name },
  })
}
