import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { affected, count } from './affected.ts'
import { compareSessions } from './compare-sessions.ts'
import { compareUsers } from './compare-users.ts'
import type { LoginFacts, ReadFacts } from './facts.ts'

const check = {
  id: 'logins.users-read',
  metric: 'logins',
  title: 'Every user, identity, second factor and session compared',
  required: true,
} as const

/** Which users could log in before and cannot, or not in the same way, after. Evidence names ids of users only. */
export function compareLogins(before: LoginFacts, after: LoginFacts): { findings: Finding[]; checks: Check[] } {
  if (before.state === 'absent')
    return { findings: [], checks: [{ ...check, status: 'not run', reason: before.reason }] }
  if (after.state === 'absent') {
    const lost = {
      kind: 'auth.user-lost',
      object: 'auth.users',
      one: 'is gone',
      many: 'are gone, with the table',
    } as const
    const findings = affected([...before.users.keys()], lost)
    return { findings, checks: [{ ...check, status: 'failed', summary: 'auth.users does not exist any more.' }] }
  }
  const findings = [
    ...compareUsers(before, after),
    ...identities(before, after),
    ...factors(before, after),
    ...compareSessions(before, after),
  ]
  return {
    findings,
    checks: [
      {
        ...check,
        status: findings.some(({ severity }) => severity === undefined) ? 'failed' : 'passed',
        summary: said(before, after),
        numbers: {
          users: before.users.size,
          usersAfter: after.users.size,
          passwords: passwords(before).length,
          identities: before.identities.size,
          secondFactors: before.factors.size,
          sessions: before.sessions.size,
          refreshTokens: before.refreshTokens.size,
        },
      },
    ],
  }
}

const passwords = ({ users }: ReadFacts) => [...users].filter(([, { password }]) => password !== '')

/** The numbers, and what is wrong on both sides: no harm of the migrations, yet good to know. */
function said(before: ReadFacts, after: ReadFacts): string {
  const numbers = `${count(before.users.size)} users, ${count(passwords(before).length)} of them with a password, ${count(before.identities.size)} identities and ${count(before.sessions.size)} sessions were compared.`
  const broken = passwords(before).filter(
    ([id, old]) => !old.passwordIsHash && after.users.get(id)?.password === old.password,
  )
  const nulls = [...before.users].filter(([id, { nulls: old }]) =>
    old.some((column) => after.users.get(id)?.nulls.includes(column)),
  )
  return [
    numbers,
    broken.length > 0 && `${count(broken.length)} have a password hash that Auth cannot read, before and after.`,
    nulls.length > 0 && `${count(nulls.length)} have NULL where Auth reads '', before and after: Auth fails for them.`,
  ]
    .filter(Boolean)
    .join(' ')
}

function identities(before: ReadFacts, after: ReadFacts): Finding[] {
  const lost: string[] = []
  const address: string[] = []
  for (const [key, old] of before.identities) {
    // Whoever lost the user has lost the identity with it, which is told already.
    if (!after.users.has(old.user)) continue
    const now = after.identities.get(key)
    if (now?.user !== old.user) lost.push(old.user)
    else if (now.email !== old.email) address.push(old.user)
  }
  const object = 'auth.identities'
  const other = 'another e-mail address in an identity, by which the next login is matched to an account'
  return [
    ...affected(lost, { kind: 'auth.identity-lost', object, one: 'lost an identity to log in with' }),
    ...affected(address, {
      kind: 'auth.login-fails',
      object,
      columns: ['identity_data'],
      one: `has ${other}`,
      many: `have ${other}`,
    }).map((one) => ({ ...one, severity: 'warning' as const })),
  ]
}

function factors(before: ReadFacts, after: ReadFacts): Finding[] {
  const lost: string[] = []
  for (const [id, old] of before.factors) {
    const now = after.factors.get(id)
    if (after.users.has(old.user) && (now?.user !== old.user || now.secret !== old.secret)) lost.push(old.user)
  }
  const one = 'lost a second factor, or its secret changed'
  return affected(lost, { kind: 'auth.login-fails', object: 'auth.mfa_factors', one })
}
