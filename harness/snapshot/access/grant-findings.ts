import type { Finding, FindingKind } from '../../model/finding.ts'
import { type AccessFacts, apiRoles, type Relation, setsOf } from './facts.ts'
import { acceptsAnyUpdate, condition } from './policies.ts'
import { grantsOf } from './probe-sql.ts'
import { subject } from './subjects.ts'

type Command = 'insert' | 'update' | 'delete'

/**
 * What the privileges alone tell, beyond the rows that were probed: a revoked SELECT makes a query fail that used to
 * answer with nothing, a revoked column breaks `select=*`, a write that no privilege or no policy allows is impossible
 * whatever the row. Gains that no sampled row proves are warnings.
 */
export function grantFindings(before: AccessFacts, after: AccessFacts): Finding[] {
  const was = new Map(before.relations.map((relation) => [relation.name, relation]))
  const findings: Finding[] = []
  for (const relation of after.relations) {
    const old = was.get(relation.name)
    if (old === undefined) continue
    for (const role of apiRoles) {
      if (!(role in relation.grants) || !(role in old.grants)) continue
      findings.push(...readGrants(after, old, relation, role), ...writeGrants(before, after, old, relation, role))
    }
  }
  return findings
}

function readGrants(after: AccessFacts, old: Relation, relation: Relation, role: string): Finding[] {
  const findings: Finding[] = []
  const { lost, gained } = columnChanges(old, relation, role, 'select')
  const { name } = relation
  if (lost.length > 0) {
    const whole = grantsOf(relation, role).select.length === 0
    findings.push({
      kind: 'access.rows-lost',
      object: name,
      role,
      ...(whole ? {} : { columns: lost }),
      title: whole
        ? `${subject(role)} may no longer read ${name}: the privilege SELECT is gone.`
        : `${subject(role)} may no longer read ${lost.join(', ')} of ${name}: a request for all columns now fails.`,
      evidence: [`SELECT is no longer granted to ${role} on ${whole ? name : `${name} (${lost.join(', ')})`}.`],
      fix: `Grant it again: grant select${whole ? '' : ` (${lost.join(', ')})`} on ${name} to ${role};`,
    })
  }
  if (gained.length > 0) {
    const whole = grantsOf(old, role).select.length === 0
    const readsRows = after.probes.some(
      (probe) =>
        probe.relation === name &&
        after.identities[probe.identity]?.role === role &&
        setsOf(probe.outcome).seen.count > 0,
    )
    findings.push({
      kind: 'access.rows-gained',
      object: name,
      role,
      ...(whole ? {} : { columns: gained }),
      title: `${subject(role)} may now read ${whole ? name : `${gained.join(', ')} of ${name}`}.`,
      evidence: [`SELECT is now granted to ${role} on ${whole ? name : `${name} (${gained.join(', ')})`}.`],
      // Rows that a whole table's grant shows are a finding of their own; a column is shown with the rows seen all along.
      ...(readsRows && !whole && role !== 'service_role' ? {} : { severity: 'warning' as const }),
    })
  }
  return findings
}

function writeGrants(
  before: AccessFacts,
  after: AccessFacts,
  old: Relation,
  relation: Relation,
  role: string,
): Finding[] {
  const findings: Finding[] = []
  for (const command of ['insert', 'update', 'delete'] as const) {
    const [could, can] = [possible(before, old, role, command), possible(after, relation, role, command)]
    const words = `${command.toUpperCase()} on ${relation.name}`
    if (could !== 'no' && can === 'no') {
      findings.push(writeFinding('access.write-lost', relation, role, `${subject(role)} can no longer do ${words}.`))
    } else if (could === 'no' && can !== 'no') {
      const finding = writeFinding('access.write-gained', relation, role, `${subject(role)} can now do ${words}.`)
      const proven = can === 'any row' && role !== 'service_role'
      findings.push(proven ? finding : { ...finding, severity: 'warning' })
    } else if (command !== 'delete' && can !== 'no') {
      const { lost, gained } = columnChanges(old, relation, role, command)
      if (lost.length > 0) {
        const title = `${subject(role)} can no longer ${command} ${lost.join(', ')} of ${relation.name}.`
        findings.push({ ...writeFinding('access.write-lost', relation, role, title), columns: lost })
      }
      // A column that was withheld while others were granted was withheld on purpose: a plan, a role, an owner.
      if (gained.length > 0) {
        const title = `${subject(role)} can now ${command} ${gained.join(', ')} of ${relation.name}, which could not be written before.`
        const finding = writeFinding('access.write-gained', relation, role, title)
        findings.push({
          ...finding,
          columns: gained,
          ...(role === 'service_role' ? { severity: 'warning' as const } : {}),
        })
      }
    }
  }
  const rows = (facts: AccessFacts) => facts.policies.filter((policy) => policy.relation === relation.name)
  if (possible(after, relation, role, 'update') === 'some' && possible(before, old, role, 'update') === 'some') {
    if (acceptsAnyUpdate(rows(after), role) && !acceptsAnyUpdate(rows(before), role)) {
      const title = `${subject(role)} can now give the rows of ${relation.name} that they update any values, also somebody else's id.`
      findings.push(writeFinding('access.write-gained', relation, role, title))
    }
  }
  return findings
}

function writeFinding(kind: FindingKind, { name }: Relation, role: string, title: string): Finding {
  return {
    kind,
    object: name,
    role,
    title,
    evidence: ['By the privileges and the policies that apply to the role, whatever the row.'],
  }
}

/** Whether the role can do it to any row, to rows that pass a policy, or to none at all. */
function possible(facts: AccessFacts, relation: Relation, role: string, command: Command): 'no' | 'some' | 'any row' {
  const grants = grantsOf(relation, role)
  const granted = command === 'delete' ? grants.delete : grants[command].length > 0
  if (!granted || (command !== 'insert' && grants.select.length === 0)) return 'no'
  if (relation.kind === 'view') return 'some'
  if (!relation.rowSecurity || grants.bypass) return 'any row'
  const own = facts.policies.filter((policy) => policy.relation === relation.name)
  const rule = condition(own, role, command)
  if (/(^|and )false($| and)/.test(rule)) return 'no'
  return /^(coalesce\(\(true\), false\)( and )?)+$/.test(rule) ? 'any row' : 'some'
}

/** Of the columns that both sides have. */
function columnChanges(old: Relation, relation: Relation, role: string, privilege: 'select' | 'insert' | 'update') {
  const [was, is] = [grantsOf(old, role)[privilege], grantsOf(relation, role)[privilege]]
  return {
    lost: was.filter((column) => relation.columns.includes(column) && !is.includes(column)),
    gained: is.filter((column) => old.columns.includes(column) && !was.includes(column)),
  }
}
