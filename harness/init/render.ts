import { guessedContracts } from './guesses.ts'
import type { Proposal, Proposed } from './propose.ts'

/** Where the inputs are, relative to the config, as they were found. */
export type Places = {
  readonly dumps: readonly string[]
  readonly migrations?: string
  readonly functions?: string
  readonly rollback?: string
}

/** The config as a file: what is sure as it stands, what is not as comments, each with its reasons. Pure. */
export function renderConfig(proposal: Proposal, places: Places): string {
  const { shared, missing } = proposal
  const sure = shared.filter((one) => one.sure)
  const unsure = shared.filter((one) => !one.sure)
  const parts = [
    part('profile', proposal.profile),
    part('resource', proposal.resource),
    part('membership', proposal.membership),
    sharedPart(sure, false),
    sharedPart(unsure, true),
    ...guessedContracts.map((key) => part(key, proposal[key])),
  ].flat()
  const notes = missing.map((line) => `    // ${oneLine(line)}`)
  const contracts = [...parts, ...notes]
  return `${[
    "import type { GreenlightConfig } from 'supabase-greenlight'",
    '',
    '/**',
    ' * Proposed by greenlight init from the dump: read it before you trust it. What is commented out is a guess.',
    ' * Each contract turns on the suites that need it; the report says which are not configured.',
    ' */',
    'export default {',
    `  dump: ${places.dumps.length === 1 ? quoted(places.dumps[0] ?? '') : `[${places.dumps.map(quoted).join(', ')}]`},`,
    places.migrations === undefined
      ? "  // migrations: 'supabase/migrations',  // no such folder was found: name yours"
      : `  migrations: ${quoted(places.migrations)},`,
    ...(places.functions === undefined ? [] : [`  functions: ${quoted(places.functions)},`]),
    ...(places.rollback === undefined ? [] : [`  rollback: ${quoted(places.rollback)},`]),
    "  // Accounts of your own team that log in with their passwords: { email: '…', passwordEnv: 'CANARY_PASSWORD' }",
    '  // canaries: [],',
    '  contracts: {',
    ...contracts,
    '  },',
    '} satisfies GreenlightConfig',
  ].join('\n')}\n`
}

function part(key: string, proposed: Proposed<object> | undefined): readonly string[] {
  if (proposed === undefined) return []
  const lines = [`${key}: ${literal(proposed.value, 4)},`]
  return [...proposed.reasons.map((reason) => `    // ${oneLine(reason)}`), ...commented(lines, !proposed.sure)]
}

function sharedPart(tables: Proposal['shared'], asComment: boolean): readonly string[] {
  if (tables.length === 0) return []
  const lines = [
    'shared: [',
    ...tables.flatMap(({ value, reasons }) => [
      ...reasons.map((reason) => `  // ${oneLine(reason)}`),
      `  ${inline(value)},`,
    ]),
    '],',
  ]
  const intro = asComment ? 'Perhaps shared, too:' : 'Members read every row of these, strangers none.'
  return [`    // ${intro}`, ...commented(lines, asComment)]
}

function commented(lines: readonly string[], asComment: boolean): readonly string[] {
  return lines
    .flatMap((line) => line.split('\n'))
    .map((line) =>
      asComment
        ? `    // ${line.replace(/^ {4}/, '')}`
        : /^ {4}/.test(line) && line !== lines[0]
          ? line
          : `    ${line}`,
    )
}

/** An object literal over several lines where one is too long. */
function literal(value: object, indent: number): string {
  const short = inline(value)
  if (short.length + indent < 100) return short
  const pad = ' '.repeat(indent + 2)
  const entries = Object.entries(value).map(([key, one]) => `${pad}${key}: ${inline(one)},`)
  return `{\n${entries.join('\n')}\n${' '.repeat(indent)}}`
}

function inline(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, one]) => `${key}: ${inline(one)}`)
      .join(', ')} }`
  }
  return String(value)
}

/** No name can end the text that it stands in, nor the comment. */
function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

/** Names may hold line breaks, and a comment ends at one. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ')
}
