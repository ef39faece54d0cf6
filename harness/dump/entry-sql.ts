import { qualified, quoteIdentifier } from '../database/identifiers.ts'
import type { TocEntry } from './dump.ts'

const namedTypes: ReadonlySet<string> = new Set([
  'COLLATION',
  'CONVERSION',
  'DOMAIN',
  'EVENT TRIGGER',
  'FOREIGN DATA WRAPPER',
  'FOREIGN TABLE',
  'MATERIALIZED VIEW',
  'PROCEDURAL LANGUAGE',
  'PUBLICATION',
  'SCHEMA',
  'SEQUENCE',
  'SERVER',
  'STATISTICS',
  'TABLE',
  'TEXT SEARCH CONFIGURATION',
  'TEXT SEARCH DICTIONARY',
  'TYPE',
  'VIEW',
])

/** Types whose name in SQL takes more than an identifier (arguments, access method): their DROP statement has it. */
const decoratedTypes: ReadonlySet<string> = new Set([
  'AGGREGATE',
  'FUNCTION',
  'OPERATOR',
  'OPERATOR CLASS',
  'OPERATOR FAMILY',
  'PROCEDURE',
])

/** `ALTER … OWNER TO …`, or nothing for what has no owner of its own: the admin role creates, the owner gets it. */
export function ownerStatement(entry: TocEntry): string {
  if (!entry.owner || !entry.dropStatement) return ''
  const owner = ` OWNER TO ${quoteIdentifier(entry.owner)};\n`
  if (entry.type === 'BLOB') return /^\d+$/.test(entry.name) ? `ALTER LARGE OBJECT ${entry.name}${owner}` : ''
  if (namedTypes.has(entry.type)) {
    const name = entry.schema ? qualified(entry.schema, entry.name) : quoteIdentifier(entry.name)
    return `ALTER ${entry.type} ${name}${owner}`
  }
  if (!decoratedTypes.has(entry.type)) return ''
  return `ALTER ${entry.dropStatement.replace(/^DROP /, '').replace(/[;\s]+$/, '')}${owner}`
}

/** Since 17 the large objects of one owner share an entry, whose definition is the list of their oids. */
export function largeObjectOids(metadata: TocEntry | undefined): string[] {
  return (metadata?.definition ?? '').split(/\s+/).filter((oid) => /^\d+$/.test(oid))
}

export function createLargeObjects(metadata: TocEntry): string {
  return largeObjectOids(metadata)
    .map((oid) => {
      const owner = metadata.owner ? `ALTER LARGE OBJECT ${oid} OWNER TO ${quoteIdentifier(metadata.owner)};\n` : ''
      return `SELECT pg_catalog.lo_create('${oid}');\n${owner}`
    })
    .join('')
}

/** Their ACL entry has the grants of the first one, meant for all. */
export function grantOnLargeObjects(acl: TocEntry, metadata: TocEntry | undefined): string {
  return largeObjectOids(metadata)
    .map((oid) => acl.definition.replace(/\bLARGE OBJECT \d+/g, `LARGE OBJECT ${oid}`))
    .join('')
}

const identifier = '(?:"(?:[^"]|"")*"|[\\w$]+)'
const databaseName = new RegExp(`\\b(ALTER DATABASE|ON DATABASE|IN DATABASE) ${identifier}`, 'g')

/** The same statements about the database `name`. */
export function aboutDatabase(definition: string, name: string): string {
  return definition.replace(databaseName, (_, words: string) => `${words} ${quoteIdentifier(name)}`)
}

/** Drops settings that load libraries which a plain server lacks: with them no login of that role works. */
export function withoutPreloads(definition: string): { readonly sql: string; readonly dropped: number } {
  const statements = definition.split(/(?<=;\n)/)
  const kept = statements.filter(
    (statement) => !/\bSET "?(?:session|local|shared)_preload_libraries"?\b/i.test(statement),
  )
  return { sql: kept.join(''), dropped: statements.length - kept.length }
}
