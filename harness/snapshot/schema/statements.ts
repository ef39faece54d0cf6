import type { FactChange, ObjectFact } from './delta.ts'
import { kindOf, words } from './names.ts'

/** What a change does to whoever relies on the object. */
export type ChangeClass = 'additive' | 'altering' | 'destructive'

export function classOf(change: FactChange): ChangeClass {
  switch (change.verb) {
    case 'added':
      return 'additive'
    case 'removed':
      return loose.has(change.fact.id.kind) ? 'altering' : 'destructive'
    case 'altered':
      if (change.attribute === 'values') return gone(change.from, change.to).length > 0 ? 'destructive' : 'additive'
      return 'altering'
    case 'owner':
      return 'altering'
  }
}

/** Facts that say who may do what, or how: taking one away changes the object and destroys nothing. */
const loose: ReadonlySet<ObjectFact['id']['kind']> = new Set([
  'acl',
  'comment',
  'default',
  'policy',
  'defaultPrivilege',
  'securityLabel',
  'membership',
])

/** One change as a line of evidence: `added: column timezone (text, not null)`. */
export function statement(change: FactChange): string {
  switch (change.verb) {
    case 'added':
      return grantsNothing(change.fact)
        ? `changed: ${words(change.fact.id)}: what is granted by default is taken away`
        : `added: ${described(change.fact)}`
    case 'removed':
      return `removed: ${described(change.fact)}`
    case 'owner':
      return `changed: ${kindOf(change.id)} belongs to ${change.to} instead of ${change.from}`
    case 'altered':
      return `changed: ${altered(change)}`
  }
}

/** A grant of nothing stands in the catalogue where a default one was revoked. */
const grantsNothing = ({ id, payload }: ObjectFact) => id.kind === 'acl' && asList(payload.privileges).length === 0

function described({ id, payload }: ObjectFact): string {
  const facts = [
    id.kind === 'column' ? payload.type : undefined,
    payload.notNull === true ? 'not null' : undefined,
    payload.validated === false ? 'not validated' : undefined,
    id.kind === 'acl' ? list(payload.privileges) : undefined,
    id.kind === 'policy'
      ? `for ${policyCommands[String(payload.cmd)] ?? payload.cmd} to ${list(payload.roles) || 'everyone'}`
      : undefined,
    id.kind === 'table' ? `row-level security ${payload.rowSecurity ? 'on' : 'off'}` : undefined,
  ].filter((fact) => fact !== undefined)
  return facts.length > 0 ? `${words(id)} (${facts.join(', ')})` : words(id)
}

function altered({ id, attribute, from, to }: Extract<FactChange, { verb: 'altered' }>): string {
  const name = words(id)
  const shown = (value: unknown) => (Array.isArray(value) ? list(value) || 'none' : String(value))
  switch (`${id.kind}.${attribute}`) {
    case 'table.rowSecurity':
      return `row-level security switched ${to ? 'on' : 'off'}`
    case 'table.forceRowSecurity':
      return `row-level security ${to ? 'also' : 'no longer'} holds for the owner`
    case 'column.notNull':
      return `${name} ${to ? 'must have' : 'may lack'} a value`
    case 'trigger.enabled':
      return `${name} switched ${to === 'D' ? 'off' : from === 'D' ? 'on' : 'to another mode'}`
    case 'constraint.validated':
      return `${name} is ${to ? 'validated' : 'not validated any more'}`
    case 'index.valid':
      return `${name} is ${to ? 'valid' : 'not valid any more'}`
    case 'type.values':
      return `${name}: ${[...gone(to, from).map((value) => `value ${value} added`), ...gone(from, to).map((value) => `value ${value} removed`)].join(', ') || 'order of values'}`
    case 'column.type':
    case 'function.returnType':
    case 'acl.privileges':
    case 'policy.roles':
    case 'policy.cmd':
      return `${name}: ${attributes[attribute] ?? attribute} ${shown(from)} → ${shown(to)}`
    default:
      return `${name}: ${attributes[attribute] ?? attribute}`
  }
}

const gone = (from: unknown, to: unknown) => asList(from).filter((value) => !asList(to).includes(value))
const asList = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])
const list = (value: unknown) => asList(value).join(', ')

const policyCommands: Readonly<Record<string, string>> = {
  r: 'select',
  a: 'insert',
  w: 'update',
  d: 'delete',
  '*': 'all',
}

const attributes: Readonly<Record<string, string>> = {
  type: 'type',
  def: 'definition',
  returnType: 'returns',
  privileges: 'rights',
  roles: 'for',
  cmd: 'command',
  usingExpr: 'condition on rows read',
  checkExpr: 'condition on rows written',
  expr: 'expression',
  generatedExpr: 'generated expression',
  reloptions: 'options',
  text: 'text',
  grantable: 'rights to pass on',
}
