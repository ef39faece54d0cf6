import type { Database } from './database/engine.ts'
import { HarnessError } from './errors.ts'
import type { Contracts } from './model/config.ts'
import type { Replaced } from './model/mail-contracts.ts'
import { nearest } from './model/nearest.ts'

/** A name that a contract uses, and where in the config it stands. */
type Named = { readonly path: string; readonly name: string }
type NamedTable = Named & { readonly columns: readonly Named[] }

/** What a database has: `schema.table` → its columns, and the functions of the Data API by `schema.name`. */
type Catalogue = {
  readonly tables: ReadonlyMap<string, readonly string[]>
  readonly functions: ReadonlySet<string>
}

/**
 * Holds every name in the contracts against the databases and the edge functions: what neither side has is a mistake in
 * the config, not harm done by a migration. A table that only the migrations make, or only production has, is fine.
 * Throws `config.invalid` with all of them at once, each with the nearest name there is.
 */
export async function checkContractNames(
  contracts: Contracts,
  { before, after }: { readonly before?: Database; readonly after?: Database },
  edgeFunctions: readonly string[],
): Promise<void> {
  // Without a migrated copy nothing can be told of what the migrations make; that failure is told by its own stage.
  if (before === undefined || after === undefined) return
  const wrong = namesNotFound(contracts, [await takeCatalogue(before), await takeCatalogue(after)], edgeFunctions)
  if (wrong.length === 0) return
  throw new HarnessError(
    'config.invalid',
    `The contracts name what neither production nor the migrated copy has:\n${wrong.map((line) => `  ${line}`).join('\n')}\nCorrect greenlight.config.ts; nothing was judged.`,
    { facts: { names: wrong } },
  )
}

/** One line for each name that is in none of the catalogues, in the order of the contracts. */
export function namesNotFound(
  contracts: Contracts,
  catalogues: readonly Catalogue[],
  edgeFunctions: readonly string[],
): string[] {
  const tables = [...new Set(catalogues.flatMap((side) => [...side.tables.keys()]))]
  const wrongTables = namedTables(contracts).flatMap(({ path, name, columns }) => {
    const known = catalogues.flatMap((side) => side.tables.get(name) ?? [])
    if (!tables.includes(name)) return [`${path}: there is no table ${name}${suggestion(name, tables)}`]
    return columns
      .filter((column) => !known.includes(column.name))
      .map((column) => `${column.path}: ${name} has no column ${column.name}${suggestion(column.name, known)}`)
  })
  const routine = contracts.accessCodes?.function
  const routines = [...new Set(catalogues.flatMap((side) => [...side.functions]))]
  const schemaRoutine = routine?.includes('.') ? routine : `public.${routine}`
  const wrongRoutine =
    routine === undefined || routines.includes(schemaRoutine)
      ? []
      : [`contracts.accessCodes.function: there is no function ${schemaRoutine}${suggestion(schemaRoutine, routines)}`]
  const { resourceUpdated, chatMessage, kinds: others } = contracts.notifications ?? {}
  const kinds = Object.entries(others ?? {})
  const replacing = [
    ...Object.entries({ resourceUpdated, chatMessage }),
    ...kinds.map(([kind, own]) => [`kinds.${kind}`, own] as const),
  ]
  const called: readonly (readonly [string, string | undefined])[] = [
    ['notifications', contracts.notifications?.function],
    ...kinds.map(([kind, own]) => [`notifications.kinds.${kind}`, own.function] as const),
    ...replacing.flatMap(([kind, own]) => replacedBy(`notifications.${kind}`, own)),
    ['rateLimit.digest', functionOf(contracts.rateLimit?.digest)],
    ['reminders', contracts.reminders?.function],
    ...replacedBy('reminders', contracts.reminders),
    ['onboarding', contracts.onboarding?.function],
    ...replacedBy('onboarding', contracts.onboarding),
  ]
  const wrongFunctions = called.flatMap(([key, name]) => {
    if (name === undefined || edgeFunctions.includes(name)) return []
    const why = edgeFunctions.length === 0 ? ': no folder with functions is named' : suggestion(name, edgeFunctions)
    return [`contracts.${key}.function: there is no edge function ${name}${why}`]
  })
  return [...new Set([...wrongTables, ...wrongRoutine, ...wrongFunctions])]
}

function functionOf(part: { readonly function: string } | object | undefined): string | undefined {
  return part !== undefined && 'function' in part ? part.function : undefined
}

/** The functions that a part of a contract replaces, each with where it stands. */
function replacedBy(key: string, part: { readonly replaces?: Replaced } | undefined): (readonly [string, string])[] {
  return (part?.replaces ?? []).map((old, at) => [`${key}.replaces[${at}]`, old.function] as const)
}

/** Which keys of a contract, beside its `table`, name columns. */
const columnKeys: Readonly<Partial<Record<keyof Contracts, readonly string[]>>> = {
  profile: ['user', 'email', 'name', 'subscribed', 'timeZone'],
  resource: ['key', 'owner', 'title', 'startsAt', 'endsAt'],
  membership: ['user', 'resource', 'role', 'subscribed'],
  shared: ['resource'],
  rateLimit: ['resource', 'user', 'text'],
  reminders: ['key', 'email', 'status', 'invitedAt', 'expiresAt', 'resource'],
  reads: [],
}
const codeKeys = ['code', 'active', 'expires', 'usesLeft', 'uses', 'maxUses']
const accessKeys = ['resource', 'person', 'user']

/** Every table of the contracts, with its columns. */
function namedTables(contracts: Contracts): NamedTable[] {
  const { accessCodes: { codes } = {}, access, integrity = {} } = contracts
  return [
    ...Object.entries(columnKeys).flatMap(([key, keys]) => {
      const contract: unknown = Object.entries(contracts).find(([name]) => name === key)?.[1]
      if (!Array.isArray(contract)) return tableIn(`contracts.${key}`, contract, keys)
      return contract.flatMap((part, at) => tableIn(`contracts.${key}[${at}]`, part, keys))
    }),
    ...Object.entries(contracts.notifications?.kinds ?? {}).flatMap(([kind, { row }]) =>
      tableIn(`contracts.notifications.kinds.${kind}.row`, row, ['key'], row?.values),
    ),
    ...tableIn('contracts.reminders.tracking', contracts.reminders?.tracking, ['invitation', 'sentAt']),
    ...tableIn('contracts.accessCodes.codes', codes, codeKeys),
    ...tableIn('contracts.accessCodes.codes.visits', codes?.visits, ['code']),
    ...tableIn('contracts.access.invited', access?.invited, [], access?.invited?.values),
    ...(access?.tables ?? []).flatMap((part, at) =>
      tableIn(`contracts.access.tables[${at}]`, part, accessKeys, part.insert),
    ),
    ...(integrity.unique ?? []).flatMap(({ table, columns }, at) =>
      tableIn(
        `contracts.integrity.unique[${at}]`,
        { table },
        [],
        Object.fromEntries(columns.map((name) => [name, ''])),
      ),
    ),
    ...(integrity.references ?? []).flatMap(({ table, column, in: target, key }, at) => [
      ...tableIn(`contracts.integrity.references[${at}]`, { table, column }, ['column']),
      ...tableIn(`contracts.integrity.references[${at}]`, { table: target, key }, ['key']),
    ]),
    ...(integrity.checks ?? []).flatMap((part, at) => tableIn(`contracts.integrity.checks[${at}]`, part, [])),
  ]
}

/** The table that a part of a contract names; none when that part is not there. `values`: its keys are columns, too. */
function tableIn(
  path: string,
  part: unknown,
  keys: readonly string[],
  values: Readonly<Record<string, string>> = {},
): NamedTable[] {
  const texts = new Map(
    Object.entries(Object(part)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
  const name = texts.get('table')
  if (name === undefined) return []
  const beside = keys.flatMap((key) => {
    const column = texts.get(key)
    return column === undefined ? [] : [{ path: `${path}.${key}`, name: column }]
  })
  return [
    {
      path: `${path}.table`,
      name,
      columns: [...beside, ...Object.keys(values).map((column) => ({ path, name: column }))],
    },
  ]
}

async function takeCatalogue(database: Database): Promise<Catalogue> {
  await using session = await database.connect({ readOnly: true })
  const tables = await session.query<{ name: string; columns: string[] }>(`
    select n.nspname || '.' || c.relname as name,
      array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
    order by n.nspname <> 'public', c.relname collate "C"`)
  const functions = await session.query<{ name: string }>(`
    select distinct n.nspname || '.' || p.proname as name
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname not in ('pg_catalog', 'information_schema') order by 1`)
  return {
    tables: new Map(tables.rows.map(({ name, columns }) => [name, columns])),
    functions: new Set(functions.rows.map(({ name }) => name)),
  }
}

/** The nearest name there is; else one that holds it or is held by it; else, where there are few, all of them. */
function suggestion(name: string, known: readonly string[]): string {
  const found = nearest(name, known) ?? known.find((other) => other.includes(name) || name.includes(other))
  if (found !== undefined) return `; did you mean ${found}?`
  return known.length === 0 || known.length > 12 ? '' : `; there are ${known.join(', ')}`
}
