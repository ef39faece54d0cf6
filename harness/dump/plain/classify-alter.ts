import { type Classified, type EntryStatement, entryOn, refuse } from './classified.ts'
import { keyOf, type ObjectKind, relationKey, takeKind } from './object-kinds.ts'
import type { ObjectName, Words } from './words.ts'

/** What follows ALTER. */
export function classifyAlter(words: Words): Classified {
  if (words.take('default privileges')) return defaultPrivileges(words)
  const kind = takeKind(words)
  if (!kind || kind.class === 'extension') return refuse('an ALTER that no pg_dump writes')
  words.take('if exists')
  words.take('only')
  const object = words.name()
  if (kind.called) words.parentheses()
  if (kind.class === 'relation' && kind.type !== 'INDEX') {
    const own = ownEntry(words, object)
    if (own) return own
  }
  if (kind.type === 'INDEX' && words.take('attach partition')) {
    const child = words.name()
    const key = `attached ${relationKey(object)}`
    return { ...entryOn('INDEX ATTACH', child, child.name, [relationKey(child), relationKey(object)]), key }
  }
  if (kind.type === 'PUBLICATION' && words.take('add')) return addToPublication(words, object)
  if (kind.type === 'DOMAIN' && words.take('add constraint')) {
    return entryOn('CHECK CONSTRAINT', object, `${object.name} ${words.name().name}`, [keyOf(kind, object)])
  }
  if (kind.type === 'DATABASE' && !words.take('owner to')) return properties(object.name)
  if (kind.type === 'ROLE') return alterRole(words, object)
  if (kind.type === 'INDEX' || kind.type === 'TYPE' || words.rest.length > 0) return part(words, kind, object)
  return refuse('an ALTER that no pg_dump writes')
}

/** Clauses of ALTER TABLE that pg_dump gives an entry of their own. */
function ownEntry(words: Words, table: ObjectName): Classified | undefined {
  const on = relationKey(table)
  if (words.take('enable row level security')) return entryOn('ROW SECURITY', table, table.name, [on])
  if (words.take('attach partition')) {
    const child = words.name()
    return entryOn('TABLE ATTACH', child, child.name, [relationKey(child), on])
  }
  if (words.take('owned by')) return sequenceOwner(words, table)
  if (words.take('add constraint')) return constraint(words, table)
  if (words.take('disable trigger all') || words.take('enable trigger all')) return { is: 'skip' }
  if (words.take('drop')) return { is: 'skip' }
  if (!words.take('alter column')) return undefined
  const column = words.name().name
  if (words.take('set default')) return entryOn('DEFAULT', table, `${table.name} ${column}`, [on])
  if (words.take('drop default')) return { is: 'skip' }
  if (!words.take('add generated')) return undefined
  words.skipTo('as')
  words.take('identity')
  const options = words.rest.findIndex(({ text, quoted }) => !quoted && text === 'name')
  for (let i = 0; i <= options; i++) words.next()
  const sequence = words.name()
  return { ...entryOn('SEQUENCE', sequence, sequence.name, [on]), key: relationKey(sequence) }
}

function sequenceOwner(words: Words, sequence: ObjectName): Classified {
  const table = words.name()
  return entryOn('SEQUENCE OWNED BY', sequence, sequence.name, [relationKey(sequence), relationKey(table)])
}

function constraint(words: Words, table: ObjectName): Classified {
  const { name } = words.name()
  const on = relationKey(table)
  const label = `${table.name} ${name}`
  if (words.take('foreign key')) {
    words.skipTo('references')
    const target = words.name()
    return entryOn('FK CONSTRAINT', table, label, [on, relationKey(target), `unique ${relationKey(target)}`])
  }
  if (words.takeAny('primary key', 'unique', 'exclude')) {
    // The index behind it has its name.
    return { ...entryOn('CONSTRAINT', table, label, [on]), key: relationKey({ ...table, name }) }
  }
  return entryOn('CHECK CONSTRAINT', table, label, [on])
}

function addToPublication(words: Words, publication: ObjectName): Classified {
  const own = keyOf({ class: 'publication' }, publication)
  if (words.takeAny('tables in schema', 'all tables in schema')) {
    const schema = words.name().name
    return {
      is: 'entry',
      type: 'PUBLICATION TABLES IN SCHEMA',
      name: `${publication.name} ${schema}`,
      needs: [own, `schema .${schema}`],
    }
  }
  words.take('table')
  words.take('only')
  const table = words.name()
  return entryOn('PUBLICATION TABLE', table, `${publication.name} ${table.name}`, [own, relationKey(table)])
}

function properties(database: string): EntryStatement {
  return { is: 'entry', type: 'DATABASE PROPERTIES', name: database, needs: [], grouped: true }
}

/** ALTER ROLE r WITH … · ALTER ROLE r [IN DATABASE d] SET … */
function alterRole(words: Words, { name }: ObjectName): Classified {
  if (words.take('in database')) return properties(words.name().name)
  const needs = [keyOf({ class: 'role' }, { name })]
  if (words.takeAny('set', 'reset')) return { is: 'entry', type: 'ROLE SETTINGS', name, needs, grouped: true }
  const otherwise: EntryStatement = {
    is: 'entry',
    type: 'ROLE',
    name,
    needs: [],
    key: keyOf({ class: 'role' }, { name }),
  }
  return { is: 'part', of: needs[0] ?? '', otherwise }
}

/** ALTER DEFAULT PRIVILEGES FOR ROLE r [IN SCHEMA s] GRANT … ON TABLES TO … */
function defaultPrivileges(words: Words): Classified {
  words.skipTo('role')
  const role = words.name().name
  const schema = words.take('in schema') ? words.name().name : undefined
  words.skipTo('on')
  const name = `DEFAULT PRIVILEGES FOR ${words.next()?.text.toUpperCase() ?? ''}`
  return {
    is: 'entry',
    type: 'DEFAULT ACL',
    ...(schema === undefined ? {} : { schema }),
    name,
    needs: [`role .${role}`],
    grouped: true,
  }
}

function part(words: Words, kind: ObjectKind, object: ObjectName): Classified {
  // What is said of a table by the name of one of its indexes or triggers has to wait for that.
  const named = partNamed(words, object)
  const owner = words.skipTo('owner') && words.take('to') ? words.name().name : undefined
  const otherwise: EntryStatement = entryOn(kind.type, object, object.name, [keyOf(kind, object)])
  return { is: 'part', of: named ?? keyOf(kind, object), ...(owner === undefined ? {} : { owner }), otherwise }
}

function partNamed(words: Words, table: ObjectName): string | undefined {
  if (words.take('replica identity using index') || words.take('cluster on')) {
    return relationKey({ ...table, name: words.name().name })
  }
  words.takeAny('enable', 'disable')
  words.takeAny('always', 'replica')
  const kind = words.takeAny('trigger', 'rule')
  return kind === undefined
    ? undefined
    : keyOf({ class: kind }, { ...table, name: `${table.name} ${words.name().name}` })
}
