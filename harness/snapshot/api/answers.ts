import { createHash } from 'node:crypto'
import type { Check } from '../../model/check.ts'
import type { ReadContract } from '../../model/config.ts'
import type { Finding } from '../../model/finding.ts'

/** What one user was answered: rows, or the code of an error. `full`: as many rows as the API gives at most. */
export type Answer =
  | { readonly type: 'rows'; readonly rows: readonly unknown[]; readonly full: boolean }
  | { readonly type: 'error'; readonly code: string }

/** One read as one user, on both sides. `who` is free of personal data. */
export type Asked = {
  readonly read: ReadContract
  readonly who: string
  readonly before: Answer
  readonly after: Answer
}

type Difference = {
  readonly gone: number
  readonly added: number
  readonly changed: number
  readonly columns: readonly string[]
  readonly keys: readonly string[]
  readonly error?: string
}

const keysShown = 10

/** Which of the reads of the contract are answered otherwise, and how: counts, keys and columns. Pure. */
export function compareAnswers(
  reads: readonly ReadContract[],
  asked: readonly Asked[],
): { readonly findings: readonly Finding[]; readonly check: Check } {
  const check = {
    id: 'features.reads',
    metric: 'features',
    title: 'The reads of the contract give equal answers',
  } as const
  if (reads.length === 0) {
    return {
      findings: [],
      check: { ...check, required: false, status: 'not configured', reason: 'the config lacks contracts.reads' },
    }
  }
  const findings = reads.flatMap((read) =>
    findingOf(
      read,
      asked.filter((one) => one.read === read),
    ),
  )
  const idle = reads.filter(({ name }) => !asked.some((one) => one.read.name === name))
  const cut = reads.find((read) => read.order === undefined && asked.some((one) => one.read === read && isFull(one)))
  const failing = reads.filter((read) => {
    const own = asked.filter((one) => one.read === read)
    const refused = own.every(({ before, after }) => before.type === 'error' && after.type === 'error')
    return own.length > 0 && refused && !findings.some(({ object }) => object === read.name)
  })
  const numbers = { reads: reads.length, answersCompared: asked.length, readsChanged: findings.length }
  const open =
    idle[0] !== undefined
      ? `nobody could be asked for ${idle[0].name}`
      : cut !== undefined
        ? `${cut.name} has as many rows as the Data API gives at most: name an order, so that they are the same ones`
        : failing[0] !== undefined
          ? `${failing[0].name} is refused to everyone on both sides: look at its table, select and filters`
          : undefined
  if (open !== undefined)
    return { findings, check: { ...check, required: true, status: 'not run', reason: open, numbers } }
  return {
    findings,
    check: {
      ...check,
      required: true,
      status: findings.length > 0 ? 'failed' : 'passed',
      summary: `${reads.length} reads, ${asked.length} answers compared: ${findings.length === 0 ? 'all are the same' : `${findings.length} reads changed`}.`,
      numbers,
    },
  }
}

const isFull = ({ before, after }: Asked) => [before, after].some((one) => one.type === 'rows' && one.full)

function findingOf(read: ReadContract, asked: readonly Asked[]): readonly Finding[] {
  const found = asked.flatMap((one) => {
    const difference = differenceOf(one.before, one.after)
    return difference === undefined ? [] : [{ who: one.who, difference }]
  })
  if (found.length === 0) return []
  const sum = (count: (one: Difference) => number) =>
    found.reduce((total, { difference }) => total + count(difference), 0)
  const columns = [...new Set(found.flatMap(({ difference }) => difference.columns))].sort()
  const errors = [...new Set(found.flatMap(({ difference }) => difference.error ?? []))].sort()
  const keys = [...new Set(found.flatMap(({ difference }) => difference.keys))].sort()
  const parts = [
    errors.length > 0 ? errors.join(', ') : '',
    sum(({ gone }) => gone) > 0 ? `${sum(({ gone }) => gone)} rows gone` : '',
    sum(({ added }) => added) > 0 ? `${sum(({ added }) => added)} rows new` : '',
    sum(({ changed }) => changed) > 0 ? `${sum(({ changed }) => changed)} rows with other values` : '',
  ].filter(Boolean)
  return [
    {
      kind: 'feature.answer-changed',
      object: read.name,
      ...(columns.length > 0 ? { columns } : {}),
      title: `The read ${read.name} of ${read.table ?? read.rpc} is answered otherwise to ${found.length} of ${asked.length} asked: ${parts.join(', ')}.`,
      evidence: [
        ...found.slice(0, 5).map(({ who, difference }) => `${who}: ${sayDifference(difference)}`),
        ...(columns.length > 0 ? [`Columns that differ: ${columns.join(', ')}.`] : []),
        ...(keys.length > 0
          ? [
              `Rows: ${keys.slice(0, keysShown).join(', ')}${keys.length > keysShown ? ` … and ${keys.length - keysShown} more` : ''}`,
            ]
          : []),
      ],
    },
  ]
}

const sayDifference = ({ error, gone, added, changed }: Difference) =>
  error ?? `${gone} rows gone, ${added} new, ${changed} with other values`

function differenceOf(before: Answer, after: Answer): Difference | undefined {
  const none = { gone: 0, added: 0, changed: 0, columns: [], keys: [] }
  if (before.type === 'error' && after.type === 'error') {
    return before.code === after.code
      ? undefined
      : { ...none, error: `fails with ${after.code} instead of ${before.code}` }
  }
  if (after.type === 'error') return { ...none, error: `fails with ${after.code}` }
  if (before.type === 'error') return { ...none, error: `is answered, and failed with ${before.code} before` }
  // What the migrations add beside the old columns is no difference to who reads these.
  const known = new Set(before.rows.flatMap((row) => Object.keys(Object(row))))
  const narrowed = before.rows.length === 0 ? after.rows : after.rows.map((row) => only(row, known))
  const keyed = [before.rows, narrowed].every((rows) => isKeyed(rows))
  return keyed ? byKey(before.rows, narrowed) : byContent(before.rows, narrowed)
}

function byKey(before: readonly unknown[], after: readonly unknown[]): Difference | undefined {
  const was = new Map(before.map((row) => [keyOf(row), row]))
  const is = new Map(after.map((row) => [keyOf(row), row]))
  const gone = [...was.keys()].filter((key) => !is.has(key))
  const added = [...is.keys()].filter((key) => !was.has(key))
  const columns = new Set<string>()
  const changed = [...was].flatMap(([key, row]) => {
    const other = is.get(key)
    if (other === undefined || canonical(row) === canonical(other)) return []
    for (const name of Object.keys(Object(row)))
      if (canonical(Object(row)[name]) !== canonical(Object(other)[name])) columns.add(name)
    return [key]
  })
  if (gone.length + added.length + changed.length === 0) return undefined
  const keys = [...gone, ...added, ...changed].filter((key) => impersonal.test(key))
  return { gone: gone.length, added: added.length, changed: changed.length, columns: [...columns], keys }
}

function byContent(before: readonly unknown[], after: readonly unknown[]): Difference | undefined {
  const left = new Map<string, number>()
  for (const row of before) left.set(hashed(row), (left.get(hashed(row)) ?? 0) + 1)
  let added = 0
  for (const row of after) {
    const count = left.get(hashed(row)) ?? 0
    if (count > 0) left.set(hashed(row), count - 1)
    else added++
  }
  const gone = [...left.values()].reduce((sum, count) => sum + count, 0)
  return gone + added === 0 ? undefined : { gone, added, changed: 0, columns: [], keys: [] }
}

const impersonal = /^(\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i
const keyOf = (row: unknown) => String(Object(row).id)
const hashed = (row: unknown) => createHash('sha256').update(canonical(row)).digest('hex')

function isKeyed(rows: readonly unknown[]): boolean {
  const ids = rows.map((row) => Object(row).id)
  return ids.every((id) => typeof id === 'string' || typeof id === 'number') && new Set(ids).size === ids.length
}

function only(row: unknown, known: ReadonlySet<string>): unknown {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return row
  return Object.fromEntries(Object.entries(row).filter(([name]) => known.has(name)))
}

/** JSON with keys in order, and lists of rows in an order of their own: that of an answer is nobody's promise. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    const parts = value.map(canonical)
    return `[${(value.every((part) => typeof part === 'object') ? parts.sort() : parts).join(',')}]`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
  return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonical(part)}`).join(',')}}`
}
