import type { Check } from '../model/check.ts'
import type { JudgedFinding } from '../model/verdict.ts'

/** Groups of findings that the checks of an area stand for, since a check does not list its findings. */
const areas: Readonly<Record<string, readonly string[]>> = {
  restore: ['restore'],
  migrations: ['migration'],
  data: ['data', 'schema', 'date'],
  dates: ['date'],
  access: ['access', 'secret'],
  logins: ['auth'],
  performance: ['query', 'lock', 'traffic', 'storage', 'index'],
  rollback: ['rollback'],
  features: ['feature', 'egress', 'mail'],
  mail: ['mail'],
}

/** Whether a finding is of the sort that this check finds: by its suite for `suite:<name>`, else by its area. */
export function concerns(check: Check, finding: JudgedFinding): boolean {
  if (check.id.startsWith('suite:')) return finding.object.startsWith(`${check.id.slice('suite:'.length)}: `)
  const groups = areas[areaOf(check.id)]
  return groups ? groups.includes(areaOf(finding.kind)) : finding.metric === check.metric
}

function areaOf(id: string): string {
  return id.split('.')[0] ?? id
}
