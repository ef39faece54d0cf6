import type { Finding } from '../../model/finding.ts'
import { type About, affected } from './affected.ts'
import type { ReadFacts, UserFacts } from './facts.ts'

type Rule = Omit<About, 'object'> & {
  readonly when: (old: UserFacts, now: UserFacts) => boolean
  readonly severity?: 'warning'
}

const fails = 'auth.login-fails'

/** What may not change of a user that is still there. */
const rules: readonly Rule[] = [
  {
    kind: 'auth.password-changed',
    columns: ['encrypted_password'],
    one: 'has no password any more',
    many: 'have no password any more',
    when: (old, now) => old.password !== now.password && now.password === '',
  },
  {
    kind: 'auth.password-changed',
    columns: ['encrypted_password'],
    one: 'has another password',
    many: 'have another password',
    when: (old, now) => old.password !== now.password && now.passwordIsHash,
  },
  {
    kind: 'auth.password-changed',
    columns: ['encrypted_password'],
    one: 'has another password, stored as no hash that Auth can read',
    many: 'have another password, stored as no hash that Auth can read',
    when: (old, now) => old.password !== now.password && now.password !== '' && !now.passwordIsHash,
  },
  {
    kind: fails,
    columns: ['email_confirmed_at', 'phone_confirmed_at'],
    one: 'is now unconfirmed',
    many: 'are now unconfirmed',
    when: (old, now) => old.confirmed && !now.confirmed,
  },
  {
    kind: fails,
    columns: ['banned_until'],
    one: 'is now banned',
    many: 'are now banned',
    when: (old, now) => !old.banned && now.banned,
  },
  {
    kind: fails,
    columns: ['deleted_at'],
    one: 'is now marked as deleted',
    many: 'are now marked as deleted',
    when: (old, now) => !old.deleted && now.deleted,
  },
  {
    kind: fails,
    columns: ['email'],
    one: 'has another e-mail address',
    many: 'have another e-mail address',
    when: (old, now) => old.email !== now.email || (old.emailIsLower && !now.emailIsLower),
  },
  {
    kind: fails,
    columns: ['phone'],
    one: 'has another phone number',
    many: 'have another phone number',
    when: (old, now) => old.phone !== now.phone,
  },
  {
    kind: fails,
    columns: ['instance_id', 'aud', 'role', 'is_sso_user'],
    one: 'has another instance, audience or role',
    many: 'have another instance, audience or role',
    when: (old, now) => old.scope !== now.scope,
  },
  {
    kind: 'auth.login-gained',
    columns: ['banned_until'],
    one: 'was banned and is not any more',
    many: 'were banned and are not any more',
    when: (old, now) => old.banned && !now.banned && old.bannedUntil !== now.bannedUntil,
  },
  {
    kind: 'auth.login-gained',
    columns: ['deleted_at'],
    one: 'was marked as deleted and is not any more',
    many: 'were marked as deleted and are not any more',
    when: (old, now) => old.deleted && !now.deleted,
  },
  {
    kind: 'auth.claims-changed',
    columns: ['app_metadata'],
    one: 'gets tokens with another app_metadata, by which policies may let it through',
    many: 'get tokens with another app_metadata, by which policies may let them through',
    when: (old, now) => old.appMetadata !== now.appMetadata,
  },
  {
    kind: 'auth.claims-changed',
    columns: ['user_metadata'],
    one: 'gets tokens with another user_metadata',
    many: 'get tokens with another user_metadata',
    when: (old, now) => old.userMetadata !== now.userMetadata,
    severity: 'warning',
  },
]

/** Users who are gone, or differ in what a login depends on. */
export function compareUsers(before: ReadFacts, after: ReadFacts): Finding[] {
  const object = 'auth.users'
  const lost: string[] = []
  const nulls = new Map<string, string>()
  const hit = rules.map((): string[] => [])
  for (const [id, old] of before.users) {
    const now = after.users.get(id)
    if (now === undefined) {
      lost.push(id)
      continue
    }
    for (const [at, rule] of rules.entries()) if (rule.when(old, now)) hit[at]?.push(id)
    for (const column of now.nulls) if (!old.nulls.includes(column)) nulls.set(`${id}\0${column}`, column)
  }
  const withNull = [...nulls.keys()].map((key) => key.split('\0')[0] ?? '')
  return [
    ...affected(lost, { kind: 'auth.user-lost', object, one: 'is gone', many: 'are gone' }),
    ...rules.flatMap(({ severity, ...about }, at) =>
      affected(hit[at] ?? [], { ...about, object }).map((one) => (severity === undefined ? one : { ...one, severity })),
    ),
    ...affected(withNull, {
      kind: fails,
      object,
      columns: [...new Set(nulls.values())].toSorted(),
      one: "has NULL where Auth reads '': every request for the account fails",
      many: "have NULL where Auth reads '': every request for their accounts fails",
    }),
  ]
}
