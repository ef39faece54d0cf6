import { configured, describe, expect, gather, kindsOf, needs, occur, quoted } from '#suite'
import { tells } from './reader-dates.ts'

const test = needs('resource', 'membership', 'profile', 'notifications')

/** The day before, the day after, a part of an hour, and one with summer time; at 10:37 UTC no two tell the same. */
const zones = ['Pacific/Pago_Pago', 'Pacific/Kiritimati', 'Asia/Kathmandu', 'America/New_York']
const moments = ['01', '07'].map((month) => new Date(`${new Date().getUTCFullYear() + 1}-${month}-15T10:37:00Z`))

const roles = configured().membership?.roles ?? []
const dated = kindsOf(configured()).filter(([, { shows }]) => shows?.includes('date'))

describe('notifications: dates', () => {
  if (dated.length === 0)
    test('are told in the reader’s time zone', ({ skip }) =>
      skip('not configured: shows "date" of contracts.notifications'))

  for (const [name, kind] of dated) {
    test(`${name}: each reader is told the date in the own time zone`, async ({ app, as, db, mailbox, seed, skip }) => {
      const { table, user, timeZone } = app.profile
      const { startsAt, endsAt, title } = app.resource
      if (timeZone === undefined || startsAt === undefined)
        return skip('not configured: contracts.profile.timeZone, contracts.resource.startsAt')
      const [column] = await db.query(
        'select from pg_attribute where attrelid = $1::regclass and attname = $2 and not attisdropped',
        [quoted(table), timeZone],
      )
      expect(column, `column ${timeZone} of ${table}`).toBeDefined()
      const people = await gather(db, app, { size: zones.length + 1, seed: seed + 4_000 })
      const actor = people?.members.find(({ role }) => (kind.by ?? roles).includes(role))
      const readers = people?.members.filter((member) => member !== actor) ?? []
      expect(actor !== undefined && readers.length === zones.length, 'somebody and a reader for each zone').toBe(true)
      const person = readers.at(-1)
      if (people === undefined || actor === undefined || person === undefined) return
      for (const [at, { id }] of readers.entries())
        await db.query(`update ${quoted(table)} set ${quoted(timeZone)} = $1 where ${quoted(user)}::text = $2`, [
          zones[at],
          id,
        ])
      const client = await as(actor)
      for (const moment of moments) {
        const values = Object.entries({
          ...(title === undefined ? {} : { [title]: 'Greenlight' }),
          [startsAt]: moment.toISOString(),
          ...(endsAt === undefined ? {} : { [endsAt]: new Date(moment.getTime() + 3_600_000).toISOString() }),
        })
        await db.query(
          `update ${quoted(app.resource.table)} set ${values.map(([name], at) => `${quoted(name)} = $${at + 2}`).join(', ')}
           where ${quoted(app.resource.key)}::text = $1`,
          [people.key, ...values.map(([, value]) => value)],
        )
        const { fill } = await occur(db, app, [name, kind], people, { actor, person })
        await mailbox.clear()
        const called = kind.function ?? app.notifications.function
        const { error } = await client.functions.invoke(called, { body: fill(kind.body) })
        expect(error?.name, `answer of ${called}`).toBeUndefined()
        const mails = await mailbox.all()
        const known = people.members.map(({ name }) => name).filter((name) => name !== '')
        const wrong = readers.flatMap(({ email, id }, at) => {
          const zone = zones[at] ?? 'UTC'
          const isReader =
            kind.recipients === 'members-except-actor' || (id === person.id) === (kind.recipients === 'the-person')
          if (!isReader) return []
          const mail = mails.find(({ to }) => to.some((address) => address.toLowerCase().includes(email)))
          if (mail === undefined) return [`no mail to ${zone}`]
          const text = [...mail.links, ...known].reduce((rest, part) => rest.replaceAll(part, ' '), mail.text ?? '')
          return tells(`${mail.subject} ${text}`, moment, zone) ? [] : [zone]
        })
        expect(
          wrong.length,
          `mails of ${name} about ${moment.toISOString()} that are not in the reader’s time zone: ${wrong.join(', ')}`,
        ).toBe(0)
      }
    })
  }
})
