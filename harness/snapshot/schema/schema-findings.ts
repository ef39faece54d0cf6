import { displayIdentifier, displayName } from '../../database/identifiers.ts'
import type { Finding } from '../../model/finding.ts'
import { publicRoles } from './api-facts.ts'
import { type FactChange, idText, type ObjectFact, type ObjectId } from './delta.ts'
import { guardFindings, hazard, switchedOff } from './guards.ts'
import { isPart, kindOf, objectOf } from './names.ts'
import type { Renames } from './renames.ts'
import { classOf, statement } from './statements.ts'
import type { SchemaFacts } from './take-schema.ts'

/** All changes of one object. */
type Group = { readonly object: string; readonly changes: readonly FactChange[] }

/** One finding for each object that changed, and one for each of its changes that may do harm. Pure. */
export function schemaFindings(
  before: SchemaFacts,
  after: SchemaFacts,
  changes: readonly FactChange[],
  renames: Renames,
): readonly Finding[] {
  const bases = [before.facts, after.facts]
  const replaced = new Map([...renames.tables].map(([from, to]) => [to, from]))
  const groups = Map.groupBy(changes, (change) => {
    const object = objectOf(idOf(change), bases)
    return replaced.get(object) ?? object
  })
  return [...groups]
    .map(([object, own]) => ({ object, changes: own }))
    .sort((left, right) => (left.object < right.object ? -1 : 1))
    .flatMap((group) => groupFindings(group, before, after, renames))
}

function groupFindings(group: Group, before: SchemaFacts, after: SchemaFacts, renames: Renames): readonly Finding[] {
  const renamed = renames.tables.get(group.object)
  const removed = group.changes.flatMap((change) => (change.verb === 'removed' ? [change.fact] : []))
  const gone = removed.find((fact) => !isPart(fact.id))
  const drops: Finding[] = []
  if (gone && renamed === undefined && !isOwned(gone, before, after)) {
    const heir = heirOf(gone, after)
    if (heir === undefined && onlyForTriggers(gone)) {
      return [changed(group.object, `The trigger function ${group.object} was dropped or renamed.`, group.changes)]
    }
    if (heir === undefined) return [dropped(gone.id, group.object)]
    drops.push(changed(group.object, `${group.object} was replaced: ${heir}.`, group.changes))
    return drops
  }
  if (gone && renamed === undefined) return []
  const columns = removed.filter((fact) => fact.id.kind === 'column')
  const notices = group.changes.flatMap((change) => notice(change, group.object, before, after))
  const lost = columns.flatMap((fact) => columnFinding(fact, group.object, renamed, after, renames))
  const guards = guardFindings(removed, group.object, renamed ?? group.object, before, after)
  return [...lost, ...guards, ...notices, ...summary(group, renamed, renames)]
}

function columnFinding(
  fact: ObjectFact,
  object: string,
  renamed: string | undefined,
  after: SchemaFacts,
  renames: Renames,
): readonly Finding[] {
  if (fact.id.kind !== 'column' || renames.columns.has(`${object}/${fact.id.name}`)) return []
  const { name } = fact.id
  if (
    renamed !== undefined &&
    after.facts
      .facts()
      .some(({ id }) => id.kind === 'column' && id.name === name && displayName(id.schema, id.table) === renamed)
  )
    return []
  return [
    {
      kind: 'schema.column-dropped',
      object,
      columns: [name],
      title: `Column ${displayIdentifier(name)} of ${object} was dropped.`,
      evidence: [`Its type was ${fact.payload.type}.`],
    },
  ]
}

/** Changes that a reader should see by themselves. */
function notice(change: FactChange, object: string, before: SchemaFacts, after: SchemaFacts): readonly Finding[] {
  const id = idOf(change)
  const fact = after.facts.get(id)
  const was = before.facts.get(id)
  const danger = hazard(change, object, before)
  if (danger) return [danger]
  if (id.kind === 'trigger' && change.verb === 'altered' && change.attribute === 'enabled' && isOff(change.to)) {
    return isOff(change.from) ? [] : [switchedOff(id.name, object)]
  }
  if (id.kind === 'column' && change.verb === 'altered' && change.attribute === 'type') {
    return [
      {
        kind: 'schema.type-changed',
        object,
        columns: [id.name],
        title: `Column ${displayIdentifier(id.name)} of ${object} is ${change.to} instead of ${change.from}.`,
        evidence: [statement(change)],
      },
    ]
  }
  if (id.kind === 'constraint' && fact?.payload.validated === false && was?.payload.validated !== false) {
    return [
      {
        kind: 'schema.constraint-not-validated',
        object,
        title: `Constraint ${displayIdentifier(id.name)} of ${object} is not validated: rows that are there already may break it.`,
        evidence: [statement(change)],
        fix: `alter table ${object} validate constraint ${displayIdentifier(id.name)};`,
      },
    ]
  }
  if (id.kind === 'index' && fact?.payload.valid === false && was?.payload.valid !== false) {
    return [
      {
        kind: 'schema.index-invalid',
        object: displayName(id.schema, id.name),
        title: `Index ${displayIdentifier(id.name)} of ${object} is invalid: its concurrent build failed.`,
        evidence: [statement(change)],
        fix: `drop index ${displayName(id.schema, id.name)};`,
      },
    ]
  }
  if (
    id.kind === 'table' &&
    change.verb === 'altered' &&
    change.attribute === 'rowSecurity' &&
    change.to === false &&
    !isOffered(object, after)
  ) {
    return [
      {
        kind: 'access.rls-disabled',
        object,
        title: `Row security was switched off for ${object}, which the Data API does not offer to anybody now.`,
        evidence: ['The next grant on it, or the next schema that the API serves, opens every row.'],
        severity: 'warning',
        fix: `alter table ${object} enable row level security;`,
      },
    ]
  }
  return []
}

/** A table that the API offers is judged by who reaches its rows: the access stage says so, with the rows. */
function isOffered(object: string, { api }: SchemaFacts): boolean {
  const relation = api.relations.find((one) => one.object === object)
  return relation !== undefined && publicRoles.some((role) => relation.columns[role].length > 0)
}

function summary({ object, changes }: Group, renamed: string | undefined, renames: Renames): readonly Finding[] {
  if (changes.length === 0) return []
  const made = changes.find((change) => change.verb === 'added' && !isPart(change.fact.id))
  if (renamed !== undefined) {
    return [
      {
        kind: 'schema.changed',
        object,
        title: `${object} is called ${renamed} now.`,
        evidence: [`renamed: ${object} → ${renamed}`],
      },
    ]
  }
  if (made?.verb === 'added')
    return [changed(object, `The ${kindOf(made.fact.id)} ${object} was added${columnCount(changes)}.`, changes)]
  const columns = [...renames.columns].filter(([from]) => from.startsWith(`${object}/`))
  const names = new Set(columns.flatMap(([from, to]) => [from.slice(object.length + 1), to]))
  const rest = changes.filter(
    (change) => !(idOf(change).kind === 'column' && change.verb !== 'altered' && names.has(nameIn(idOf(change)))),
  )
  const lines = [
    ...columns.map(([from, to]) => `renamed: column ${from.slice(object.length + 1)} → ${to}`),
    ...rest.map(statement),
  ]
  const count = (name: ReturnType<typeof classOf>) => rest.filter((change) => classOf(change) === name).length
  const parts = [
    [columns.length, 'renamed'],
    [count('additive'), 'added'],
    [count('altering'), 'changed'],
    [count('destructive'), 'taken away'],
  ] as const
  const said = parts.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`)
  const title = lines.length === 1 ? `${object}: ${lines[0]}.` : `${object} was changed: ${said.join(', ')}.`
  return [
    {
      ...changed(object, title, []),
      evidence: lines,
      ...(changes.some(deletesOtherwise) ? { severity: 'warning' } : {}),
    },
  ]
}

/** A foreign key that does something else when its parent goes: no row shows it before somebody deletes one. */
function deletesOtherwise(change: FactChange): boolean {
  if (change.verb !== 'altered' || change.id.kind !== 'constraint' || change.attribute !== 'def') return false
  const action = (text: unknown) => / ON DELETE [A-Z]+( NULL| DEFAULT| ACTION)?/.exec(String(text))?.[0]
  return action(change.from) !== action(change.to)
}

/** `R`: only while rows are replicated. */
const isOff = (enabled: unknown) => enabled === 'D' || enabled === 'R'

function changed(object: string, title: string, changes: readonly FactChange[]): Finding {
  return { kind: 'schema.changed', object, title, evidence: changes.map(statement) }
}

function columnCount(changes: readonly FactChange[]): string {
  const columns = changes.filter((change) => change.verb === 'added' && change.fact.id.kind === 'column').length
  return columns === 0 ? '' : `, with ${columns} column${columns === 1 ? '' : 's'}`
}

function dropped(id: ObjectId, object: string): Finding {
  return {
    kind: 'schema.object-dropped',
    object,
    title: `The ${kindOf(id)} ${object} was dropped.`,
    evidence: [`removed: ${kindOf(id)} ${object}`],
  }
}

/** Nobody can call it, and a trigger that goes with it is told by itself. */
const onlyForTriggers = ({ id, payload }: ObjectFact) => id.kind === 'function' && payload.returnType === 'trigger'

/** What bears the name of a removed object after: another kind of relation, or a function with other arguments. */
function heirOf(gone: ObjectFact, after: SchemaFacts): string | undefined {
  const { id } = gone
  if (!('schema' in id) || id.schema === null || !('name' in id)) return undefined
  const { schema, name } = id
  const routine = 'args' in id
  const heir = after.facts.facts().find(({ id: other }) => {
    if (isPart(other) || !('schema' in other) || !('name' in other) || idText(other) === idText(id)) return false
    return other.schema === schema && other.name === name && 'args' in other === routine
  })
  if (!heir) return undefined
  return routine && 'args' in heir.id ? `it takes (${heir.id.args.join(', ')}) now` : `it is a ${kindOf(heir.id)} now`
}

/** A sequence goes with the column that owns it, where one finding says it, and with the change of that column to an identity. */
function isOwned(gone: ObjectFact, before: SchemaFacts, after: SchemaFacts): boolean {
  const owner = gone.payload.ownedBy
  if (
    gone.id.kind !== 'sequence' ||
    typeof owner !== 'object' ||
    owner === null ||
    !('table' in owner) ||
    !('schema' in owner)
  )
    return false
  const column = {
    kind: 'column',
    schema: String(owner.schema),
    table: String(owner.table),
    name: 'column' in owner ? String(owner.column) : '',
  } as const
  const now = after.facts.get(column)
  return before.facts.has(column) && (now === undefined || (now.payload.identity ?? null) !== null)
}

const idOf = (change: FactChange): ObjectId =>
  change.verb === 'altered' || change.verb === 'owner' ? change.id : change.fact.id
const nameIn = (id: ObjectId) => ('name' in id ? id.name : '')
