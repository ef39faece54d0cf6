import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { embedFindings } from './api-embeds.ts'
import { enumFindings } from './api-enums.ts'
import type { ApiFacts } from './api-facts.ts'
import { functionFindings, functionNames } from './api-functions.ts'
import { relationFindings } from './api-relations.ts'

/** What clients of the Data API could name before and cannot name after, and what they can name now. Pure. */
export function compareApi(
  before: ApiFacts,
  after: ApiFacts,
): { readonly findings: readonly Finding[]; readonly check: Check } {
  const findings = [
    ...relationFindings(before, after),
    ...functionFindings(before, after),
    ...enumFindings(before, after),
    ...embedFindings(before, after),
  ].sort((left, right) => (left.kind + left.object < right.kind + right.object ? -1 : 1))
  const removed = findings.filter((finding) => finding.kind === 'feature.api-removed').length
  const offered = before.relations.length + functionNames(before).length
  return {
    findings,
    check: {
      id: 'features.api',
      metric: 'features',
      title: 'The Data API offers everything that it offered before',
      status: removed > 0 ? 'failed' : 'passed',
      required: true,
      summary:
        offered === 0
          ? 'The Data API offers no table, view or function of schema public.'
          : `${offered} tables, views and functions looked at, with their columns, types, arguments and embeds: ${removed} lost something, ${findings.length - removed} are new or have more.`,
      numbers: { apiObjects: offered, apiRemoved: removed, apiAdded: findings.length - removed },
    },
  }
}
