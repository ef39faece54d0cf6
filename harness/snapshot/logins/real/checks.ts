import type { Check } from '../../../model/check.ts'
import type { Finding } from '../../../model/finding.ts'
import { count } from '../affected.ts'
import { type Pair, sayRefusal } from './compare.ts'
import type { Picked } from './pick.ts'

const real = {
  id: 'logins.real',
  metric: 'logins',
  title: 'Users of every kind really logged in',
  required: true,
} as const

/** Why nobody was logged in. */
export function notLoggedIn(reason: string): Check {
  return { ...real, status: 'not run', reason }
}

/** What the logins showed, with how many of how many users there were and who was refused alike on both sides. */
export function checkOfLogins(picked: Picked, pairs: readonly Pair[], findings: readonly Finding[]): Check {
  if (picked.of === 0)
    return { ...real, status: 'passed', summary: 'auth.users has no rows: there is nobody to log in.' }
  const missing = picked.users.length - pairs.length
  if (pairs.length === 0) return notLoggedIn('No user was tried on both sides within the time.')
  const kinds = new Set(pairs.map(({ user }) => user.kind)).size
  const alike = pairs.filter(({ was, is }) => was.state === 'refused' && sayRefusal(was) === sayRefusal(is))
  const noWay = pairs.filter(({ was }) => was.state === 'no way')
  const failing = findings.filter(({ kind, severity }) => kind.startsWith('auth.') && severity === undefined)
  const numbers = {
    usersLoggedIn: pairs.filter(({ was, is }) => was.state === 'in' && is.state === 'in').length,
    usersTried: pairs.length,
    kindsOfUsers: kinds,
    usersInAll: picked.of,
    refusedOnBothSides: alike.length,
    withoutAWayIn: noWay.length,
    ownRowsRead: pairs.filter(({ was, is }) => seesOwn(was) && seesOwn(is)).length,
  }
  const parts = [
    `${count(numbers.usersLoggedIn)} users${picked.of > pairs.length ? ` of ${count(picked.of)}` : ''} really logged in on both sides, ${count(pairs.length)} of ${kinds} ${kinds === 1 ? 'kind were' : 'kinds were'} tried`,
    alike.length > 0 && `${count(alike.length)} were refused alike before and after${reasonsOf(alike)}`,
    noWay.length > 0 &&
      `${count(noWay.length)} ${noWay.length === 1 ? 'has' : 'have'} neither an address nor an open session`,
    missing > 0 && `${count(missing)} were left out, since logins took too long`,
  ]
  return {
    ...real,
    status: failing.length > 0 ? 'failed' : 'passed',
    summary: `${parts.filter(Boolean).join('; ')}.`,
    numbers,
  }
}

function seesOwn(outcome: Pair['was']): boolean {
  return outcome.state === 'in' && outcome.own.state === 'seen'
}

/** ` (user_banned 4, otp_disabled 2)` */
function reasonsOf(alike: readonly Pair[]): string {
  const codes = [...Map.groupBy(alike, ({ was }) => (was.state === 'refused' ? was.code : ''))]
  const said = codes
    .map(([code, { length }]) => ({ code, length }))
    .toSorted((one, other) => other.length - one.length || (one.code < other.code ? -1 : 1))
  return ` (${said.map(({ code, length }) => `${code} ${count(length)}`).join(', ')})`
}

/** What no login was tried by, so that a reader sees it: the Auth server at hand has none of it. */
export const notTried: Check = {
  id: 'logins.not-tried',
  metric: 'logins',
  title: 'Logins that this Auth server cannot make',
  required: false,
  status: 'not run',
  reason:
    'The Auth server at hand (@supabase/lite) has no anonymous sign-in, invitations, second factors, codes by SMS, single sign-on (SAML), Auth hooks and admin writes, and no outside provider (Google …) is asked. Their rows are compared by reading; users of outside providers log in by a one-time link.',
}
