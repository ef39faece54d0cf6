import type { Cloner } from './clones.ts'
import type { Database } from './database/engine.ts'
import { HarnessError, messageOf } from './errors.ts'
import type { Inputs } from './inputs.ts'
import type { Finding } from './model/finding.ts'
import { checkOfLogins, notLoggedIn, notTried } from './snapshot/logins/real/checks.ts'
import { compareRealLogins, pairsOf } from './snapshot/logins/real/compare.ts'
import { canariesNotTried, compareCanaries } from './snapshot/logins/real/compare-canaries.ts'
import type { LoginUser, SideLogins } from './snapshot/logins/real/outcome.ts'
import { usersWithOwnRow } from './snapshot/logins/real/own-tables.ts'
import { pickLogins } from './snapshot/logins/real/pick.ts'
import { takeRealLogins } from './snapshot/logins/real/take.ts'
import { startStack } from './stack/stack.ts'
import type { Evidence, Stages } from './stages.ts'

export type LoginContext = {
  readonly clone: Cloner
  readonly signal: AbortSignal
  readonly onProgress?: (text: string) => void
}

/** Who is logged in. */
export type LoginsOf = { readonly users: readonly LoginUser[]; readonly canaries: Inputs['canaries'] }

/** What the stage saw, and those whose logins differ, to look for the migration behind it with these alone. */
export type LoggedIn = { readonly evidence: Evidence; readonly differing: LoginsOf }

/** The stage `log in`. Answers with those whose logins differ. */
export async function lookAtRealLogins(
  sides: { readonly before: Database; readonly after: Database },
  inputs: Inputs,
  clone: Cloner,
  stages: Stages,
  signal: AbortSignal,
): Promise<LoginsOf> {
  let differing: LoginsOf = { users: [], canaries: [] }
  await stages.look('log in', async (onProgress) => {
    const seen = await logUsersIn(sides, inputs, { clone, signal, onProgress })
    differing = seen.differing
    return seen.evidence
  })
  return differing
}

/**
 * Logs users and canaries in, through supabase-js and a stack on a clone of each side. A stack that cannot start, or
 * that breaks off, is a check that was not run. Throws `database.failed`, `aborted`.
 */
export async function logUsersIn(
  { before, after }: { readonly before: Database; readonly after: Database },
  { options, canaries }: Inputs,
  context: LoginContext,
): Promise<LoggedIn> {
  const { contracts = {}, usersPerKind = 2 } = options.config
  const logins = options.logins
  const picked = await pickLogins(before, {
    contracts,
    seed: options.seed,
    usersPerKind,
    ...(logins === undefined ? {} : { logins }),
  })
  const nobody = { users: [], canaries: [] }
  if (picked === undefined)
    return { evidence: notRun('The dump has no table auth.users.', canaries), differing: nobody }
  const who = { users: picked.users, canaries }
  try {
    const [was, is] = await both([loginsOn(before, who, context), loginsOn(after, who, context)])
    const { findings, pairs } = await differences({ before, after }, who, was, is)
    const tried = compareCanaries(was.canaries, is.canaries)
    return {
      evidence: {
        findings: [...findings, ...tried.findings],
        checks: [checkOfLogins(picked, pairs, findings), ...tried.checks, notTried],
      },
      differing: {
        users: fewOf(picked.users, findings),
        canaries: canaries.filter((_, at) => was.canaries[at]?.state === 'in' && is.canaries[at]?.state !== 'in'),
      },
    }
  } catch (error) {
    if (error instanceof HarnessError && error.code !== 'aborted') {
      return { evidence: notRun(messageOf(error), canaries), differing: nobody }
    }
    throw error
  }
}

/** Users to look for the migration with: the first few of each finding. */
function fewOf(users: readonly LoginUser[], findings: readonly Finding[]): LoginUser[] {
  const ids = findings.flatMap(({ evidence }) => users.filter(({ id }) => evidence.join().includes(id)).slice(0, 4))
  return [...new Set(ids)]
}

/** Which of the findings about these users are there between two states. */
export async function loginDifferences(
  sides: { readonly before: Database; readonly after: Database },
  who: LoginsOf,
  was: SideLogins,
  is: SideLogins,
): Promise<readonly Finding[]> {
  const { findings } = await differences(sides, who, was, is)
  return [...findings, ...compareCanaries(was.canaries, is.canaries).findings]
}

async function differences(
  { before, after }: { readonly before: Database; readonly after: Database },
  { users }: LoginsOf,
  was: SideLogins,
  is: SideLogins,
) {
  const ownRows = { before: await usersWithOwnRow(before, users), after: await usersWithOwnRow(after, users) }
  const pairs = pairsOf(users, was, is)
  return { pairs, findings: compareRealLogins(pairs, ownRows, is.sqlstates) }
}

/** The logins of one side, on a clone of it that goes away with its stack. Throws `stack.start-failed`, `aborted`. */
export async function loginsOn(
  side: Database,
  { users, canaries }: LoginsOf,
  { clone, signal, onProgress }: LoginContext,
): Promise<SideLogins> {
  await using database = await clone(side)
  await using stack = await startStack(database, { signal })
  return await takeRealLogins(stack, {
    users,
    canaries,
    signal,
    onProgress: (done) => onProgress?.(`${done} of ${users.length} users logged in`),
  })
}

/** Both results; where one fails, only once the other has ended: its stack and clone are gone then, too. */
async function both<T>(work: readonly [Promise<T>, Promise<T>]): Promise<[T, T]> {
  const ended = await Promise.allSettled(work)
  for (const one of ended) if (one.status === 'rejected') throw one.reason
  return [await work[0], await work[1]]
}

function notRun(reason: string, canaries: Inputs['canaries']): Evidence {
  return { findings: [], checks: [notLoggedIn(reason), canariesNotTried(canaries.length, reason), notTried] }
}
