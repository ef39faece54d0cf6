import type { Check } from '../../model/check.ts'
import type { Finding, FindingKind } from '../../model/finding.ts'
import type { LoginFacts } from './facts.ts'

type ReadFacts = Extract<LoginFacts, { state: 'read' }>

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
    const users = [...before.users.keys()]
    const findings = [finding('auth.user-lost', 'auth.users', users, 'is gone', 'are gone, with the table')].flat()
    return { findings, checks: [{ ...check, status: 'failed', summary: 'auth.users does not exist any more.' }] }
  }
  const findings = [...users(before, after), ...identities(before, after), ...factors(before, after)].concat(
    sessions(before, after),
  )
  const { size } = before.users
  const withPassword = [...before.users.values()].filter(({ password }) => password !== '').length
  return {
    findings,
    checks: [
      {
        ...check,
        status: findings.some(({ severity }) => severity === undefined) ? 'failed' : 'passed',
        summary: `${count(size)} users, ${count(withPassword)} of them with a password, ${count(before.identities.size)} identities and ${count(before.sessions.size)} sessions were compared.`,
        numbers: {
          users: size,
          usersAfter: after.users.size,
          passwords: withPassword,
          identities: before.identities.size,
          secondFactors: before.factors.size,
          sessions: before.sessions.size,
        },
      },
    ],
  }
}

function users(before: ReadFacts, after: ReadFacts): Finding[] {
  const lost: string[] = []
  const changes = {
    emptied: [] as string[],
    changed: [] as string[],
    unconfirmed: [] as string[],
    banned: [] as string[],
    deleted: [] as string[],
    email: [] as string[],
    phone: [] as string[],
    scope: [] as string[],
  }
  for (const [id, old] of before.users) {
    const now = after.users.get(id)
    if (now === undefined) {
      lost.push(id)
      continue
    }
    if (old.password !== now.password) (now.password === '' ? changes.emptied : changes.changed).push(id)
    if (old.confirmed && !now.confirmed) changes.unconfirmed.push(id)
    if (!old.banned && now.banned) changes.banned.push(id)
    if (!old.deleted && now.deleted) changes.deleted.push(id)
    if (old.email !== now.email || (old.emailIsLower && !now.emailIsLower)) changes.email.push(id)
    if (old.phone !== now.phone) changes.phone.push(id)
    if (old.scope !== now.scope) changes.scope.push(id)
  }
  const on = 'auth.users'
  const fails = (ids: readonly string[], columns: readonly string[], one: string, many: string) =>
    finding('auth.login-fails', on, ids, one, many, columns)
  return [
    finding('auth.user-lost', on, lost, 'is gone', 'are gone'),
    finding('auth.password-changed', on, changes.emptied, 'has no password any more', 'have no password any more', [
      'encrypted_password',
    ]),
    finding('auth.password-changed', on, changes.changed, 'has another password', 'have another password', [
      'encrypted_password',
    ]),
    fails(
      changes.unconfirmed,
      ['email_confirmed_at', 'phone_confirmed_at'],
      'is now unconfirmed',
      'are now unconfirmed',
    ),
    fails(changes.banned, ['banned_until'], 'is now banned', 'are now banned'),
    fails(changes.deleted, ['deleted_at'], 'is now marked as deleted', 'are now marked as deleted'),
    fails(changes.email, ['email'], 'has another e-mail address', 'have another e-mail address'),
    fails(changes.phone, ['phone'], 'has another phone number', 'have another phone number'),
    fails(
      changes.scope,
      ['instance_id', 'aud', 'role', 'is_sso_user'],
      'has another instance, audience or role',
      'have another instance, audience or role',
    ),
  ].flat()
}

function identities(before: ReadFacts, after: ReadFacts): Finding[] {
  const lost: string[] = []
  for (const [key, old] of before.identities) {
    // Whoever lost the user has lost the identity with it, which is told already.
    if (after.users.has(old.user) && after.identities.get(key)?.user !== old.user) lost.push(old.user)
  }
  return finding(
    'auth.identity-lost',
    'auth.identities',
    lost,
    'lost an identity to log in with',
    'lost an identity to log in with',
  )
}

function factors(before: ReadFacts, after: ReadFacts): Finding[] {
  const lost: string[] = []
  for (const [id, old] of before.factors) {
    const now = after.factors.get(id)
    if (after.users.has(old.user) && (now?.user !== old.user || now.secret !== old.secret)) lost.push(old.user)
  }
  const words = 'lost a second factor, or its secret changed'
  return finding('auth.login-fails', 'auth.mfa_factors', lost, words, words)
}

function sessions(before: ReadFacts, after: ReadFacts): Finding[] {
  const stolen: string[] = []
  const ended: string[] = []
  for (const [id, old] of before.sessions) {
    if (!after.users.has(old.user)) continue
    const now = after.sessions.get(id)
    if (now !== undefined && now.user !== old.user) stolen.push(old.user)
    else if (now === undefined || now.tokens !== old.tokens) ended.push(old.user)
  }
  const words = 'is logged in as somebody else'
  const out = 'will be logged out: the session or its refresh token is not the same'
  return [
    finding('auth.login-fails', 'auth.sessions', stolen, words, 'are logged in as somebody else', ['user_id']),
    finding('auth.login-fails', 'auth.sessions', ended, out, out).map((one) => ({
      ...one,
      severity: 'warning' as const,
    })),
  ].flat()
}

/** Ids named in one finding. */
const mostIds = 20

function finding(
  kind: FindingKind,
  object: string,
  ids: readonly string[],
  one: string,
  many: string,
  columns: readonly string[] = [],
): Finding[] {
  const distinct = [...new Set(ids)].toSorted()
  if (distinct.length === 0) return []
  const title = distinct.length === 1 ? `1 user ${one}.` : `${count(distinct.length)} users ${many}.`
  const more = distinct.length - mostIds
  const evidence = [`User ids: ${distinct.slice(0, mostIds).join(', ')}${more > 0 ? ` … and ${count(more)} more` : ''}`]
  return [{ kind, object, ...(columns.length > 0 ? { columns } : {}), title, evidence }]
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}
