import { HarnessError } from '../errors.ts'
import type { DeclaredMove } from '../model/declared-move.ts'
import { type FindingKind, findingKinds } from '../model/finding.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import { nearest } from '../model/nearest.ts'
import type { Expectation } from '../model/verdict.ts'
import { parseMove } from './moves.ts'
import { checkPredicate } from './predicate-syntax.ts'
import { scan } from './scan.ts'
import { splitSql } from './split.ts'

const form = '-- greenlight: expects <kind> <schema.table>[(<column>)] [to <role>] [where <predicate>] because <reason>'

/** What the migrations declare: changes that are meant, and where values went. */
export type Declarations = { readonly expectations: readonly Expectation[]; readonly moves: readonly DeclaredMove[] }

/**
 * The expectations in the comments of migrations, in order. A comment that begins with `greenlight:` and cannot be read
 * is refused, all of them at once: a typing error must not look like a missing expectation.
 * Throws `migrations.unparsable`.
 */
export async function readExpectations(files: readonly MigrationFile[]): Promise<readonly Expectation[]> {
  return (await readDeclarations(files)).expectations
}

/** The expectations and the declared moves. Throws as `readExpectations`. */
export async function readDeclarations(files: readonly MigrationFile[]): Promise<Declarations> {
  const expectations: Expectation[] = []
  const moves: DeclaredMove[] = []
  const problems: string[] = []
  for (const file of files) {
    for (const { text, line } of splitSql(file.sql).comments) {
      const words = marked(text)
      if (words === undefined) continue
      if (/^moves\b/i.test(words)) {
        const move = parseMove(words)
        if ('problem' in move) problems.push(`${file.path}:${line}: ${move.problem}`)
        else moves.push({ ...move, migration: file.name, line })
        continue
      }
      const read = parseExpectation(words)
      if ('problem' in read) problems.push(`${file.path}:${line}: ${read.problem}`)
      else {
        const wrong = read.predicate === undefined ? undefined : await checkPredicate(read.predicate)
        if (wrong) problems.push(`${file.path}:${line}: the predicate is not one SQL expression: ${wrong}.`)
        else expectations.push({ ...read, migration: file.name, line })
      }
    }
  }
  if (problems.length === 0) return { expectations, moves }
  const count = problems.length === 1 ? 'One expectation' : `${problems.length} expectations`
  throw new HarnessError(
    'migrations.unparsable',
    `${count} cannot be read:\n${problems.join('\n')}\nThe form is: ${form}`,
    { facts: { problems } },
  )
}

/** What stands after `-- greenlight:`; `undefined` for every other comment. */
function marked(comment: string): string | undefined {
  const found = /^--+\s*greenlight\b\s*(:?)\s*(.*?)\s*$/is.exec(comment)
  if (!found) return undefined
  const [, colon, words = ''] = found
  // Without the colon it may be a sentence that begins with the name; "greenlight expects" is meant for us.
  return colon === ':' || /^(expects?|moves)\b/i.test(words) ? words : undefined
}

type Parsed = Omit<Expectation, 'migration' | 'line'> | { readonly problem: string }

/** One expectation without its marker: `expects <kind> <object> …`. */
export function parseExpectation(words: string): Parsed {
  const head = /^expects\s+(\S+)\s*(.*)$/is.exec(words)
  if (!head) {
    const [first = ''] = words.split(/\s/)
    const meant = nearest(first, ['expects', 'moves'])
    return {
      problem: `"${first}" is not known${meant ? `; did you mean "${meant}"?` : ', only "expects" and "moves" are.'}`,
    }
  }
  const [, written = '', rest = ''] = head
  const kind = findingKinds.find((known) => known === written)
  if (!kind) {
    const meant = nearest(written, findingKinds)
    return { problem: `"${written}" is no kind of finding${meant ? `; did you mean "${meant}"?` : '.'}` }
  }
  const because = wordOutsideQuotes(rest, 'because')
  if (because === undefined)
    return { problem: 'it gives no reason: end it with "because" and why the change is meant.' }
  const reason = rest.slice(because + 'because'.length).trim()
  if (reason === '' || reason === '…') return { problem: 'the reason after "because" is empty.' }
  const target = parseTarget(kind, rest.slice(0, because).trim())
  return 'problem' in target ? target : { ...target, kind, reason }
}

type Target = Pick<Expectation, 'object' | 'column' | 'role' | 'predicate'>

function parseTarget(kind: FindingKind, text: string): Target | { readonly problem: string } {
  const where = wordOutsideQuotes(text, 'where')
  const predicate = where === undefined ? undefined : text.slice(where + 'where'.length).trim()
  if (predicate === '') return { problem: 'there is no predicate after "where".' }
  const front = (where === undefined ? text : text.slice(0, where)).trim()
  const found = /^((?:"[^"]*"|\S)+?)(?:\s*\(\s*("[^"]*"|[^()]*?)\s*\))?(?:\s+to\s+("[^"]*"|\S+))?$/i.exec(front)
  if (!found || front === '' || /^to\b/i.test(front)) {
    return { problem: `"${front}" names no object; write schema.table, schema.table(column) or schema.table to role.` }
  }
  const [, object = '', inner, role] = found
  const named = takesColumn(kind)
  if (named && inner === '') return { problem: 'there is no column between the parentheses.' }
  return {
    // For kinds about functions the parentheses hold arguments, and belong to the name.
    object: inner === undefined || named ? object : `${object}(${inner})`,
    ...(inner !== undefined && named ? { column: unquoted(inner) } : {}),
    ...(role === undefined ? {} : { role: unquoted(role) }),
    ...(predicate === undefined ? {} : { predicate }),
  }
}

function takesColumn(kind: FindingKind): boolean {
  return !/^(feature|migration|rollback|query|mail)\.|^schema\.object-dropped$/.test(kind)
}

function unquoted(name: string): string {
  return name.replace(/^"(.*)"$/, '$1')
}

/** Offset of a word that stands by itself, not in a string or a quoted name of the text before. */
function wordOutsideQuotes(text: string, wanted: string): number | undefined {
  const { tokens } = scan(text)
  return tokens.find(({ type, start, end }) => type === 'word' && text.slice(start, end).toLowerCase() === wanted)
    ?.start
}
