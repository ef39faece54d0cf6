import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import type { CaseAnswer } from './ask-cases.ts'
import type { Answer, Definer, Fresh } from './definers.ts'
import { judgeCases } from './judge-cases.ts'
import { subject } from './subjects.ts'

/** What one side answered, by signature: to calls without arguments, and to calls with ids from the data. */
export type Answers = {
  readonly plain: ReadonlyMap<string, readonly Answer[]>
  readonly cases: ReadonlyMap<string, readonly CaseAnswer[]>
}

/**
 * What functions with their owner's rights tell anon and users that they did not tell before. A user is meant to be told
 * what is his own, so only an answer that is the same for all of them is a leak. What could not be tried is said.
 */
export function compareDefiners(
  fresh: readonly Fresh[],
  before: Answers,
  after: Answers,
): { findings: Finding[]; checks: Check[] } {
  const judged = fresh.flatMap(({ definer, roles, isNew, isThereBefore }) =>
    roles.map((role) => {
      const answers = {
        before: before.cases.get(definer.signature) ?? [],
        after: after.cases.get(definer.signature) ?? [],
      }
      const called = judgeCases(definer, role, answers, isThereBefore)
      const of = (side: Answers) => (side.plain.get(definer.signature) ?? []).filter((answer) => answer.role === role)
      const plain = judge(definer, role, of(before), of(after))
      const found = plain === 'not tried' ? undefined : plain
      const isTried = plain !== 'not tried' || called !== 'unknown'
      const finding = called === 'unknown' ? undefined : called.finding
      return { definer, isTried, finding: finding ?? found ?? (isTried ? undefined : untried(definer, role, isNew)) }
    }),
  )
  const findings = judged.flatMap(({ finding }) => (finding ? [finding] : []))
  const untriedFunctions = fresh.filter(({ definer }) =>
    judged.every((one) => one.definer !== definer || !one.isTried),
  ).length
  const withIds = fresh.filter(({ definer }) => after.cases.has(definer.signature)).length
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
        : `${fresh.length} that a request can call are new or written anew: ${fresh.length - untriedFunctions} were called (${withIds} with ids from the data), ${untriedFunctions} could not be.`,
    numbers: { functionsNew: fresh.length, functionsCalledWithIds: withIds, functionsNotTried: untriedFunctions },
  }
  return { findings, checks: [check] }
}

function judge(
  definer: Definer,
  role: string,
  before: readonly Answer[],
  after: readonly Answer[],
): Finding | 'not tried' | undefined {
  const { name, signature } = definer
  const told = after.filter(({ state }) => state === 'answered')
  const base = { kind: 'access.rows-gained', object: name, role } as const
  if (told.length === 0) return 'not tried'
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

function untried({ name, signature }: Definer, role: string, isNew: boolean): Finding {
  return {
    kind: 'access.rows-gained',
    object: name,
    role,
    title: `${subject(role)} may call ${signature}, which passes by row security and was not tried: it needs arguments that the data do not tell, writes, or told nobody anything.`,
    evidence: [isNew ? 'It is new to the role.' : 'It was written anew.'],
    fix: `Look at what it returns for anybody else's id; revoke execute on function ${signature} from public, ${role} if only policies use it.`,
    severity: isNew ? 'warning' : 'info',
  }
}
