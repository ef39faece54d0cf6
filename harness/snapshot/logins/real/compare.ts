import { displayName } from '../../../database/identifiers.ts'
import type { Finding } from '../../../model/finding.ts'
import { count, sayIds } from '../affected.ts'
import { differingClaims } from './claims.ts'
import type { LoginOutcome, LoginUser, SideLogins } from './outcome.ts'

/** A user with both outcomes. */
export type Pair = { readonly user: LoginUser; readonly was: LoginOutcome; readonly is: LoginOutcome }

export type OwnRows = { readonly before: ReadonlySet<string>; readonly after: ReadonlySet<string> }

/** Users of whom both sides have an outcome, in their order. */
export function pairsOf(users: readonly LoginUser[], before: SideLogins, after: SideLogins): Pair[] {
  return users.flatMap((user) => {
    const was = before.users.get(user.id)
    const is = after.users.get(user.id)
    return was === undefined || is === undefined ? [] : [{ user, was, is }]
  })
}

const on = 'auth.users'

/** What differs between the logins of the same users before and after. `ownRows`: who has the row to be read. */
export function compareRealLogins(
  pairs: readonly Pair[],
  ownRows: OwnRows,
  sqlstates: readonly string[] = [],
): Finding[] {
  return [
    ...refusedNow(pairs, sqlstates),
    ...admittedNow(pairs),
    ...refusedOtherwise(pairs),
    ...claims(pairs),
    ...ownRowsHidden(pairs, ownRows),
  ]
}

const words: Readonly<Record<string, string>> = {
  password: 'the password is refused',
  ask: 'asking for a one-time link is refused',
  mail: 'no mail with a link comes',
  verify: 'following the one-time link is refused',
  session: 'their open session cannot be refreshed',
  user: 'Auth does not tell the user after the login',
  refresh: 'the new session cannot be refreshed',
  'sign out': 'signing out is refused',
}

function refusedNow(pairs: readonly Pair[], sqlstates: readonly string[]): Finding[] {
  const broken = pairs.filter(({ was, is }) => was.state === 'in' && is.state === 'refused')
  return [...Map.groupBy(broken, ({ is }) => sayRefusal(is))].toSorted(byKey).map(([refusal, group]) => ({
    kind: 'auth.login-fails',
    object: on,
    title: `${users(group)} of ${count(pairs.length)} who were logged in for real cannot log in any more: ${refusal}.`,
    evidence: [
      sayKinds(group),
      ...(sqlstates.length > 0 && refusal.includes('unexpected_failure')
        ? [`Postgres refused what Auth wrote with SQLSTATE ${sqlstates.join(', ')}.`]
        : []),
      sayIds(idsOf(group)),
    ],
    fix: 'Log one of them in on a kept copy (--keep), and look at the triggers on the tables of schema auth.',
  }))
}

/** A fault that is mended is no harm; whoever Auth kept out on purpose must stay out. */
function admittedNow(pairs: readonly Pair[]): Finding[] {
  const admitted = pairs.filter(({ was, is }) => was.state === 'refused' && is.state === 'in')
  return [...Map.groupBy(admitted, ({ was }) => sayRefusal(was))].toSorted(byKey).map(([refusal, group]) => ({
    kind: 'auth.login-gained',
    object: on,
    title: `${users(group)} who could not log in before ${group.length === 1 ? 'gets' : 'get'} in: before, ${refusal}.`,
    evidence: [sayKinds(group), sayIds(idsOf(group))],
    ...(refusal.includes('unexpected_failure') ? { severity: 'info' as const } : {}),
  }))
}

function refusedOtherwise(pairs: readonly Pair[]): Finding[] {
  const other = pairs.filter(
    ({ was, is }) => was.state === 'refused' && is.state === 'refused' && sayRefusal(was) !== sayRefusal(is),
  )
  return [...Map.groupBy(other, ({ was, is }) => `before, ${sayRefusal(was)}; after, ${sayRefusal(is)}`)]
    .toSorted(byKey)
    .map(([change, group]) => ({
      kind: 'auth.login-fails',
      object: on,
      severity: 'warning',
      title: `${users(group)} who could not log in before ${group.length === 1 ? 'is' : 'are'} refused in another way: ${change}.`,
      evidence: [sayKinds(group), sayIds(idsOf(group))],
    }))
}

function claims(pairs: readonly Pair[]): Finding[] {
  const changed = new Map<string, { readonly paths: Set<string>; readonly pairs: Pair[] }>()
  for (const pair of pairs) {
    if (pair.was.state !== 'in' || pair.is.state !== 'in') continue
    for (const path of differingClaims(pair.was.claims, pair.is.claims)) {
      const claim = path.split('.')[0] ?? path
      const known = changed.get(claim) ?? { paths: new Set(), pairs: [] }
      changed.set(claim, known)
      known.paths.add(path)
      if (known.pairs.at(-1) !== pair) known.pairs.push(pair)
    }
  }
  return [...changed].toSorted(byKey).map(([claim, { paths, pairs: group }]) => ({
    kind: 'auth.claims-changed',
    object: on,
    columns: [claim],
    title: `${users(group)} of ${count(pairs.length)} who were logged in for real ${group.length === 1 ? 'gets' : 'get'} tokens with another ${claim}.`,
    evidence: [`Claims that differ: ${[...paths].toSorted().join(', ')}.`, sayKinds(group), sayIds(idsOf(group))],
    ...(claim === 'user_metadata' ? { severity: 'warning' as const } : {}),
  }))
}

/** Timeouts of Postgres and of PostgREST's pool: of a busy machine as well as of a policy, which the row sets measure. */
const overloaded: ReadonlySet<string> = new Set(['57014', 'PGRST000', 'PGRST001', 'PGRST002', 'PGRST003'])

/** The row is there on both sides, came through the Data API before, and does not after. */
function ownRowsHidden(pairs: readonly Pair[], { before, after }: OwnRows): Finding[] {
  const hidden = pairs.filter(
    ({ user, was, is }) =>
      was.state === 'in' &&
      is.state === 'in' &&
      was.own.state === 'seen' &&
      (is.own.state === 'hidden' || (is.own.state === 'failed' && !overloaded.has(is.own.code))) &&
      before.has(user.id) &&
      after.has(user.id),
  )
  const tableOf = ({ user: { own } }: Pair) => (own === undefined ? '' : displayName(own.schema, own.table))
  return [...Map.groupBy(hidden, tableOf)].toSorted(byKey).map(([table, group]) => {
    const codes = [
      ...new Set(group.flatMap(({ is }) => (is.state === 'in' && is.own.state === 'failed' ? is.own.code : []))),
    ]
    return {
      kind: 'access.rows-lost',
      object: table,
      role: 'authenticated',
      title: `${users(group)} who ${group.length === 1 ? 'was' : 'were'} logged in for real cannot read ${group.length === 1 ? 'the' : 'their'} own row of ${table} any more.`,
      evidence: [
        codes.length > 0 ? `The Data API answers ${codes.toSorted().join(', ')}.` : 'The Data API answers with no row.',
        sayKinds(group),
        sayIds(idsOf(group)),
      ],
    }
  })
}

/** `following the one-time link is refused (user_banned)` */
export function sayRefusal(outcome: LoginOutcome): string {
  if (outcome.state !== 'refused') return ''
  return `${words[outcome.step] ?? outcome.step} (${outcome.code})`
}

/** The kinds of the users with their numbers, the largest first. */
function sayKinds(pairs: readonly Pair[]): string {
  const kinds = [...Map.groupBy(pairs, ({ user }) => user.kind)].toSorted(
    ([one, ones], [other, others]) => others.length - ones.length || (one < other ? -1 : 1),
  )
  const named = kinds.slice(0, 12).map(([kind, { length }]) => `${kind} (${length})`)
  return `Kinds of users: ${named.join('; ')}${kinds.length > 12 ? ` … and ${kinds.length - 12} more` : ''}`
}

const idsOf = (pairs: readonly Pair[]) => pairs.map(({ user }) => user.id).toSorted()

function users({ length }: readonly unknown[]): string {
  return length === 1 ? '1 user' : `${count(length)} users`
}

function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : one > other ? 1 : 0
}
