import type { Finding } from '../../model/finding.ts'
import type { CaseAnswer } from './ask-cases.ts'
import type { Definer } from './definers.ts'
import { subject } from './subjects.ts'

/** `unknown`: the calls tell nothing, either way. */
export type Judgement = { readonly finding?: Finding } | 'unknown'

type Gain = {
  readonly answer: CaseAnswer
  /** It was told as many rows before, and is told more of them; or what was told before is not known. */
  readonly isUnsure: boolean
}

/**
 * What a function tells a role about rows that the callers may not see. Told is what differs from the answer for an id
 * that nobody has; an answer that is the same for every such row is a sign of its existence, and only a warning.
 */
export function judgeCases(
  { name, signature, args, isBare }: Definer,
  role: string,
  all: { readonly before: readonly CaseAnswer[]; readonly after: readonly CaseAnswer[] },
  isThereBefore: boolean,
): Judgement {
  const of = (answers: readonly CaseAnswer[]) => answers.filter((answer) => answer.role === role)
  const [was, is] = [of(all.before), of(all.after)]
  const callers = new Set(is.map(({ caller }) => caller))
  const gains: Gain[] = []
  let tried = 0
  for (const caller of callers) {
    const now = tellings(is, caller)
    const old = tellings(was, caller)
    if (now === undefined) continue
    tried += 1
    for (const [place, answer] of now) {
      if (answer.rows === 0) continue
      const earlier = old?.get(place)
      if (isThereBefore && old === undefined) gains.push({ answer, isUnsure: true })
      else if (earlier === undefined || earlier.rows < answer.rows) gains.push({ answer, isUnsure: false })
      else if (earlier.size < answer.size) gains.push({ answer, isUnsure: true })
    }
  }
  // Whoever is told nothing for any id may have been asked about the wrong table.
  const isExercised = all.after.some(({ kind, state, rows }) => kind !== 'random' && state === 'answered' && rows > 0)
  if (gains.length === 0) return tried > 0 && isExercised ? {} : 'unknown'
  const told = gains.map(({ answer }) => answer)
  const most = Math.max(...told.map(({ rows }) => rows))
  const tables = [...new Set(told.flatMap(({ passes }) => passes))].toSorted()
  const differs = new Set(told.map(({ hash }) => hash)).size > 1
  const isSecret = (args ?? []).some((argument) => /code|token|secret|key|pin|slug|hash/i.test(argument.name))
  const isProven = differs && !isBare && !isSecret && gains.some(({ isUnsure }) => !isUnsure)
  const rows = `${most.toLocaleString('en-US')} ${isBare ? 'value' : most === 1 ? 'row' : 'rows'}`
  const people = new Set(told.map(({ caller }) => caller)).size
  const finding: Finding = {
    kind: 'access.rows-gained',
    object: name,
    role,
    title: `${subject(role)} ${role === 'anon' ? 'is' : 'are'} told up to ${rows} of ${tables.join(', ')} by ${signature} for an id of a row that row security hides from them.`,
    evidence: [
      `Called with ids of rows that the caller cannot see${role === 'anon' ? '' : `, by ${tried} users`}: ${told.length} ${told.length === 1 ? 'call' : 'calls'}${role === 'anon' ? '' : ` of ${people} ${people === 1 ? 'user' : 'users'}`} were told something that an id of nothing is not told.`,
      ...(isSecret ? ['Its argument looks like a secret: whoever has it may be meant to be told.'] : []),
      ...(differs ? [] : ['The answer is the same for all of them: it may tell no more than that the row exists.']),
    ],
    fix: `Check in it that auth.uid() may see the row, or: revoke execute on function ${signature} from public, ${role};`,
    ...(isProven ? {} : { severity: 'warning' as const }),
  }
  return { finding }
}

/** What a caller is told of each foreign row; undefined where one of the calls, or the calls for nothing, say nothing. */
function tellings(answers: readonly CaseAnswer[], caller: number): Map<number, CaseAnswer> | undefined {
  const mine = answers.filter((answer) => answer.caller === caller)
  const random = mine.filter(({ kind }) => kind === 'random')
  const foreign = mine.filter(({ kind }) => kind === 'foreign')
  const [first] = random
  const own = mine.find(({ kind }) => kind === 'own')
  // Where the caller may see every row there is, what is read is no secret.
  if (foreign.length === 0 && own && own.rows > 0 && own.passes.length === 0) return new Map()
  const isKnown = [...random, ...foreign].every(({ state }) => state !== 'not tried')
  if (first === undefined || foreign.length === 0 || !isKnown || random.some(({ hash }) => hash !== first.hash)) {
    return undefined
  }
  return new Map(
    foreign.map((answer) => [
      answer.place,
      answer.hash === first.hash || answer.passes.length === 0 ? { ...answer, rows: 0, size: 0 } : answer,
    ]),
  )
}
