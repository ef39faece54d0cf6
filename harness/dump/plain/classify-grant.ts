import { type Classified, entryOn } from './classified.ts'
import { keyOf, takeKind } from './object-kinds.ts'
import type { Words } from './words.ts'

/** What follows GRANT or REVOKE: … ON [kind] object TO|FROM role, or a membership: role TO role. */
export function classifyGrant(words: Words): Classified {
  const columns = words.rest.some(({ text, quoted }) => !quoted && text === '(')
  if (!words.skipTo('on')) return membership(words)
  if (words.take('all')) {
    const name = words.rest
      .map(({ text }) => text)
      .join(' ')
      .toUpperCase()
    return { is: 'entry', type: 'ACL', name: `ALL ${name.split(' TO ')[0]}`, needs: [], grouped: true }
  }
  const kind = takeKind(words) ?? { type: 'TABLE', class: 'relation' }
  const object = words.name()
  const label = `${kind.type === 'BLOB' ? 'LARGE OBJECT' : kind.type} ${object.name}${kind.called ? words.parentheses() : ''}`
  const needs = [keyOf(kind, object)]
  return {
    ...entryOn('ACL', object, columns && kind.class === 'relation' ? `COLUMN ${object.name}` : label, needs),
    grouped: true,
  }
}

function membership(words: Words): Classified {
  const role = words.name().name
  words.skipTo('to')
  const member = words.name().name
  const needs = [role, member].map((name) => keyOf({ class: 'role' }, { name }))
  return { is: 'entry', type: 'ROLE MEMBERSHIP', name: `${role} TO ${member}`, needs }
}
