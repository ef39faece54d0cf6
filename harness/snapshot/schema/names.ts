import { displayIdentifier, displayName } from '../../database/identifiers.ts'
import type { Facts, ObjectId } from './delta.ts'

/** The object that a fact belongs to, as findings and expectations write it: a column, policy or index belongs to its table. */
export function objectOf(id: ObjectId, facts: readonly Facts[]): string {
  switch (id.kind) {
    case 'column':
    case 'constraint':
    case 'trigger':
    case 'rule':
    case 'policy':
    case 'default':
      return displayName(id.schema, id.table)
    case 'index': {
      const parent = facts.map((base) => base.get(id)?.parent).find((found) => found !== undefined)
      return parent ? objectOf(parent, facts) : displayName(id.schema, id.name)
    }
    case 'function':
    case 'procedure':
    case 'aggregate':
      return `${displayName(id.schema, id.name)}(${id.args.map(shortType).join(',')})`
    case 'typeAttribute':
      return displayName(id.schema, id.type)
    case 'publicationRel':
    case 'publicationSchema':
      return displayIdentifier(id.publication)
    case 'comment':
    case 'acl':
    case 'securityLabel':
      return objectOf(id.target, facts)
    case 'membership':
    case 'userMapping':
      return displayIdentifier(id.role)
    case 'defaultPrivilege':
      return id.schema === null ? displayIdentifier(id.role) : displayIdentifier(id.schema)
    case 'extensionIntent':
      return displayIdentifier(id.ext)
    default:
      return 'schema' in id ? displayName(id.schema, id.name) : displayIdentifier(id.name)
  }
}

/** The schema that a fact lies in; undefined for what lies in none (roles, extensions, publications). */
export function schemaOf(id: ObjectId): string | undefined {
  if ('target' in id) return schemaOf(id.target)
  if (id.kind === 'schema') return id.name
  return 'schema' in id && id.schema !== null ? id.schema : undefined
}

/** The short names of types that Postgres writes with spaces, so that an expectation can name the function. */
function shortType(type: string): string {
  for (const [long, short] of shortTypes) if (type === long || type === `${long}[]`) return type.replace(long, short)
  return type
}

const shortTypes: readonly (readonly [string, string])[] = [
  ['timestamp with time zone', 'timestamptz'],
  ['timestamp without time zone', 'timestamp'],
  ['time with time zone', 'timetz'],
  ['time without time zone', 'time'],
  ['character varying', 'varchar'],
  ['double precision', 'float8'],
  ['bit varying', 'varbit'],
]

/** A fact's kind and own name in plain words: `column timezone`, `policy "own profile"`, `grants to anon`. */
export function words(id: ObjectId): string {
  switch (id.kind) {
    case 'acl':
      return id.column === undefined ? `grants to ${id.grantee}` : `grants on column ${id.column} to ${id.grantee}`
    case 'comment':
      return 'target' in id && isPart(id.target) ? `comment on ${words(id.target)}` : 'comment'
    case 'securityLabel':
      return 'security label'
    case 'defaultPrivilege':
      return `default privileges on ${defaultObjects[id.objtype] ?? id.objtype}${id.schema === null ? '' : ` in ${id.schema}`} of ${id.role} to ${id.grantee}`
    case 'membership':
      return `membership of ${id.member} in ${id.role}`
    case 'userMapping':
      return `user mapping of ${id.role} on ${id.server}`
    case 'publicationRel':
      return `table ${displayName(id.schema, id.table)} of the publication`
    case 'publicationSchema':
      return `schema ${id.schema} of the publication`
    case 'policy':
      return `policy "${id.name}"`
    case 'default':
      return `default of column ${id.name}`
    case 'typeAttribute':
      return `attribute ${id.name}`
    case 'extensionIntent':
      return `${id.intentKind} ${id.key}`
    default:
      return `${kindWords[id.kind] ?? id.kind} ${displayIdentifier(id.name)}`
  }
}

/** The kind of an object in plain words: `materialized view`. */
export function kindOf(id: ObjectId): string {
  return kindWords[id.kind] ?? id.kind
}

/** Whether the fact is a part of a bigger object, rather than one by itself. */
export function isPart(id: ObjectId): boolean {
  return parts.has(id.kind)
}

const parts: ReadonlySet<ObjectId['kind']> = new Set([
  'column',
  'constraint',
  'trigger',
  'rule',
  'policy',
  'default',
  'index',
  'typeAttribute',
  'publicationRel',
  'publicationSchema',
  'comment',
  'acl',
  'securityLabel',
  'membership',
  'defaultPrivilege',
])

const kindWords: Partial<Record<ObjectId['kind'], string>> = {
  materializedView: 'materialized view',
  foreignTable: 'foreign table',
  eventTrigger: 'event trigger',
  fdw: 'foreign data wrapper',
}

const defaultObjects: Readonly<Record<string, string>> = {
  r: 'tables',
  S: 'sequences',
  f: 'functions',
  T: 'types',
  n: 'schemas',
}
