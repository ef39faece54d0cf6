import type { Contracts } from '../harness/model/config.ts'
import type { NotificationKind } from '../harness/model/mail-contracts.ts'
import type { Mailing } from '../harness/model/people-sql.ts'
import type { SuiteDatabase } from './context.ts'
import { type Gathering, type Member, removeMember } from './mailing.ts'
import { filled } from './mails.ts'
import { quoted } from './names.ts'
import { madeRow } from './rows.ts'

export type Kind = NotificationKind

/** Every kind of notification that the contracts name, in one shape; a chat message where they say where messages are. */
export function kindsOf({ notifications, rateLimit }: Contracts): readonly (readonly [string, Kind])[] {
  if (notifications === undefined) return []
  const { resourceUpdated, chatMessage, kinds } = notifications
  const message = rateLimit && {
    table: rateLimit.table,
    key: 'id',
    values: { [rateLimit.resource]: '{resource}', [rateLimit.user]: '{actor}', [rateLimit.text]: 'a message' },
  }
  return Object.entries({
    'resource-updated': resourceUpdated,
    ...(chatMessage && message && { 'chat-message': { ...chatMessage, row: message } }),
    ...kinds,
  })
}

/** What a call about something that happened needs, and the addresses of all who must get the mail. */
export type Occasion = {
  /** Fills the body of a contract with this occasion's ids. */
  readonly fill: (body: Readonly<Record<string, string>>) => Record<string, string>
  readonly wanted: readonly string[]
}

/**
 * Makes happen what a mail of the kind is about: the row that it needs, the end of a membership; else an edit of the
 * resource, so that it is another one than the last. `name` goes into addresses.
 */
export async function occur(
  db: Pick<SuiteDatabase, 'query'>,
  mailing: Mailing,
  [name, kind]: readonly [string, Kind],
  people: Gathering,
  { actor, person }: { readonly actor: Member; readonly person: Member },
): Promise<Occasion> {
  const address = `delivered+greenlight-${name}@resend.dev`.toLowerCase()
  const ids = { resource: people.key, actor: actor.id, person: person.id, address }
  if (kind.person === 'removed') await removeMember(db, mailing, people.key, person)
  const { table, key, owner } = mailing.resource
  if (kind.row === undefined)
    await db.query(`update ${quoted(table)} set ${quoted(owner)} = ${quoted(owner)} where ${quoted(key)}::text = $1`, [
      people.key,
    ])
  const row =
    kind.row === undefined ? '' : await madeRow(db, kind.row.table, filled(kind.row.values, ids), kind.row.key)
  const others = (...gone: readonly Member[]) =>
    people.members.filter((member) => !gone.includes(member)).map(({ email }) => email)
  return {
    fill: (body) => filled(body, { ...ids, row, message: row }),
    wanted: {
      'members-except-actor': kind.person === 'removed' ? others(actor, person) : others(actor),
      'members-except-actor-and-person': others(actor, person),
      'the-person': [person.email],
      'the-address': [address],
    }[kind.recipients],
  }
}
