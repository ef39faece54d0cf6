import { isWord } from '../sql-words.ts'
import { type Classified, type EntryStatement, entryOn, refuse } from './classified.ts'
import { keyOf, type ObjectKind, relationKey, takeKind } from './object-kinds.ts'
import type { ObjectName, Words } from './words.ts'

const modifiers = ['or replace', 'unlogged', 'unique', 'constraint', 'trusted', 'default', 'recursive'] as const

/** Languages whose functions can do no more than SQL can. */
const trustedLanguages: ReadonlySet<string> = new Set(['sql', 'plpgsql', 'plv8', 'plcoffee', 'plls', 'plperl', 'pltcl'])
const untrustedExtension = /^(pl(python|perl|tcl|lua)\d?u|plpython[23]u|plsh|pljava|plr|plrust|file_fdw|adminpack)$/

/** What follows CREATE. */
export function classifyCreate(words: Words): Classified {
  while (words.takeAny(...modifiers));
  const kind = takeKind(words)
  if (!kind) return refuse('a CREATE of an unknown kind of object')
  words.take('if not exists')
  switch (kind.class) {
    case 'cast':
      return { is: 'entry', type: 'CAST', name: `CAST ${words.parentheses()}`, needs: [] }
    case 'transform':
      return {
        is: 'entry',
        type: 'TRANSFORM',
        name: `TRANSFORM ${words.rest.map(({ text }) => text).join(' ')}`,
        needs: [],
      }
    case 'user mapping':
      return userMapping(words)
    case 'trigger':
    case 'policy':
    case 'rule':
      return onTable(words, kind)
    case 'language':
      return refuseUntrusted(words.name().name)
    case 'function':
      return createFunction(words, kind)
    case 'extension':
      return createExtension(words, kind)
  }
  const object = words.name()
  if (kind.type === 'INDEX') return createIndex(words, object)
  const entry = made(kind, object, object.name)
  const from = kind.type === 'STATISTICS' && words.skipTo('from') ? [relationKey(words.name())] : []
  const server =
    kind.type === 'FOREIGN TABLE' && words.skipTo('server') ? [keyOf({ class: 'server' }, words.name())] : []
  const wrapper = kind.type === 'SERVER' && words.skipTo('wrapper') ? [keyOf({ class: 'wrapper' }, words.name())] : []
  return { ...entry, needs: [...entry.needs, ...from, ...server, ...wrapper] }
}

function made(kind: ObjectKind, object: ObjectName, name: string): EntryStatement {
  const needs = object.schema === undefined ? [] : [keyOf({ class: 'schema' }, { name: object.schema })]
  return { ...entryOn(kind.type, object, name, needs), key: keyOf(kind, object) }
}

function createIndex(words: Words, index: ObjectName): Classified {
  words.skipTo('on')
  words.take('only')
  const table = words.name()
  const key = relationKey({ ...table, name: index.name })
  return { ...entryOn('INDEX', table, index.name, [relationKey(table)]), key }
}

/** TRIGGER name … ON table · POLICY name ON table · RULE name AS ON event TO table · EVENT TRIGGER is none of them. */
function onTable(words: Words, kind: ObjectKind): Classified {
  const { name } = words.name()
  words.skipTo('on')
  if (kind.class === 'rule') words.skipTo('to')
  const table = words.name()
  const key = keyOf(kind, { ...table, name: `${table.name} ${name}` })
  return { ...entryOn(kind.type, table, `${table.name} ${name}`, [relationKey(table)]), key }
}

function userMapping(words: Words): Classified {
  words.take('for')
  const user = words.name().name
  words.skipTo('server')
  const server = words.name()
  return {
    is: 'entry',
    type: 'USER MAPPING',
    name: `USER MAPPING ${user} SERVER ${server.name}`,
    needs: [keyOf({ class: 'server' }, server)],
  }
}

function createFunction(words: Words, kind: ObjectKind): Classified {
  const name = words.name()
  const entry = made(kind, name, `${name.name}${words.parentheses()}`)
  if (kind.type === 'AGGREGATE') return entry
  const rest = words.rest
  // Wherever it stands: the words in front of it are the types and the values of what the function returns.
  const languages = rest.flatMap((word, i) =>
    isWord(word, 'language') ? [rest[i + 1]?.text.replaceAll("'", '') ?? ''] : [],
  )
  const untrusted = languages.find((language) => !trustedLanguages.has(language.toLowerCase()))
  return untrusted === undefined ? entry : refuseUntrusted(untrusted)
}

function createExtension(words: Words, kind: ObjectKind): Classified {
  const extension = words.name()
  if (untrustedExtension.test(extension.name))
    return refuse(`extension ${extension.name}, which can run programs on the server`)
  const schema = words.skipTo('schema') ? [keyOf({ class: 'schema' }, words.name())] : []
  return { ...made(kind, extension, extension.name), needs: schema }
}

function refuseUntrusted(language: string): Classified {
  return refuse(`a function or language that is not trusted (${language}), which can run programs on the server`)
}
