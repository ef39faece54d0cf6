import type { GreenlightConfig } from '../../model/config.ts'
import type { PlanItem } from '../../model/verdict.ts'
import { builtInPlan } from './built-in.ts'
import { type Evidence, evidenceOf, type Known } from './evidence.ts'
import type { PlanRule } from './rule.ts'

/** The checklist: the built-in plan, extended or replaced by the config's, each item with its status and its evidence. */
export function decidePlan(known: Known, config?: GreenlightConfig['plan']): readonly PlanItem[] {
  const own = (config?.items ?? []).map(
    ({ text, phase, evidence }, index): PlanRule => ({
      id: `config.${index + 1}`,
      phase: phase ?? 'Of this project',
      text,
      evidence: evidence ?? [],
      ...(evidence?.length ? {} : { manual: 'No evidence is named for it in the config: tick it by hand.' }),
    }),
  )
  const rules = config?.replace ? own : [...builtInPlan, ...own]
  return rules.map((rule) => decideItem(rule, known))
}

function decideItem(rule: PlanRule, known: Known): PlanItem {
  const pieces = rule.evidence.map((reference) => evidenceOf(reference, known))
  const { id, phase, text } = rule
  const checks = [...new Set(pieces.flatMap((piece) => piece.checks))].sort()
  return { id, phase, text, checks, ...statusOf(rule, pieces) }
}

function statusOf(rule: PlanRule, pieces: readonly Evidence[]): Pick<PlanItem, 'status' | 'evidence'> {
  const failed = pieces.filter(({ state }) => state === 'failed')
  if (failed.length > 0) return { status: 'failed', evidence: say(failed) }
  if (rule.manual !== undefined) {
    return {
      status: 'manual',
      evidence: pieces.length > 0 ? `${rule.manual} In the rehearsal: ${say(pieces)}` : rule.manual,
    }
  }
  const absent = pieces.filter(({ state }) => state === 'absent')
  if (absent.length > 0 && rule.ifNone !== undefined) return { status: 'manual', evidence: rule.ifNone }
  const open = pieces.filter(({ state }) => state === 'unknown' || state === 'absent')
  if (open.length > 0) return { status: 'not run', evidence: say(open) }
  return { status: 'done', evidence: rule.note ? `${say(pieces)} ${rule.note}` : say(pieces) }
}

function say(pieces: readonly Evidence[]): string {
  return [...new Set(pieces.map(({ said }) => said))].join(' ')
}
