import type { Mailing, Person } from '../../model/people-sql.ts'

/** What became of one person's mails about one resource. `harmless`: a change that other findings tell, or a gain by right. */
export type RecipientChange = {
  readonly what: 'gained' | 'lost' | 'moved' | 'doubled'
  readonly cause:
    | 'membership'
    | 'new membership'
    | 'rewritten membership'
    | 'owner'
    | 'account'
    | 'deleted'
    | 'banned'
    | 'unconfirmed'
    | 'switch'
    | 'switch of the resource'
    | 'address'
    | 'own address'
    | 'profile'
  /** Where the reason stands. */
  readonly object: string
  readonly column?: string
  readonly harmless: boolean
}

type Context = { readonly mailing: Mailing; readonly rewritten: boolean }
type Cause = Pick<RecipientChange, 'cause' | 'object' | 'column'>

/** Compares the rows of one person of one resource: none where he does not belong to it, several where profiles are. Pure. */
export function changeOf(
  before: readonly Person[],
  after: readonly Person[],
  { mailing, rewritten }: Context,
): readonly RecipientChange[] {
  const was = before.find(isMailed)
  const is = after.find(isMailed)
  if (was === undefined && is === undefined) return []
  if (is === undefined) return [{ what: 'lost', ...lostBy(after[0], was, mailing), harmless: false }]
  const doubled = doubledBy(was, is, mailing)
  if (was !== undefined) {
    const before = was.address === is.address ? [] : [movedBy(was, is, mailing)]
    return [...before, ...doubled]
  }
  return [gainedBy(before[0], is, rewritten, mailing), ...doubled]
}

function isMailed(person: Person): boolean {
  const { address, exists, deleted, banned, confirmed, subscribed, subscribedHere } = person
  return address !== null && exists && !deleted && !banned && confirmed && subscribed && subscribedHere
}

function lostBy(now: Person | undefined, was: Person | undefined, mailing: Mailing): Cause {
  const { membership, resource } = mailing
  if (now !== undefined) return hindrance(now, mailing)
  if (was?.memberships === 0) return { cause: 'owner', object: resource.table, column: resource.owner }
  return { cause: 'membership', object: membership.table }
}

function gainedBy(was: Person | undefined, is: Person, rewritten: boolean, mailing: Mailing): RecipientChange {
  const { membership, resource } = mailing
  if (was === undefined) {
    // The row itself is told by the ledger: as one that came, or as one whose value changed.
    if (is.owner)
      return { what: 'gained', cause: 'owner', object: resource.table, column: resource.owner, harmless: true }
    return rewritten
      ? {
          what: 'gained',
          cause: 'rewritten membership',
          object: membership.table,
          column: membership.user,
          harmless: false,
        }
      : { what: 'gained', cause: 'new membership', object: membership.table, harmless: true }
  }
  const cause = hindrance(was, mailing)
  if (cause.cause === 'address' && was.account !== null && is.address === was.account)
    return { what: 'gained', ...cause, cause: 'own address', harmless: true }
  return { what: 'gained', ...cause, harmless: false }
}

function movedBy(was: Person, is: Person, mailing: Mailing): RecipientChange {
  const own = is.address === was.account
  return { what: 'moved', ...addressOf(mailing), cause: own ? 'own address' : 'address', harmless: own }
}

function doubledBy(was: Person | undefined, is: Person, { membership, profile }: Mailing): readonly RecipientChange[] {
  const more = (count: 'memberships' | 'profiles') => is[count] > 1 && (was?.[count] ?? 0) <= 1
  return [
    ...(more('memberships')
      ? [{ what: 'doubled', cause: 'membership', object: membership.table, harmless: false } as const]
      : []),
    ...(more('profiles') && profile !== undefined
      ? [{ what: 'doubled', cause: 'profile', object: profile.table, harmless: false } as const]
      : []),
  ]
}

/** The first thing that keeps mails from a person. */
function hindrance(person: Person, mailing: Mailing): Cause {
  const { membership, profile } = mailing
  const users = 'auth.users'
  if (!person.exists) return { cause: 'account', object: users }
  if (person.deleted) return { cause: 'deleted', object: users, column: 'deleted_at' }
  if (person.banned) return { cause: 'banned', object: users, column: 'banned_until' }
  if (!person.confirmed) return { cause: 'unconfirmed', object: users, column: 'email_confirmed_at' }
  if (!person.subscribedHere)
    return { cause: 'switch of the resource', object: membership.table, column: membership.subscribed ?? '' }
  if (!person.subscribed) return { cause: 'switch', object: profile?.table ?? '', column: profile?.subscribed ?? '' }
  return { cause: 'address', ...addressOf(mailing) }
}

function addressOf({ profile }: Mailing): Omit<Cause, 'cause'> {
  if (profile?.email === undefined) return { object: 'auth.users', column: 'email' }
  return { object: profile.table, column: profile.email }
}

/** Why, as the end of a sentence. */
export function reasonOf({ what, cause, object, column }: RecipientChange): string {
  const switched = `${column} of ${object}`
  switch (cause) {
    case 'membership':
      return what === 'doubled' ? `more than one row of ${object} says so` : `their rows of ${object} are gone`
    case 'profile':
      return `more than one row of ${object} is theirs`
    case 'new membership':
      return `rows of ${object} that were not there before make them members`
    case 'rewritten membership':
      return `rows of ${object} that were somebody else's, or another resource's, are theirs now`
    case 'owner':
      return what === 'lost' ? `${switched} names somebody else` : `${switched} names them`
    case 'account':
      return what === 'lost' ? 'their accounts are gone' : 'they had no account'
    case 'deleted':
      return what === 'lost' ? 'their accounts are marked as deleted' : 'their accounts were marked as deleted'
    case 'banned':
      return what === 'lost' ? 'they are banned' : 'they were banned'
    case 'unconfirmed':
      return what === 'lost' ? 'their address is no longer confirmed' : 'their address was not confirmed'
    case 'switch':
    case 'switch of the resource':
      return what === 'lost' ? `${switched} is off` : `${switched} was off`
    case 'own address':
      return `${switched} has the address of their account now`
    case 'address':
      if (what === 'lost') return `${switched} gives no address`
      return `${switched} gives an address that was not their account's`
  }
}
