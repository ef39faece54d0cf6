import type { Contracts } from '../model/config.ts'
import { statedValues } from './roles.ts'
import type { Column, Shape, Table } from './shape.ts'

type Guess<Key extends keyof Contracts> = {
  readonly value: NonNullable<Contracts[Key]>
  readonly reasons: readonly string[]
  readonly sure: false
}
type Guesses = { -readonly [Key in GuessedContract]?: Guess<Key> }

/** In the order in which they are written. */
export const guessedContracts = ['notifications', 'rateLimit', 'reminders', 'onboarding', 'accessCodes'] as const
export type GuessedContract = (typeof guessedContracts)[number]

/** Contracts about which columns and names only hint: each is written as a comment, with what is missing in it. Pure. */
export function guesses(
  shape: Shape,
  functions: readonly string[],
  known: {
    readonly resource: Contracts['resource'] | undefined
    readonly membership: Contracts['membership'] | undefined
  },
  userColumns: ReadonlyMap<string, readonly { readonly column: Column }[]>,
): Guesses {
  const { resource, membership } = known
  const found: Guesses = {}
  const accessCodes = accessCodesOf(shape)
  const reminders = remindersOf(shape, functions)
  const rateLimit = resource === undefined ? undefined : rateLimitOf(shape, resource, userColumns)
  const notifications = membership === undefined ? undefined : notificationsOf(functions, membership, rateLimit)
  const onboarding = onboardingOf(functions)
  if (notifications) found.notifications = notifications
  if (onboarding) found.onboarding = onboarding
  if (rateLimit) found.rateLimit = rateLimit
  if (reminders) found.reminders = reminders
  if (accessCodes) found.accessCodes = accessCodes
  return found
}

function notificationsOf(
  functions: readonly string[],
  { resource }: NonNullable<Contracts['membership']>,
  chat: Guess<'rateLimit'> | undefined,
): Guess<'notifications'> | undefined {
  const name = functions.find((one) => /notif/i.test(one))
  if (name === undefined) return undefined
  const recipients = 'members-except-actor'
  const body = { [resource]: '{resource}', actor_id: '{actor}' }
  return {
    value: {
      function: name,
      resourceUpdated: { body: { type: 'updated', ...body }, recipients, shows: ['title', 'link'] },
      ...(chat ? { chatMessage: { body: { type: 'chat', ...body, message_id: '{message}' }, recipients } } : {}),
    },
    reasons: [
      `${name} looks like it mails members. Write each body as the app sends it; further mails go into kinds: { … }.`,
    ],
    sure: false,
  }
}

function onboardingOf(functions: readonly string[]): Guess<'onboarding'> | undefined {
  const name = functions.find((one) => /onboard|welcome/i.test(one))
  if (name === undefined) return undefined
  return {
    value: { function: name, afterDays: [0, 3] },
    reasons: [
      `${name} looks like it leads new users in. Say how many days after the sign-up each mail is due, and name the function that runs daily, if another one calls it.`,
    ],
    sure: false,
  }
}

function rateLimitOf(
  shape: Shape,
  resource: NonNullable<Contracts['resource']>,
  userColumns: ReadonlyMap<string, readonly { readonly column: Column }[]>,
): Guess<'rateLimit'> | undefined {
  const chat = shape.tables.find(({ name }) => /message|chat|comment/i.test(bareName(name)))
  const link = chat?.links.find(({ table }) => table === resource.table)
  const [user] = userColumns.get(chat?.name ?? '') ?? []
  const text = chat === undefined ? undefined : first(chat, ['body', 'message', 'content', 'text'])
  if (chat === undefined || link === undefined || user === undefined || text === undefined) return undefined
  return {
    value: { table: chat.name, resource: link.column, user: user.column.name, text, mails: 1, windowSeconds: 900 },
    reasons: [
      'Looks like a chat. Say how many mails one recipient gets in which time; it needs contracts.notifications.',
    ],
    sure: false,
  }
}

function remindersOf(shape: Shape, functions: readonly string[]): Guess<'reminders'> | undefined {
  const table = shape.tables.find(
    (one) =>
      /invit/i.test(bareName(one.name)) &&
      first(one, ['email']) !== undefined &&
      first(one, ['status', 'state']) !== undefined,
  )
  if (table === undefined) return undefined
  const status = first(table, ['status', 'state']) ?? 'status'
  const column = table.columns.find(({ name }) => name === status)
  const values = (column && statedValues(table, column)?.values) ?? []
  const invitedAt = first(table, ['invited_at', 'sent_at', 'created_at'])
  const key = table.keys.find((names) => names.length === 1)?.[0]
  if (invitedAt === undefined || key === undefined) return undefined
  const closed = values.filter((value) => /accept|declin|reject|withdraw|revoke|cancel|expire/i.test(value))
  const expiresAt = first(table, ['expires_at', 'valid_until', 'expires'])
  const tracking = trackingOf(shape, table, key)
  const name =
    functions.find((one) => /remind/i.test(one) && /process|daily|cron/i.test(one)) ??
    functions.find((one) => /remind/i.test(one))
  return {
    value: {
      function: name ?? 'process-reminders',
      table: table.name,
      key,
      email: 'email',
      status,
      pending: values.find((value) => /pending|open|sent|invited/i.test(value)) ?? 'pending',
      invitedAt,
      afterDays: [3, 7],
      ...(closed.length > 0 ? { closed } : {}),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(tracking === undefined ? {} : { tracking }),
    },
    reasons: [
      'Looks like invitations. Say which function reminds, and after how many days; job: … names the cron job that calls it.',
    ],
    sure: false,
  }
}

/** A table of what was sent about an invitation. */
function trackingOf(shape: Shape, invitations: Table, key: string) {
  for (const table of shape.tables.filter(({ name }) => /remind|sent|mail|notif/i.test(bareName(name)))) {
    const link = table.links.find((one) => one.table === invitations.name && one.key === key)
    const sentAt = first(table, ['sent_at', 'reminded_at', 'delivered_at'])
    if (link !== undefined && sentAt !== undefined) return { table: table.name, invitation: link.column, sentAt }
  }
  return undefined
}

function accessCodesOf({ functions }: Shape): Guess<'accessCodes'> | undefined {
  const found = functions.find(
    ({ name, args, argTypes }) =>
      /code/i.test(name) && /valid|check|verify|redeem/i.test(name) && args.length === 1 && argTypes[0] === 'text',
  )
  const [argument] = found?.args ?? []
  if (found === undefined || argument === undefined || argument === '') return undefined
  const [, key] = /TABLE\((\w*valid\w*) /.exec(found.returns) ?? []
  return {
    value: { function: found.name, argument, validCode: 'A-VALID-CODE', validKey: key ?? 'valid' },
    reasons: ['Looks like a check of access codes. Name a code that must stay valid.'],
    sure: false,
  }
}

const bareName = (table: string) => table.slice(table.indexOf('.') + 1)
const first = (table: Table, names: readonly string[]) =>
  names.find((name) => table.columns.some((column) => column.name === name))
