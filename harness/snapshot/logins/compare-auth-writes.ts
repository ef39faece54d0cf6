import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import type { AuthWrites, LoginFailure } from './auth-writes.ts'

type Tried = Extract<AuthWrites, { state: 'tried' }>

const check = {
  id: 'logins.sign-up',
  metric: 'logins',
  title: 'Sign-up, and what a login writes, tried in the database',
  required: false,
} as const

/** What the Auth server could write before and cannot after, and rows that a sign-up no longer makes. */
export function compareAuthWrites(before: AuthWrites, after: AuthWrites): { findings: Finding[]; checks: Check[] } {
  const notTried = [before, after].find((side) => side.state === 'not tried')
  if (before.state !== 'tried' || after.state !== 'tried') {
    const reason = notTried?.state === 'not tried' ? notTried.reason : ''
    return { findings: [], checks: [{ ...check, status: 'not run', reason }] }
  }
  const findings = [...signUps(before, after), ...logins(before, after), ...slowWrites(before, after)]
  return { findings, checks: [{ ...check, ...status(before, after, findings) }] }
}

function status(before: Tried, after: Tried, findings: readonly Finding[]) {
  const numbers = { loginsTried: after.logins.tried, loginsFailing: after.logins.failures.length }
  if (findings.length > 0) {
    return { status: 'failed', summary: 'The Auth server can no longer write what it could.', numbers } as const
  }
  if (before.signUps.every(({ outcome }) => outcome.state === 'failed')) {
    const reason =
      'A sign-up made up for the test is refused before the migration already; it may need metadata of its own.'
    return { status: 'not run', reason, numbers } as const
  }
  return {
    status: 'passed',
    summary: `A new user can sign up with the same rows made for it, and ${after.logins.tried} users can be logged in.`,
    numbers,
  } as const
}

function signUps(before: Tried, after: Tried): Finding[] {
  for (const { as, outcome: old } of before.signUps) {
    const now = after.signUps.find((one) => one.as === as)?.outcome
    if (old.state !== 'written' || now === undefined) continue
    if (now.state === 'failed') {
      const where = now.where === '' ? '' : ` in function ${now.where}`
      return [
        {
          kind: 'auth.signup-fails',
          object: 'auth.users',
          title: `${as === 'new user' ? 'Nobody' : `A user of this kind (${as})`} can${as === 'new user' ? '' : 'not'} sign up: the insert into auth.users fails with SQLSTATE ${now.sqlstate}${where}.`,
          evidence: [`Tried as role supabase_auth_admin (${as}), rolled back; before the migration it works.`],
        },
      ]
    }
    const missing = Object.entries(old.rowsByTable).filter(([table, rows]) => (now.rowsByTable[table] ?? 0) < rows)
    if (missing.length === 0) continue
    return missing.map(([table, rows]) => ({
      kind: 'auth.signup-fails' as const,
      object: 'auth.users',
      title: `A sign-up no longer makes its row of ${table}.`,
      evidence: [`Rows made by one sign-up in ${table}: ${rows} before, ${now.rowsByTable[table] ?? 0} after.`],
      fix: 'Look at the triggers on auth.users and at the functions that they call.',
    }))
  }
  return []
}

function logins(before: Tried, after: Tried): Finding[] {
  const old = new Set(before.logins.failures.map(({ user }) => user))
  const broken = after.logins.failures.filter(({ user }) => !old.has(user))
  const [first] = broken
  if (first === undefined) return []
  const finding: Finding = {
    kind: 'auth.login-fails',
    object: 'auth.users',
    title: `Logins fail for ${broken.length} of ${after.logins.tried} users tried: what a login writes is refused with ${reasons(broken)}.`,
    evidence: [
      `User ids: ${broken
        .map(({ user }) => user)
        .toSorted()
        .join(', ')}`,
    ],
    fix: 'Look at the triggers on auth.users and auth.sessions, and at what supabase_auth_admin may write.',
  }
  return [finding]
}

/** A wait that people notice; a trigger that takes a little longer is none. */
const noticed = 500

/** The fastest of several runs counts, since other work on the machine only makes them slower. */
function slowWrites(before: Tried, after: Tried): Finding[] {
  const fastest = ({ signUps: all }: Tried) =>
    Math.min(...all.filter(({ outcome }) => outcome.state === 'written').map(({ milliseconds }) => milliseconds))
  const slow = (what: string, was: number, is: number): Finding[] =>
    Number.isFinite(was) && Number.isFinite(is) && is - was > noticed
      ? [
          {
            kind: 'query.slower',
            object: 'auth.users',
            title: `What ${what} writes takes ${seconds(is)} instead of ${seconds(was)}.`,
            evidence: ['The fastest of those tried as role supabase_auth_admin on each side.'],
            fix: 'Look at the triggers on auth.users and auth.sessions: each login waits for them.',
          },
        ]
      : []
  return [
    ...slow('a sign-up', fastest(before), fastest(after)),
    ...slow('a login', before.logins.milliseconds ?? Number.NaN, after.logins.milliseconds ?? Number.NaN),
  ]
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`
}

function reasons(failures: readonly LoginFailure[]): string {
  const words = failures.map(
    ({ sqlstate, where }) => `SQLSTATE ${sqlstate}${where === '' ? '' : ` in function ${where}`}`,
  )
  return [...new Set(words)].toSorted().join(', ')
}
