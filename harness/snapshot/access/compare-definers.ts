import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import type { Answer, Definer, freshDefiners } from './definers.ts'
import { subject } from './subjects.ts'

type Answers = ReadonlyMap<string, readonly Answer[]>

/**
 * What functions with their owner's rights tell anon and users that they did not tell before. A user is meant to be told
 * what is his own, so only an answer that is the same for all of them is a leak. What could not be tried is said.
 */
export function compareDefiners(
  fresh: ReturnType<typeof freshDefiners>,
  before: Answers,
  after: Answers,
): { findings: Finding[]; checks: Check[] } {
  const findings = fresh.flatMap(({ definer, roles, isNew }) =>
    roles.flatMap((role) => {
      const of = (answers: Answers) => (answers.get(definer.signature) ?? []).filter((answer) => answer.role === role)
      const finding = judge(definer, role, isNew, of(before), of(after))
      return finding ? [finding] : []
    }),
  )
  const untried = fresh.filter(({ definer }) =>
    (after.get(definer.signature) ?? []).every(({ state }) => state === 'not tried'),
  ).length
  const failed = findings.some(({ severity }) => severity === undefined)
  const check: Check = {
    id: 'access.functions',
    metric: 'access',
    title: "What functions with their owner's rights tell",
    required: true,
    status: failed ? 'failed' : 'passed',
    summary:
      fresh.length === 0
        ? 'None that a request can call is new or written anew.'
        : `${fresh.length} that a request can call are new or written anew: ${fresh.length - untried} were called, ${untried} could not be.`,
    numbers: { functionsNew: fresh.length, functionsNotTried: untried },
  }
  return { findings, checks: [check] }
}

function judge(
  definer: Definer,
  role: string,
  isNew: boolean,
  before: readonly Answer[],
  after: readonly Answer[],
): Finding | undefined {
  const { name, signature } = definer
  const told = after.filter(({ state }) => state === 'answered')
  const base = { kind: 'access.rows-gained', object: name, role } as const
  if (told.length === 0) {
    return {
      ...base,
      title: `${subject(role)} may call ${signature}, which passes by row security and was not tried: it needs arguments, writes, or fails without them.`,
      evidence: [isNew ? 'It is new to the role.' : 'It was written anew.'],
      fix: `Look at what it returns for anybody else's id; revoke execute on function ${signature} from public, ${role} if only policies use it.`,
      severity: isNew ? 'warning' : 'info',
    }
  }
  const [first] = told
  const most = Math.max(...told.map(({ rows }) => rows))
  const was = Math.max(0, ...before.map(({ rows }) => rows))
  const tables = [...new Set(told.flatMap(({ passes }) => passes))].toSorted()
  const alike = told.every(({ hash }) => hash === first?.hash)
  if (tables.length === 0 || most <= was || (role !== 'anon' && !alike)) return undefined
  const rows = `${most.toLocaleString('en-US')} ${most === 1 ? 'value' : 'rows'}`
  // One value that all users share may be a setting or a count; and of a single user nobody knows what others are told.
  const proven = role === 'anon' || (most > 1 && told.length > 1)
  return {
    ...base,
    title: `${subject(role)} ${role === 'anon' ? 'is' : 'are'} told ${rows} of ${tables.join(', ')} by ${signature}, past row security.`,
    evidence: [
      `Called as ${role}${role === 'anon' ? '' : ` by ${told.length} users, all of them told the same`}: ${rows}.`,
    ],
    fix: `Filter by auth.uid() in it, or: revoke execute on function ${signature} from public, ${role};`,
    ...(proven ? {} : { severity: 'warning' as const }),
  }
}
