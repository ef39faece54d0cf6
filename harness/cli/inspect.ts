import { resolve } from 'node:path'
import { sayBytes, sayCount } from '../../reports/wording.ts'
import { expectedServer } from '../dump/expected-server.ts'
import { readHistories } from '../dump/history.ts'
import { type Inspection, inspect } from '../dump/inspect.ts'
import { readDump } from '../dump/read-dump.ts'
import { HarnessError } from '../errors.ts'
import type { VerdictName } from '../model/verdict.ts'

export type InspectFlags = { readonly dump?: readonly string[]; readonly json?: boolean; readonly all?: boolean }

/**
 * `greenlight inspect`: what is in a dump and what a run would make of it, without a server. `outcome`: `go` when all of
 * it would be restored or stubbed, `no-go` when a part would be refused, `inconclusive` when the dump would. Throws
 * `usage.invalid` and what reading the dump throws.
 */
export async function inspectCommand(
  flags: InspectFlags,
  cwd: string,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly outcome: VerdictName }> {
  if (flags.dump === undefined) {
    throw new HarnessError('usage.invalid', 'inspect reads a dump: name it with --dump production.dump.')
  }
  const paths = flags.dump.map((path) => (path === '-' ? path : resolve(cwd, path)))
  await using dump = await readDump(paths, { signal })
  const found = inspect({ dump, history: await readHistories(dump) }, await expectedServer())
  return {
    text: flags.json ? `${JSON.stringify(found, undefined, 2)}\n` : render(found, flags.all ?? false),
    outcome: found.refusal !== undefined ? 'inconclusive' : found.entries.refuse > 0 ? 'no-go' : 'go',
  }
}

const shownTables = 20
const endings = { alter: 'in another form', stub: 'left out or stubbed', refuse: 'REFUSED' } as const

/** Pure. `all`: every table. */
function render(found: Inspection, all: boolean): string {
  const { dump, tables, extensions, roles, ownRoles, history, entries } = found
  const total = entries.restore + entries.alter + entries.stub + entries.refuse
  const shown = all ? tables : tables.slice(0, shownTables)
  const made = roles.filter((role) => role.made).map(({ name }) => name)
  const lines = [
    ...found.sources.map(({ path, bytes, sha256 }) => `${path}  ${sayBytes(bytes)}  sha256 ${sha256}`),
    `${dump.format} dump of database ${dump.database}, PostgreSQL ${dump.serverVersion}${dump.archiveVersion === undefined ? '' : `, format ${dump.archiveVersion}, ${dump.compression}`}${dump.createdAt === undefined ? '' : `, taken ${dump.createdAt}`}`,
    '',
    `Restored into PostgreSQL ${found.server} (embedded): ${sayCount(total, 'entry', 'entries')}`,
    `  ${entries.restore} as they stand, ${entries.alter} in another form, ${entries.stub} left out or stubbed, ${entries.refuse} refused`,
    ...memberGrants(found),
    ...(found.refusal === undefined ? [] : ['', `A run would refuse it: ${found.refusal}`]),
    ...(['refuse', 'alter', 'stub'] as const).flatMap((action) => section(found, action)),
    ...notInDump(found),
    '',
    `Tables with rows: ${tables.length}${shown.length < tables.length ? ` (the ${shown.length} largest; --all shows every one)` : ''}, ${dump.archiveVersion === undefined ? 'as text' : 'as packed in the dump'}`,
    ...shown.map(({ name, bytes }) => `  ${sayBytes(bytes).padStart(9)}  ${name}`),
    '',
    `Extensions: ${extensions.length}`,
    ...extensions.flatMap(({ name, mode, note, dependents }) => [
      `  ${name}: ${mode === 'absent' ? 'impossible here' : mode}${note === undefined ? '' : `. ${note}`}`,
      ...dependents.map((object) => `    needed by ${object}`),
    ]),
    '',
    ...(ownRoles.length === 0 ? [] : [`Roles of its own: ${ownRoles.join(', ')}`]),
    `Roles named${ownRoles.length === 0 ? '' : ' besides'}: ${roles.map(({ name }) => name).join(', ') || 'none'}`,
    ...(made.length === 0 ? [] : [`  made without login, since the platform has none such: ${made.join(', ')}`]),
    '',
    'Migration history:',
    ...(history.length === 0 ? ['  none; a run needs --baseline'] : []),
    ...history.map(
      ({ table, rows, newest }) =>
        `  ${table}: ${sayCount(rows, 'row', 'rows')}${newest === undefined ? '' : `, newest ${newest}`}`,
    ),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

function memberGrants({ memberGrants: grants }: Inspection): string[] {
  if (grants === 0) return []
  const some = sayCount(grants, 'is a grant on a member', 'are grants on members')
  return [`    of these ${some} of extensions; a run leaves out those whose member the server's version lacks`]
}

/** A run tells the same as findings. */
function notInDump({ notInDump = [] }: Inspection): string[] {
  if (notInDump.length === 0) return []
  const each = notInDump.flatMap(({ title, evidence }) => [`  ${title}`, ...evidence.map((line) => `    ${line}`)])
  return ['', 'Not in the dump:', ...each]
}

function section({ changed }: Inspection, action: keyof typeof endings): string[] {
  const objects = changed.filter((each) => each.action === action)
  if (objects.length === 0) return []
  return ['', `${endings[action]}:`, ...objects.map(({ object, reason }) => `  ${object}: ${reason}`)]
}

/** Names in a dump can hold anything, also what a terminal obeys. */
function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
