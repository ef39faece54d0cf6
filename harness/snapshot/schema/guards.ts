import { displayIdentifier, displayName } from '../../database/identifiers.ts'
import type { Finding } from '../../model/finding.ts'
import type { FactChange, Facts, ObjectFact } from './delta.ts'
import type { SchemaFacts } from './take-schema.ts'

/** A part of a table that kept bad rows out, or that others were told of its rows by, and that is gone. */
type Guard = { readonly object: string; readonly what: string; readonly evidence: string }

/**
 * Constraints, unique indexes, triggers and publications of a table that do their work no more, though the table is still
 * there: dropped without anything of the same effect in their place, or switched off. Pure. `table` is its name after.
 */
export function guardFindings(
  removed: readonly ObjectFact[],
  object: string,
  table: string,
  before: SchemaFacts,
  after: SchemaFacts,
): readonly Finding[] {
  const now = after.facts.facts()
  return removed.flatMap((fact) => guardsOf(fact, object, table, before.facts, now)).map(lost)
}

/** A trigger that is there and does not run is as good as dropped. */
export function switchedOff(name: string, object: string): Finding {
  return lost({
    object: `${object}.${displayIdentifier(name)}`,
    what: `The trigger ${displayIdentifier(name)} of ${object} was switched off: it is there and does not run`,
    evidence: `changed: trigger ${displayIdentifier(name)} switched off`,
  })
}

/** What loses rows only after the deploy, so that no comparison of rows can show it. */
export function hazard(change: FactChange, object: string, before: SchemaFacts): Finding | undefined {
  if (change.verb === 'altered' && change.id.kind === 'table' && change.attribute === 'persistence') {
    if (change.to !== 'u') return undefined
    const title = `${object} is unlogged now: a crash of the server empties it, and no standby has its rows.`
    const fix = `alter table ${object} set logged;`
    return { kind: 'schema.changed', object, severity: 'blocking', title, evidence: ['changed: persistence'], fix }
  }
  const id = change.verb === 'added' ? change.fact.id : undefined
  // On a view that is how it is written to.
  const table = id?.kind === 'rule' && before.facts.has({ kind: 'table', schema: id.schema, name: id.table })
  if (change.verb === 'added' && table && /\bDO INSTEAD\b/.test(String(change.fact.payload.def))) {
    const name = displayIdentifier(id.name)
    const title = `Rule ${name} of ${object} does something else instead of what is asked for: writes may be lost without an error.`
    return { kind: 'schema.changed', object, severity: 'blocking', title, evidence: [`added: rule ${name}`] }
  }
  return undefined
}

function guardsOf(
  fact: ObjectFact,
  object: string,
  table: string,
  before: Facts,
  now: readonly ObjectFact[],
): readonly Guard[] {
  const { id } = fact
  const own = now.filter((other) => tableOf(other) === table)
  switch (id.kind) {
    case 'trigger':
      return own.some((other) => other.id.kind === 'trigger' && nameless(other) === nameless(fact, table))
        ? []
        : [guard(`trigger ${id.name}`, id.name, object)]
    case 'constraint':
    case 'index': {
      const rule = ruleOf(fact)
      if (rule === undefined || isReplaced(rule, fact, own, before, now)) return []
      return [guard(`${rule.word} ${id.name}`, id.name, object)]
    }
    case 'publicationRel': {
      const name = displayName(id.schema, id.table)
      const publication = now.find((other) => other.id.kind === 'publication' && other.id.name === id.publication)
      const whole = now.some(
        ({ id: other }) =>
          other.kind === 'publicationSchema' && other.publication === id.publication && other.schema === id.schema,
      )
      const there = now.some(
        (other) => other.id.kind === 'table' && displayName(other.id.schema, other.id.name) === name,
      )
      if (!publication || publication.payload.allTables === true || whole || !there) return []
      const what = `${name} is no longer in publication ${id.publication}: whoever listens there hears nothing of its changes`
      return [{ object: `${displayIdentifier(id.publication)}.${name}`, what, evidence: `removed: table ${name}` }]
    }
    default:
      return []
  }
}

function guard(words: string, name: string, object: string): Guard {
  const what = `The ${words.replace(name, displayIdentifier(name))} of ${object} was dropped`
  return { object: `${object}.${displayIdentifier(name)}`, what, evidence: `removed: ${words}` }
}

function lost({ object, what, evidence }: Guard): Finding {
  return { kind: 'schema.object-dropped', object, title: `${what}.`, evidence: [evidence] }
}

type Rule = {
  readonly type: 'unique' | 'foreign key' | 'check' | 'exclusion'
  readonly word: string
  readonly text: string
}

/** What a constraint or index demands of the rows; nothing for an index that is only for speed. */
function ruleOf({ id, payload }: ObjectFact): Rule | undefined {
  const text = String(payload.def)
  if (id.kind === 'index') {
    return /^CREATE UNIQUE /.test(text) ? { type: 'unique', word: 'unique index', text } : undefined
  }
  switch (payload.type) {
    case 'p':
      return { type: 'unique', word: 'primary key', text }
    case 'u':
      return { type: 'unique', word: 'unique constraint', text }
    case 'f':
      return { type: 'foreign key', word: 'foreign key', text }
    case 'c':
      return { type: 'check', word: 'check constraint', text }
    case 'x':
      return { type: 'exclusion', word: 'exclusion constraint', text }
    default:
      return undefined
  }
}

/** Whether another rule of the table demands as much, or the columns or the table that it spoke of went with it. */
function isReplaced(
  rule: Rule,
  fact: ObjectFact,
  own: readonly ObjectFact[],
  before: Facts,
  now: readonly ObjectFact[],
): boolean {
  const columns = new Map(own.flatMap((other) => (other.id.kind === 'column' ? [[other.id.name, other]] : [])))
  const spokenOf = before
    .facts()
    .filter(({ id }) => id.kind === 'column' && isNamed(id.name, rule.text))
    .filter((column) => tableOf(column) === tableOf(fact))
  const gone = spokenOf.some(({ id }) => 'name' in id && !columns.has(id.name))
  if (gone) return true
  const others = own.flatMap((other) => {
    const stated = ruleOf(other)
    return stated?.type === rule.type ? [{ stated, other }] : []
  })
  switch (rule.type) {
    case 'unique': {
      const key = keyOf(rule.text)
      return others.some(({ stated: { text }, other }) => {
        const candidate = keyOf(text)
        if (other.payload.valid === false || tailOf(text) !== '')
          return tailOf(text) === tailOf(rule.text) && text.endsWith(rule.text.slice(rule.text.indexOf('(')))
        return candidate.length > 0 && candidate.every((column) => key.includes(column))
      })
    }
    case 'foreign key': {
      const parent = / REFERENCES ([^(]+)/.exec(rule.text)?.[1]
      const there = now.some(({ id }) => id.kind === 'table' && displayName(id.schema, id.name) === parent)
      return !there || others.some(({ stated }) => linkOf(stated.text) === linkOf(rule.text))
    }
    default: {
      // What a condition amounts to cannot be told from its text: a new one is taken for its successor.
      const retyped = spokenOf.some(
        ({ id, payload }) => 'name' in id && columns.get(id.name)?.payload.type !== payload.type,
      )
      return retyped || others.some(({ other }) => before.get(other.id)?.payload.def !== other.payload.def)
    }
  }
}

/** The columns or expressions of `UNIQUE (a, b)` and of `CREATE UNIQUE INDEX … USING btree (a, b)`. */
function keyOf(text: string): readonly string[] {
  const start = text.indexOf('(')
  const list = /^\(([^()]*)\)/.exec(text.slice(start))?.[1]
  return list === undefined ? [text.slice(start)] : list.split(', ')
}

/** The condition of a partial index: it guards a part of the rows only. */
const tailOf = (text: string) => / WHERE .*$/.exec(text)?.[0] ?? ''
const linkOf = (text: string) =>
  text.replace(/ (ON (DELETE|UPDATE)|NOT VALID|DEFERRABLE|INITIALLY) .*$| NOT VALID$| DEFERRABLE$/, '')

function isNamed(column: string, text: string): boolean {
  const name = column.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(String.raw`(^|[^\w$])"?${name}"?([^\w$]|$)`).test(text.replace(/'[^']*'/g, "''"))
}

function nameless({ id, payload }: ObjectFact, table?: string): string {
  const name = 'name' in id ? displayIdentifier(id.name) : ''
  const text = String(payload.def).replace(` ${name} `, ' ')
  return table === undefined ? text : text.replace(/ ON \S+ /, ` ON ${table} `)
}

function tableOf({ id, parent }: ObjectFact): string | undefined {
  if (id.kind === 'index') return parent?.kind === 'table' ? displayName(parent.schema, parent.name) : undefined
  return 'table' in id && 'schema' in id && id.schema !== null ? displayName(id.schema, id.table) : undefined
}
