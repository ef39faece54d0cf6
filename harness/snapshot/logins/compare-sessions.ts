import type { Finding } from '../../model/finding.ts'
import { affected } from './affected.ts'
import type { ReadFacts } from './facts.ts'

/** Whose sessions and refresh tokens went to somebody else (blocks), and whose are over (a warning: they log in again). */
export function compareSessions(before: ReadFacts, after: ReadFacts): Finding[] {
  const stolen: string[] = []
  const ended: string[] = []
  for (const [id, user] of before.sessions) {
    if (!after.users.has(user)) continue
    const now = after.sessions.get(id)
    if (now === undefined) ended.push(user)
    else if (now !== user) stolen.push(user)
  }
  const given: string[] = []
  for (const [token, old] of before.refreshTokens) {
    // A session that was over, or that belongs to somebody else, could not be refreshed before either.
    if (!after.users.has(old.user) || (old.session !== '' && before.sessions.get(old.session) !== old.user)) continue
    const now = after.refreshTokens.get(token)
    if (now === undefined) ended.push(old.user)
    else if (now.user !== old.user) given.push(old.user)
    else if (now.session === old.session) continue
    else if ((after.sessions.get(now.session) ?? old.user) !== old.user) given.push(old.user)
    else if (!after.sessions.has(now.session)) ended.push(old.user)
  }
  const kind = 'auth.login-fails'
  const out = 'will be logged out: the session or its refresh token is gone'
  return [
    ...affected(stolen, {
      kind,
      object: 'auth.sessions',
      columns: ['user_id'],
      one: 'is logged in as somebody else',
      many: 'are logged in as somebody else',
    }),
    ...affected(given, {
      kind,
      object: 'auth.refresh_tokens',
      columns: ['session_id', 'user_id'],
      one: 'has a refresh token that now opens the account of somebody else',
      many: 'have refresh tokens that now open the accounts of others',
    }),
    ...affected(ended, { kind, object: 'auth.sessions', one: out }).map((one) => ({
      ...one,
      severity: 'warning' as const,
    })),
  ]
}
