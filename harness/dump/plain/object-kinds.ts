import type { Section } from '../dump.ts'
import type { ObjectName, Words } from './words.ts'

/** A kind of object, as SQL calls it. */
export type ObjectKind = {
  /** Of its entry in a table of contents. */
  readonly type: string
  /** Objects of one class share their names: a table and a view cannot have the same. */
  readonly class: string
  /** Its name is followed by arguments. */
  readonly called?: true
}

/** The longer ones first, where one begins like another. */
const kinds: readonly (readonly [words: string, kind: ObjectKind])[] = [
  ['materialized view', { type: 'MATERIALIZED VIEW', class: 'relation' }],
  ['foreign data wrapper', { type: 'FOREIGN DATA WRAPPER', class: 'wrapper' }],
  ['foreign table', { type: 'FOREIGN TABLE', class: 'relation' }],
  ['foreign server', { type: 'SERVER', class: 'server' }],
  ['event trigger', { type: 'EVENT TRIGGER', class: 'event trigger' }],
  ['text search configuration', { type: 'TEXT SEARCH CONFIGURATION', class: 'text search configuration' }],
  ['text search dictionary', { type: 'TEXT SEARCH DICTIONARY', class: 'text search dictionary' }],
  ['text search parser', { type: 'TEXT SEARCH PARSER', class: 'text search parser' }],
  ['text search template', { type: 'TEXT SEARCH TEMPLATE', class: 'text search template' }],
  ['operator class', { type: 'OPERATOR CLASS', class: 'operator class' }],
  ['operator family', { type: 'OPERATOR FAMILY', class: 'operator family' }],
  ['operator', { type: 'OPERATOR', class: 'operator' }],
  ['access method', { type: 'ACCESS METHOD', class: 'access method' }],
  ['user mapping', { type: 'USER MAPPING', class: 'user mapping' }],
  ['large object', { type: 'BLOB', class: 'large object' }],
  ['procedural language', { type: 'PROCEDURAL LANGUAGE', class: 'language' }],
  ['language', { type: 'PROCEDURAL LANGUAGE', class: 'language' }],
  ['table', { type: 'TABLE', class: 'relation' }],
  ['view', { type: 'VIEW', class: 'relation' }],
  ['sequence', { type: 'SEQUENCE', class: 'relation' }],
  ['index', { type: 'INDEX', class: 'relation' }],
  ['function', { type: 'FUNCTION', class: 'function', called: true }],
  ['procedure', { type: 'PROCEDURE', class: 'function', called: true }],
  ['routine', { type: 'FUNCTION', class: 'function', called: true }],
  ['aggregate', { type: 'AGGREGATE', class: 'function', called: true }],
  ['type', { type: 'TYPE', class: 'type' }],
  ['domain', { type: 'DOMAIN', class: 'type' }],
  ['schema', { type: 'SCHEMA', class: 'schema' }],
  ['extension', { type: 'EXTENSION', class: 'extension' }],
  ['publication', { type: 'PUBLICATION', class: 'publication' }],
  ['subscription', { type: 'SUBSCRIPTION', class: 'subscription' }],
  ['server', { type: 'SERVER', class: 'server' }],
  ['collation', { type: 'COLLATION', class: 'collation' }],
  ['conversion', { type: 'CONVERSION', class: 'conversion' }],
  ['statistics', { type: 'STATISTICS', class: 'statistics' }],
  ['cast', { type: 'CAST', class: 'cast' }],
  ['transform', { type: 'TRANSFORM', class: 'transform' }],
  ['policy', { type: 'POLICY', class: 'policy' }],
  ['trigger', { type: 'TRIGGER', class: 'trigger' }],
  ['rule', { type: 'RULE', class: 'rule' }],
  ['database', { type: 'DATABASE', class: 'database' }],
  ['tablespace', { type: 'TABLESPACE', class: 'tablespace' }],
  ['role', { type: 'ROLE', class: 'role' }],
  ['user', { type: 'ROLE', class: 'role' }],
  ['parameter', { type: 'PARAMETER', class: 'parameter' }],
]

/** Takes the words for a kind of object. */
export function takeKind(words: Words): ObjectKind | undefined {
  return kinds.find(([phrase]) => words.take(phrase))?.[1]
}

/** By which an object is found again: what names it elsewhere need not know whether it is a table or a view. */
export function keyOf(kind: Pick<ObjectKind, 'class'>, { schema, name }: ObjectName): string {
  return `${kind.class} ${schema ?? ''}.${name}`
}

export function relationKey(name: ObjectName): string {
  return keyOf({ class: 'relation' }, name)
}

const noSection: ReadonlySet<string> = new Set(['ACL', 'COMMENT', 'SECURITY LABEL'])
const data: ReadonlySet<string> = new Set(['TABLE DATA', 'SEQUENCE SET', 'BLOBS', 'BLOB METADATA', 'STATISTICS DATA'])
const postData: ReadonlySet<string> = new Set([
  ...['INDEX', 'INDEX ATTACH', 'CONSTRAINT', 'FK CONSTRAINT', 'CHECK CONSTRAINT', 'STATISTICS', 'TRIGGER', 'RULE'],
  ...['POLICY', 'ROW SECURITY', 'EVENT TRIGGER', 'PUBLICATION', 'PUBLICATION TABLE', 'PUBLICATION TABLES IN SCHEMA'],
  ...['SUBSCRIPTION', 'SUBSCRIPTION TABLE', 'MATERIALIZED VIEW DATA', 'DEFAULT ACL'],
])

/** `postponed`: it stands behind the data, though its kind belongs before it: it needs an index or a constraint. */
export function sectionOf(type: string, postponed: boolean): Section {
  if (noSection.has(type)) return 'none'
  if (data.has(type)) return 'data'
  return postData.has(type) || postponed ? 'post-data' : 'pre-data'
}
