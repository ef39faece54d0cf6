import type { Connection } from '../../database/engine.ts'

/** An argument that a caller gives: `in`, `inout`. */
export type Argument = {
  readonly name: string
  /** As SQL writes it: `uuid`, `bigint[]`. */
  readonly type: string
  readonly hasDefault: boolean
}

/** A column that tells rows by ids, or that names such rows. */
export type KeyColumn = {
  readonly schema: string
  readonly table: string
  readonly column: string
  readonly type: string
  /** By itself the primary or a unique key. */
  readonly isKey: boolean
  /** By a foreign key. */
  readonly refers: { readonly schema: string; readonly table: string; readonly column: string } | null
}

/** What an argument takes its values from; `mentions`: columns in which the same values stand. */
export type Source = Pick<KeyColumn, 'schema' | 'table' | 'column' | 'type'> & {
  readonly mentions: readonly Pick<KeyColumn, 'schema' | 'table' | 'column' | 'type'>[]
}

/** An argument with what is given for it; `fixed` where it does not choose a row. */
export type Given = Argument & ({ readonly source: Source; readonly many: boolean } | { readonly fixed: string })

const users: Pick<KeyColumn, 'schema' | 'table' | 'column' | 'type'> = {
  schema: 'auth',
  table: 'users',
  column: 'id',
  type: 'uuid',
}

/** Columns of ids of the tables in `schemas`. */
export async function readKeyColumns(session: Connection, schemas: readonly string[]): Promise<KeyColumn[]> {
  const { rows } = await session.query<KeyColumn>(
    `select n.nspname as schema, c.relname as table, a.attname as column, format_type(a.atttypid, null) as type,
       exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indpred is null and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as "isKey",
       (select json_build_object('schema', fn.nspname, 'table', f.relname, 'column', fa.attname)
         from pg_constraint k join pg_class f on f.oid = k.confrelid join pg_namespace fn on fn.oid = f.relnamespace
         join pg_attribute fa on fa.attrelid = f.oid and fa.attnum = k.confkey[1]
         where k.contype = 'f' and k.conrelid = c.oid and k.conkey = array[a.attnum] order by k.oid limit 1) as refers
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where n.nspname = any ($1) and c.relkind in ('r', 'p') and not c.relispartition
       and format_type(a.atttypid, null) in ('uuid', 'smallint', 'integer', 'bigint', 'text', 'character varying')
     order by n.nspname collate "C", c.relname collate "C", a.attnum`,
    [schemas],
  )
  return rows.filter(({ isKey, refers, column }) => isKey || refers !== null || /_(id|uuid)$/i.test(column))
}

/**
 * What to give for each argument that has no default, by its name and type; undefined where one of them cannot be told,
 * or none chooses a row.
 */
export function givenFor(
  called: string,
  args: readonly Argument[],
  columns: readonly KeyColumn[],
): readonly Given[] | undefined {
  const given: Given[] = []
  for (const argument of args) {
    const found = one(called, argument, columns)
    if (found !== undefined) given.push(found)
    else if (!argument.hasDefault) return undefined
  }
  return given.some((value) => 'source' in value) ? given : undefined
}

function one(called: string, argument: Argument, columns: readonly KeyColumn[]): Given | undefined {
  const many = argument.type.endsWith('[]')
  const type = argument.type.replace(/\[\]$/, '')
  const bare = argument.name.toLowerCase().replace(/^_+|_+$/g, '')
  const names = [bare, bare.replace(/^(p|in|v|arg|param|the|target|other|input)_/, '').replace(/_(param|arg|in)$/, '')]
  for (const name of names.map((text) => (many ? text.replace(/s$/, '') : text))) {
    const found = sourceOf(name, called, columns, type)
    if (found) return { ...argument, many, source: { ...found, mentions: mentionsOf(found, columns) } }
  }
  const name = names[1] ?? ''
  if (/^(integer|bigint|smallint)$/.test(argument.type)) {
    if (/limit|size|count|max|^n$/.test(name)) return { ...argument, fixed: '20' }
    if (/offset|skip/.test(name)) return { ...argument, fixed: '0' }
    if (/page/.test(name)) return { ...argument, fixed: '1' }
  }
  return undefined
}

function sourceOf(
  name: string,
  called: string,
  columns: readonly KeyColumn[],
  type: string,
): Omit<Source, 'mentions'> | undefined {
  const fits = (other: { type: string }) => family(type) === family(other.type) || family(type) === 'text'
  const isPlain = /^(id|uuid)$/.test(name)
  const same = columns.filter((column) => !isPlain && column.column.toLowerCase() === name && fits(column))
  const referring = same.find(({ refers }) => refers !== null)
  if (referring?.refers) return { ...referring.refers, type: referring.type }
  const key = same.find(({ isKey }) => isKey)
  if (key) return key
  const stem = name.replace(/_?(id|uuid)$/, '')
  const byTable = (word: string) =>
    columns.find(
      (column) => column.isKey && fits(column) && isNamed(column.table, word) && /^(id|uuid)$/i.test(column.column),
    )
  if (stem !== '') {
    const table = byTable(stem)
    if (table) return table
  }
  if (/^(uid|u_?id|(\w+_)?user(_?id)?)$/.test(name) && fits(users)) return users
  if (stem === '') {
    // The longest part of the function's name that names a table: `get_event_vendor` is about event_vendors.
    const words = called.toLowerCase().split('_')
    const parts = words.flatMap((_, at) => words.map((__, end) => words.slice(at, words.length - end).join('_')))
    for (const part of parts.filter((text) => text !== '').toSorted((a, b) => b.length - a.length)) {
      const table = byTable(part)
      if (table) return table
      if (isNamed('users', part) && fits(users)) return users
    }
    return undefined
  }
  return same[0]
}

function isNamed(table: string, word: string): boolean {
  const name = table.toLowerCase()
  return [word, `${word}s`, `${word}es`, word.replace(/y$/, 'ies')].includes(name)
}

function family(type: string): string {
  return /int/.test(type) ? 'number' : type === 'uuid' ? 'uuid' : 'text'
}

/** The column itself, what refers to it, and what is called alike without referring to anything. */
function mentionsOf(source: Omit<Source, 'mentions'>, columns: readonly KeyColumn[]): Source['mentions'] {
  const isSource = (other: { schema: string; table: string; column: string } | null) =>
    other?.schema === source.schema && other.table === source.table && other.column === source.column
  const referring = columns.filter(({ refers }) => isSource(refers))
  const one = source.table.replace(/ies$/, 'y').replace(/s$/, '')
  const names = new Set([`${one}_id`, ...referring.map(({ column }) => column)].filter((name) => !/^id$/i.test(name)))
  return columns.filter(
    (column) =>
      isSource(column) ||
      referring.includes(column) ||
      (column.refers === null && names.has(column.column) && family(column.type) === family(source.type)),
  )
}
