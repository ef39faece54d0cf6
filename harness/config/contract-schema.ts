import { z } from 'zod'
import { accessCommands, type Contracts, outsiders } from '../model/config.ts'
import { shownInMails } from '../model/mail-contracts.ts'
import { nearest } from '../model/nearest.ts'
import { tableName, text } from './texts.ts'

const values = z.record(text, z.string())

const shows = z.array(z.enum(shownInMails)).exactOptional()

/** A body in which these are replaced: any other would be sent as it stands. */
const bodyWith = (...known: readonly string[]) =>
  values.check(({ value, issues }) => {
    for (const [field, body] of Object.entries(value)) {
      for (const [whole, name = ''] of body.matchAll(/\{(\w+)\}/g)) {
        if (known.includes(name)) continue
        const close = nearest(name, known)
        const hint = close === undefined ? `known are {${known.join('}, {')}}` : `did you mean {${close}}?`
        const message = `unknown placeholder ${whole}; ${hint}`
        issues.push({ code: 'custom', path: [field], message, input: body, continue: true })
      }
    }
  })

const replacedBy = (body: ReturnType<typeof bodyWith>) =>
  z.array(z.strictObject({ function: text, body })).exactOptional()

export const replacedByReminders = replacedBy(bodyWith('row', 'address', 'resource'))
export const replacedByOnboarding = replacedBy(bodyWith('user', 'address'))

const notificationWith = (body: ReturnType<typeof bodyWith>) =>
  z.strictObject({ body, recipients: z.literal('members-except-actor'), shows, replaces: replacedBy(body) })

export const notification = notificationWith(bodyWith('resource', 'actor'))
export const chatNotification = notificationWith(bodyWith('resource', 'actor', 'message'))

const kindBody = bodyWith('resource', 'actor', 'person', 'address', 'row')

export const notificationKind = z.strictObject({
  function: text.exactOptional(),
  body: kindBody,
  recipients: z.enum(['members-except-actor', 'members-except-actor-and-person', 'the-person', 'the-address']),
  person: z.enum(['member', 'removed']).exactOptional(),
  row: z
    .strictObject({ table: tableName, key: text, values: bodyWith('resource', 'actor', 'person', 'address') })
    .exactOptional(),
  by: z.array(text).min(1).exactOptional(),
  shows,
  replaces: replacedBy(kindBody),
})

export const accessCodeTable = z
  .strictObject({
    table: tableName,
    code: text,
    active: text.exactOptional(),
    expires: text.exactOptional(),
    usesLeft: text.exactOptional(),
    uses: text.exactOptional(),
    maxUses: text.exactOptional(),
    visits: z.strictObject({ table: tableName, code: text }).exactOptional(),
    ignoresCase: z.boolean().exactOptional(),
  })
  .refine(({ uses, maxUses }) => (uses === undefined) === (maxUses === undefined), {
    message: 'needs both of uses and maxUses, or usesLeft instead',
  })
  .refine(({ uses, usesLeft }) => uses === undefined || usesLeft === undefined, {
    message: 'counts uses either by usesLeft or by uses and maxUses',
  })

export const accessContract = z.strictObject({
  invited: z.strictObject({ table: tableName, values }).exactOptional(),
  tables: z
    .array(
      z
        .strictObject({
          table: tableName,
          resource: text.exactOptional(),
          person: text.exactOptional(),
          user: text.exactOptional(),
          may: z.record(text, z.array(z.enum(accessCommands))),
          insert: values.exactOptional(),
        })
        .refine(({ resource, person }) => resource === undefined || person === undefined, {
          message: 'belongs to a resource either by the column resource or by the column person',
        }),
    )
    .min(1),
})

export const integrityContract = z.strictObject({
  unique: z
    .array(
      z.strictObject({ table: tableName, columns: z.array(text).min(1), ignoresCase: z.boolean().exactOptional() }),
    )
    .exactOptional(),
  references: z.array(z.strictObject({ table: tableName, column: text, in: tableName, key: text })).exactOptional(),
  checks: z.array(z.strictObject({ table: tableName, rule: text, holds: text })).exactOptional(),
})

type Checked = { readonly value: Contracts; readonly issues: z.core.$ZodRawIssue[] }

/** What holds between contracts: the actors of `access` are the roles of `membership` and the outsiders. */
export function checkTogether({ value, issues }: Checked): void {
  const { access, membership, notifications, profile, reminders, resource } = value
  const { chatMessage, kinds, resourceUpdated } = notifications ?? {}
  const dated = Object.entries({ resourceUpdated, chatMessage, ...kinds }).filter(([, kind]) =>
    kind?.shows?.includes('date'),
  )
  if (dated.length > 0 && (profile?.timeZone === undefined || resource?.startsAt === undefined)) {
    const message = `${dated.map(([name]) => name).join(', ')}: shows "date" needs profile.timeZone and resource.startsAt`
    issues.push({ code: 'custom', path: ['notifications'], message, input: notifications })
  }
  for (const [name, { recipients, shows }] of Object.entries(kinds ?? {})) {
    if (recipients !== 'the-address' || !shows?.includes('date')) continue
    const message = 'shows no "date": who has an address alone has no time zone'
    issues.push({ code: 'custom', path: ['notifications', 'kinds', name, 'shows'], message, input: shows })
  }
  for (const [name, { by = [] }] of Object.entries(notifications?.kinds ?? {})) {
    for (const role of by.filter((role) => membership?.roles.includes(role) !== true)) {
      const message = `no role of contracts.membership is called "${role}"`
      issues.push({ code: 'custom', path: ['notifications', 'kinds', name, 'by'], message, input: by })
    }
  }
  for (const [at, { body }] of (reminders?.replaces ?? []).entries()) {
    if (reminders?.resource !== undefined || !Object.values(body).some((text) => text.includes('{resource}'))) continue
    const message = '{resource} needs reminders.resource, the column with the key of the resource'
    issues.push({ code: 'custom', path: ['reminders', 'replaces', at, 'body'], message, input: body })
  }
  if (access === undefined) return
  const complain = (path: PropertyKey[], message: string) =>
    issues.push({ code: 'custom', path, message, input: access })
  if (membership === undefined || resource === undefined) {
    complain(['access'], 'needs contracts.resource and contracts.membership, which say who is who')
    return
  }
  const known = [...membership.roles, ...outsiders]
  for (const [at, { may }] of access.tables.entries()) {
    for (const actor of Object.keys(may).filter((name) => !known.includes(name))) {
      const close = nearest(actor, known)
      const hint = close === undefined ? `known are ${known.join(', ')}` : `did you mean "${close}"?`
      complain(['access', 'tables', at, 'may', actor], `unknown actor; ${hint}`)
    }
  }
}
