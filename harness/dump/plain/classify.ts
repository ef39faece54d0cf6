import type { SqlToken } from '../sql-words.ts'
import { type Classified, entryOn, refuse } from './classified.ts'
import { classifyAlter } from './classify-alter.ts'
import { classifyCreate } from './classify-create.ts'
import { classifyGrant } from './classify-grant.ts'
import { keyOf, relationKey, takeKind } from './object-kinds.ts'
import { Words } from './words.ts'

/** Pure. `escapes`: `standard_conforming_strings` is off. What pg_dump and the platform's CLI do not write is refused. */
export function classify(sql: string, escapes: boolean): Classified {
  const words = new Words(sql, escapes)
  const verb = words.next()
  if (!verb || verb.quoted || verb.literal) return refuse('no statement of SQL')
  switch (verb.text) {
    case 'create':
      return classifyCreate(words)
    case 'alter':
      return classifyAlter(words)
    case 'grant':
    case 'revoke':
      return classifyGrant(words)
    case 'comment':
    case 'security':
      return classifyComment(words, verb.text)
    case 'select':
      return classifySelect(words, sql)
    case 'refresh':
      return classifyRefresh(words)
    case 'set':
    case 'reset':
      return classifySetting(words, verb.text)
    case 'drop':
      return classifyDrop(words)
    // Every restored entry has a transaction already.
    case 'begin':
    case 'commit':
      return { is: 'skip' }
    case 'copy':
      return refuse(
        words.rest.some(({ text }) => text === 'program')
          ? 'a COPY that runs a program on the server'
          : 'a COPY with a file of the server',
      )
    default:
      return refuse(`a statement ${verb.text.toUpperCase()}, which no pg_dump writes`)
  }
}

function classifyDrop(words: Words): Classified {
  const kind = takeKind(words)
  if (!kind) return { is: 'skip' }
  words.take('if exists')
  return { is: 'drop', key: keyOf(kind, words.name()) }
}

/** COMMENT ON kind name IS … · SECURITY LABEL FOR provider ON kind name IS … */
function classifyComment(words: Words, verb: string): Classified {
  const type = verb === 'comment' ? 'COMMENT' : 'SECURITY LABEL'
  if (!words.skipTo('on')) return refuse(`a ${type} on nothing`)
  if (words.take('column')) {
    const table = words.name()
    words.take('.')
    const column = words.name().name
    return entryOn(type, table, `COLUMN ${table.name}.${column}`, [relationKey(table)])
  }
  if (words.take('constraint')) return commentOn(words, type, 'CONSTRAINT')
  const kind = takeKind(words)
  if (!kind) return refuse(`a ${type} on an unknown kind of object`)
  if (['trigger', 'policy', 'rule'].includes(kind.class)) return commentOn(words, type, kind.type)
  const object = words.name()
  const label = `${kind.type} ${object.name}${kind.called ? words.parentheses() : ''}`
  return entryOn(type, object, label, [keyOf(kind, object)])
}

/** … name ON [DOMAIN] table */
function commentOn(words: Words, type: string, kind: string): Classified {
  const { name } = words.name()
  words.skipTo('on')
  const owner = words.take('domain') ? 'type' : 'relation'
  const table = words.name()
  return entryOn(type, table, `${kind} ${name} ON ${table.name}`, [keyOf({ class: owner }, table)])
}

/** As pg_dump --clean drops large objects. */
const unlink =
  /^SELECT pg_catalog\.lo_unlink\((?:oid|'?\d+'?)\)(?: FROM pg_catalog\.pg_largeobject_metadata WHERE oid = '\d+')?;$/

/** Calls of pg_dump: search_path, sequences, large objects, statistics; with literals as their arguments. */
function classifySelect(words: Words, sql: string): Classified {
  if (unlink.test(sql)) return { is: 'skip' }
  if (/^SELECT \* FROM pg_catalog\.pg_restore_(relation|attribute)_stats\(/.test(sql)) {
    const [, name = ''] = /'relname', '((?:[^']|'')*)'/.exec(sql) ?? []
    return { is: 'entry', type: 'STATISTICS DATA', name, needs: [], grouped: true }
  }
  const call = words.take('pg_catalog .') ? (words.next()?.text ?? '') : ''
  const args = words.rest
  const known = /^(set_config|setval|lo_create|lo_open|lowrite|lo_close)$/.test(call)
  if (!known || !args.every(isLiteral)) return refuse('a SELECT that no pg_dump writes')
  const [first = '', second = ''] = args.filter((token) => token.literal).map(({ text }) => unquote(text))
  if (call === 'setval') {
    const sequence = new Words(first).name()
    return entryOn('SEQUENCE SET', sequence, sequence.name, [relationKey(sequence)])
  }
  if (call !== 'set_config') return { is: 'large-object', call, oid: first }
  return { is: 'setting', name: first, value: second }
}

function isLiteral({ literal, quoted, text }: SqlToken): boolean {
  return literal === true || (!quoted && /^([(),;]|true|false)$/.test(text))
}

function unquote(literal: string): string {
  return literal.replace(/^'([\s\S]*)'$/, '$1').replaceAll("''", "'")
}

function classifyRefresh(words: Words): Classified {
  if (!words.take('materialized view')) return refuse('a REFRESH of nothing')
  const view = words.name()
  return entryOn('MATERIALIZED VIEW DATA', view, view.name, [relationKey(view)])
}

function classifySetting(words: Words, verb: string): Classified {
  if (words.take('session authorization')) {
    const role = verb === 'reset' || words.take('default') ? '' : unquote(words.next()?.text ?? '')
    return { is: 'setting', name: 'session authorization', value: role }
  }
  const name = words.next()?.text ?? ''
  if (verb === 'reset') return name === 'all' ? { is: 'setting', name: 'reset', value: 'all' } : refuse('a RESET')
  words.take('to')
  const value = words.next()
  return { is: 'setting', name, value: unquote(value?.text ?? '') }
}
