import { identifiersIn } from '../../database/identifiers.ts'
import { actionsBetween, type Facts, idText, type ObjectId, type SchemaAction } from './delta.ts'
import { isOfApp } from './development.ts'

/** A statement that only adds, or one that is left out and why. */
export type Emitted = { readonly sql: string; readonly leftOut?: string }

/**
 * The statements that bring production closer to development and take nothing away: schemas, types, tables, columns that
 * rows can do without, indexes (concurrently, last), permissive policies, functions, views, grants. What may fail on rows
 * that are there, rewrites, or closes something is left out and said. Pure.
 */
export function additivePart(production: Facts, development: Facts): readonly Emitted[] {
  const actions = actionsBetween(production, development).filter((action) => mainIds(action).every(isOfApp))
  const made = new Set<string>()
  /** Columns that are NULL in every row. */
  const empty = new Set<string>()
  // Dropped and made again: it is there all the while, with rights of its own, where the drop is left out.
  const replaced = new Set(actions.flatMap(({ destroys }) => destroys.map(idText)))
  const emitted = actions.map((action): Emitted => {
    const isReplaced = action.produces.some((id) => replaced.has(idText(id)))
    const leftOut =
      reasonToLeaveOut(action, made, empty) ?? (isReplaced ? 'production has it in another form' : undefined)
    if (leftOut !== undefined) return { sql: action.sql, leftOut }
    for (const id of action.produces) {
      made.add(idText(id))
      if (id.kind === 'column' && !/\b(DEFAULT|GENERATED|NOT NULL)\b/i.test(action.sql)) empty.add(idText(id))
    }
    return { sql: concurrently(action, made) }
  })
  const isLast = ({ sql, leftOut }: Emitted) => leftOut === undefined && /^CREATE INDEX CONCURRENTLY/i.test(sql)
  return [...emitted.filter((one) => !isLast(one)), ...emitted.filter(isLast)]
}

function reasonToLeaveOut(
  action: SchemaAction,
  made: ReadonlySet<string>,
  empty: ReadonlySet<string>,
): string | undefined {
  const { sql, verb, destructive } = action
  if (destructive || /^\s*(drop|truncate|delete|update)\b/i.test(sql) || /^ALTER\b[^;]*\bDROP\b/i.test(sql))
    return 'it takes something away'
  const isNew = ownerOf(action, made)
  if (isNew) return undefined
  if (verb === 'alter') return 'it changes what is there'
  if (/^REVOKE\b/i.test(sql)) return 'it takes rights away'
  if (/^ALTER TABLE\b.*\bADD COLUMN\b/is.test(sql)) {
    const needsValue = /\bNOT NULL\b/i.test(sql) && !/\b(DEFAULT|GENERATED)\b/i.test(sql)
    return needsValue ? 'rows that are there have no value for the column, and it has no default' : undefined
  }
  if (/^ALTER TABLE\b.*\bADD CONSTRAINT\b/is.test(sql))
    return isKeyOver(action, empty) ? undefined : 'rows that are there may break it'
  if (/^CREATE UNIQUE INDEX\b/i.test(sql)) return 'rows that are there may break it'
  if (/^CREATE (CONSTRAINT )?TRIGGER\b/i.test(sql)) return 'it changes what writes do'
  if (/^CREATE POLICY\b.*\bAS RESTRICTIVE\b/is.test(sql)) return 'it takes access away'
  if (/^ALTER\b/i.test(sql)) return 'it changes what is there'
  return undefined
}

/** Whether it is a key over these columns alone, which are NULL everywhere: NULL refers to nothing, and equals nothing. */
function isKeyOver({ sql, consumes }: SchemaAction, columns: ReadonlySet<string>): boolean {
  const [, list = ''] = /\b(?:FOREIGN KEY|UNIQUE) \(([^()]*)\)/.exec(sql) ?? []
  const [table] = consumes.filter(({ kind }) => kind === 'table')
  if (list === '' || table?.kind !== 'table') return false
  const { schema, name } = table
  return identifiersIn(list).every((one) => columns.has(idText({ kind: 'column', schema, table: name, name: one })))
}

/** Whether what the statement works on was made by the statements before it. */
function ownerOf({ produces, consumes }: SchemaAction, made: ReadonlySet<string>): boolean {
  const [subject] = consumes.filter(({ kind }) => kind !== 'role' && kind !== 'schema' && kind !== 'acl')
  if (subject === undefined) return false
  const makesObject = produces.some(({ kind }) => kind === 'table' || kind === 'view' || kind === 'function')
  return (
    !makesObject &&
    (made.has(idText(subject)) || (subject.kind === 'column' && made.has(tableId(subject.schema, subject.table))))
  )
}

const tableId = (schema: string, name: string) => idText({ kind: 'table', schema, name })

function concurrently({ sql, consumes }: SchemaAction, made: ReadonlySet<string>): string {
  const table = consumes.find(({ kind }) => kind === 'table')
  if (!/^CREATE INDEX\b/i.test(sql) || (table && made.has(idText(table)))) return sql
  return sql.replace(/^CREATE INDEX\b/i, 'CREATE INDEX CONCURRENTLY')
}

/** What a statement is about, without the roles that it names. */
function mainIds({ produces, consumes }: SchemaAction): readonly ObjectId[] {
  const [subject] = consumes.filter(({ kind }) => kind !== 'role')
  return produces.length > 0 ? produces : subject === undefined ? [] : [subject]
}

/** The migration as a file. Pure. */
export function renderMigration(emitted: readonly Emitted[]): string {
  const kept = emitted.filter(({ leftOut }) => leftOut === undefined)
  const left = emitted.filter(({ leftOut }) => leftOut !== undefined)
  const oneLine = (sql: string) => sql.replace(/\s+/g, ' ').trim()
  return [
    '-- What development has and production lacks, as far as it only adds. Each statement was tried on a copy of production.',
    ...kept.map(({ sql }) => `${sql.trim().replace(/;$/, '')};`),
    ...(left.length > 0 ? ['', '-- Left out, for a person to decide:'] : []),
    ...left.map(({ sql, leftOut }) => `--   ${leftOut}: ${oneLine(sql)}`),
    '',
  ].join('\n')
}
