import { expect } from 'vitest'
import type { Contracts } from '../harness/model/config.ts'
import type { SuiteDatabase } from './context.ts'
import type { Mailbox } from './mailbox.ts'
import { recipients } from './mails.ts'
import { quoted } from './names.ts'

export type Reminders = Required<Contracts>['reminders']

/** An invitation as a test wants it. */
export type Wanted = {
  /** Address of its own; where it is free, `invited` makes one. */
  readonly name: string
  /** How long ago it was made. Unit: hours. */
  readonly age: number
  /** Default: the contract's `pending`. */
  readonly status?: string
  /** It ran out an hour ago. */
  readonly expired?: boolean
}

/**
 * Takes as many invitations as are wanted and moves each in time as a whole, so that it was made `age` hours ago and runs
 * out in 90 days; to an address of its own, which is returned, in the order in which they are wanted. Of those that
 * nobody was reminded of yet; open ones last, since a run of the job may have done so.
 */
export async function invited(
  db: SuiteDatabase,
  { table, key, email, status, pending, invitedAt, expiresAt, tracking }: Reminders,
  salt: string,
  wanted: readonly Wanted[],
): Promise<string[]> {
  const instants = await db.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and atttypid = 'timestamptz'::regtype
       and attgenerated = ''`,
    [quoted(table)],
  )
  const [noted] = await db.query<{ present: boolean }>('select to_regclass($1) is not null as present', [
    tracking === undefined ? '' : quoted(tracking.table),
  ])
  const unnoted =
    tracking !== undefined && noted?.present
      ? `not exists (select from ${quoted(tracking.table)} n where n.${quoted(tracking.invitation)}::text = i.${quoted(key)}::text)`
      : 'true'
  const moved = instants.map(({ name }) =>
    name === expiresAt
      ? `${quoted(name)} = now() + case when w.expired then interval '-1 hour' else interval '90 days' end`
      : `${quoted(name)} = ${quoted(name)} + chosen.delta`,
  )
  const rows = wanted.map((one) => ({
    status: pending,
    expired: false,
    ...one,
    address: `delivered+greenlight-${salt}-${one.name}@resend.dev`.toLowerCase(),
  }))
  const [changed] = await db.query<{ rows: number }>(
    `with w as (
       select (row_number() over ())::int as at, * from jsonb_to_recordset($1::jsonb)
         as r (address text, age float, status text, expired boolean)
     ),
     free as (
       select ${quoted(key)} as key, ${quoted(invitedAt)} as invited, row_number() over (order by ${quoted(status)}::text = $4, md5(${quoted(key)}::text || $2))::int as at
       from ${quoted(table)} i where ${quoted(email)}::text not like 'delivered+greenlight-%' and ${unnoted}
     ),
     chosen as (
       select free.key, w.at, now() - make_interval(secs => w.age * 3600) - free.invited as delta from free join w using (at)
     ),
     changed as (
       update ${quoted(table)} as t
       set ${[...moved, `${quoted(email)} = w.address`, `${quoted(status)} = (jsonb_populate_record(t, jsonb_build_object($3::text, w.status))).${quoted(status)}`].join(', ')}
       from chosen join w using (at) where t.${quoted(key)} = chosen.key returning 1
     )
     select count(*)::int as rows from changed`,
    [JSON.stringify(rows), salt, status, pending],
  )
  expect(changed?.rows, 'invitations to try with').toBe(wanted.length)
  return rows.map(({ address }) => address)
}

/** Of the invitation to this address, its key and that of its resource, where the contract names the column. */
export async function invitationIds(
  db: SuiteDatabase,
  { table, key, email, resource }: Reminders,
  address: string,
): Promise<{ readonly row: string; readonly resource?: string }> {
  const columns = { row: key, ...(resource === undefined ? {} : { resource }) }
  const [ids] = await db.query<{ row: string; resource?: string }>(
    `select ${Object.entries(columns).map(([name, column]) => `${quoted(column)}::text as ${quoted(name)}`)}
     from ${quoted(table)} where ${quoted(email)}::text = $1`,
    [address],
  )
  return ids ?? { row: '' }
}

/** Answers the invitation to this address, or takes it back. */
export async function closeInvitation(
  db: SuiteDatabase,
  { table, email, status }: Reminders,
  address: string,
  closed: string,
): Promise<void> {
  await db.query(
    `update ${quoted(table)} as t
     set ${quoted(status)} = (jsonb_populate_record(t, jsonb_build_object($2::text, $3::text))).${quoted(status)}
     where ${quoted(email)}::text = $1`,
    [address, status, closed],
  )
}

/** How many mails each address got, in their order. */
export async function mailsTo(mailbox: Mailbox, addresses: readonly string[]): Promise<number[]> {
  const sent = Map.groupBy((await mailbox.all()).flatMap(recipients), (address) => address)
  return addresses.map((address) => sent.get(address)?.length ?? 0)
}

/** Tracking rows of the invitation to this address that say the mail was sent; 0 where the contract names no tracking. */
export async function notedAsSent(
  db: SuiteDatabase,
  { table, key, email, tracking }: Reminders,
  address: string,
): Promise<number | undefined> {
  if (tracking === undefined) return 0
  const [row] = await db.query<{ rows: number }>(
    `select count(*)::int as rows from ${quoted(tracking.table)} t join ${quoted(table)} i
       on i.${quoted(key)}::text = t.${quoted(tracking.invitation)}::text
     where i.${quoted(email)}::text = $1 and t.${quoted(tracking.sentAt)} is not null`,
    [address],
  )
  return row?.rows
}
