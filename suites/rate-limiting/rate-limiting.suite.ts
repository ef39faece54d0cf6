import {
  configured,
  describe,
  expect,
  filled,
  from,
  harm,
  insertSql,
  mailsTo,
  needs,
  quoted,
  recipients,
  rowFor,
  type SuiteFixtures,
} from '#suite'

const test = needs('resource', 'membership', 'profile', 'notifications', 'rateLimit')

const owed = configured().rateLimit?.digest

type Writer = { id: string; email: string }
type Case = { key: string; writers: Writer[]; others: string[]; readers: string[] }

/** Functions start anew, and many calls come at once: on a busy machine that takes a while. Unit: milliseconds. */
const patience = 120_000

/** Messages at once, beyond the limit. */
const extra = 49

describe('rate limiting of chat mails', () => {
  test(
    'many messages at once, from two people, send no more mails than the limit for each recipient and resource',
    async ({ app, as, db, mailbox, seed, service, skip }) => {
      const fixtures = { app, as, db, seed, service, skip }
      const [first, second] = await casesOf(fixtures)
      await mailbox.clear()
      const answers = await told(fixtures, first, app.rateLimit.mails + extra)
      const counts = await mailsTo(mailbox, first.others)
      // Before the calls: with far too many mails the mail service's own limit fails some of them.
      harm('mail.over-limit', () =>
        expect(counts.filter((mails) => mails > app.rateLimit.mails).length, 'recipients over the limit').toBe(0),
      )
      expect(answers.filter((answer) => answer !== 'ok').length, 'failed calls').toBe(0)
      harm('mail.missing-recipient', () =>
        expect(counts.filter((mails) => mails === 0).length, 'recipients without any mail').toBe(0),
      )
      const sent = (await mailbox.all()).flatMap(recipients).length
      await told(fixtures, first, 2)
      const later = (await mailbox.all()).flatMap(recipients).length
      harm('mail.over-limit', () => expect(later, 'mails after more messages within the window').toBe(sent))

      // The limit is for each resource: also for somebody who was mailed about the other one just now.
      const both = await joined(fixtures, first, second)
      await mailbox.clear()
      await told(fixtures, second, 1)
      const missing = (await mailsTo(mailbox, [...second.others, ...both])).filter((mails) => mails === 0)
      harm('mail.missing-recipient', () =>
        expect(missing.length, 'recipients without a mail about another resource').toBe(0),
      )
    },
    patience,
  )

  test(
    'a slow stream of messages never sends more mails than the limit within a window, also when the function starts anew',
    async ({ app, advance, as, db, mailbox, seed, service, skip }) => {
      const fixtures = { app, as, db, seed, service, skip }
      const { mails: limit, windowSeconds, window } = app.rateLimit
      const [, , third] = await casesOf(fixtures)
      await mailbox.clear()
      await told(fixtures, third, limit)
      const burst = await mailsTo(mailbox, third.others)
      harm('mail.missing-recipient', () =>
        expect(burst.filter((mails) => mails === 0).length, 'recipients without any mail').toBe(0),
      )
      const step = Math.ceil(windowSeconds * 0.6)
      await advance(`${step} seconds`)
      await told(fixtures, third, 1)
      const within = (await mailsTo(mailbox, third.others)).filter((mails) => mails > limit)
      harm('mail.over-limit', () => expect(within.length, 'recipients over the limit within the window').toBe(0))
      await advance(`${step} seconds`)
      await mailbox.clear()
      await told(fixtures, third, 1)
      const after = await mailsTo(mailbox, third.others)
      harm('mail.over-limit', () =>
        expect(after.filter((mails) => mails > limit).length, 'recipients over the limit in the next window').toBe(0),
      )
      if (window === undefined) return
      const [due, kind] = window === 'resets' ? [1, 'mail.missing-recipient' as const] : [0, 'mail.over-limit' as const]
      const others = after.filter((mails) => mails !== due).length
      harm(kind, () => expect(others, `recipients for whom the window is not one that ${window}`).toBe(0))
    },
    patience,
  )

  // A limit that owes no digest may drop what it holds back: there is nothing to try then.
  if (owed !== undefined)
    test(
      'what the limit held back is told later, as the contract says',
      async ({ app, advance, as, db, mailbox, seed, service, skip }) => {
        const { mails: limit, windowSeconds } = app.rateLimit
        const fixtures = { app, as, db, seed, service, skip }
        const [, , , , fifth] = await casesOf(fixtures)
        await mailbox.clear()
        await told(fixtures, fifth, limit, 'first')
        await told(fixtures, fifth, 3, 'held back')
        const before = await mailsTo(mailbox, fifth.others)
        harm('mail.over-limit', () =>
          expect(before.filter((mails) => mails > limit).length, 'recipients over the limit').toBe(0),
        )
        await advance(`${Math.ceil(windowSeconds) + 1} seconds`)
        if ('function' in owed) {
          const { error } = await service.functions.invoke(owed.function, { body: {} })
          expect(error?.name, `answer of ${owed.function}`).toBeUndefined()
        } else await told(fixtures, fifth, 1, 'last')
        const after = await mailsTo(mailbox, fifth.others)
        const over = after.filter((mails, at) => mails - (before[at] ?? 0) > limit)
        harm('mail.over-limit', () => expect(over.length, 'recipients over the limit in the next window').toBe(0))
        const all = await mailbox.all()
        const texts = fifth.others.map((address) =>
          all.flatMap((mail) => (recipients(mail).includes(address) ? [mail.text ?? mail.html ?? ''] : [])).join(' '),
        )
        const lacking = [1, 2, 3].map((at) => texts.filter((text) => !text.includes(`held back ${at}`)).length)
        harm('mail.missing-recipient', () =>
          expect(Math.max(...lacking), 'recipients who are never told of a message that was held back').toBe(0),
        )
      },
      patience,
    )

  test(
    'a mail service that is too busy or fails costs nobody the mail, and sends it to nobody twice',
    async ({ app, as, db, mailbox, seed, service, skip }) => {
      const fixtures = { app, as, db, seed, service, skip }
      const [, , , fourth] = await casesOf(fixtures)
      await mailbox.clear()
      await mailbox.fault({ kind: 'error', status: 500 })
      await told(fixtures, fourth, 1)
      await mailbox.clearFaults()
      expect((await mailbox.all()).length, 'mails while the service failed').toBe(0)
      await mailbox.fault({ kind: 'rate-limit', retryAfter: 1 })
      const answers = await told(fixtures, fourth, 1)
      harm('mail.lost-on-failure', () => expect(answers, 'answer while the service was too busy').toEqual(['ok']))
      await mailbox.clearFaults()
      const counts = await mailsTo(mailbox, fourth.others)
      harm('mail.lost-on-failure', () =>
        expect(counts.filter((mails) => mails === 0).length, 'recipients without any mail').toBe(0),
      )
      harm('mail.over-limit', () =>
        expect(counts.filter((mails) => mails > app.rateLimit.mails).length, 'recipients over the limit').toBe(0),
      )
    },
    patience,
  )
})

type Given = Pick<SuiteFixtures, 'as' | 'db' | 'seed' | 'service'> & {
  skip: (reason: string) => never
  app: App & Required<Pick<SuiteFixtures['app'], 'notifications' | 'rateLimit'>>
}

/** Messages written in turn by those who may, then told of all at once; the answers. */
async function told(
  { app, as, service, skip }: Given,
  { key, writers }: Case,
  messages: number,
  text = 'message',
): Promise<string[]> {
  const { rateLimit, notifications } = app
  const chat = notifications.chatMessage
  if (chat === undefined) return skip('not configured: contracts.notifications.chatMessage')
  const rows = Array.from({ length: messages }, (_, at) => ({
    [rateLimit.resource]: key,
    [rateLimit.user]: writers[at % writers.length]?.id,
    [rateLimit.text]: `${text} ${at + 1}`,
  }))
  const { data, error } = await from(service, rateLimit.table)
    .insert(rows as never)
    .select('*')
  expect(error?.code, 'SQLSTATE of the insert').toBeUndefined()
  const clients = new Map(await Promise.all(writers.map(async (writer) => [writer.id, await as(writer)] as const)))
  return Promise.all(
    (data ?? []).map(async (row: Record<string, unknown>) => {
      const actor = String(row[rateLimit.user])
      const body = filled(chat.body, { resource: key, actor, message: String(row.id ?? '') })
      const answer = await clients.get(actor)?.functions.invoke(notifications.function, { body })
      return answer?.error === null ? 'ok' : String(answer?.error?.name)
    }),
  )
}

/** Makes a reader of the one a member of the other, where nobody is of both; the address of one who is. */
async function joined({ app, db }: Given, one: Case, other: Case): Promise<string[]> {
  const people = [...other.others, ...other.writers.map(({ email }) => email)]
  const at = one.others.findIndex((address) => !people.includes(address))
  if (at === -1 || one.others.some((address) => other.others.includes(address))) return []
  const { table, resource, user, role, roles, ownerRole } = app.membership
  const values = {
    [resource]: other.key,
    [user]: one.readers[at] ?? null,
    [role]: roles.findLast((name) => name !== ownerRole) ?? ownerRole,
  }
  const row = { ...(await rowFor(db, table, values)), ...values }
  await db.query(insertSql(table, row), [JSON.stringify([row])])
  return one.others.slice(at, at + 1)
}

/** Five resources that fit, each for one test. */
async function casesOf({ app, db, seed }: Given): Promise<[Case, Case, Case, Case, Case]> {
  const [first, second, third, fourth, fifth] = await cases(app, db, seed)
  if (first && second && third && fourth && fifth) return [first, second, third, fourth, fifth]
  return expect.fail('There are not five resources with two who may write and somebody who reads.')
}

type App = Required<Pick<SuiteFixtures['app'], 'resource' | 'membership' | 'profile'>>

/** Resources whose people all have a profile with an address of their own, and two members who write. */
function cases({ resource, membership, profile }: App, db: SuiteFixtures['db'], seed: number): Promise<Case[]> {
  const [r, m, p] = [quoted(resource.table), quoted(membership.table), quoted(profile.table)]
  return db.query<Case>(
    `with people as (
       select ${quoted(membership.resource)} as key, ${quoted(membership.user)} as id from ${m}
       union
       select ${quoted(resource.key)}, ${quoted(resource.owner)} from ${r}
     ),
     addressed as (
       select n.key, n.id, lower(btrim(p.${quoted(profile.email ?? 'email')})) as email,
         u.deleted_at is null and coalesce(u.banned_until < now(), true) and u.email is not null
           and u.email_confirmed_at is not null as may_log_in
       from people n
       join auth.users u on u.id = n.id
       left join ${p} p on p.${quoted(profile.user)} = n.id
     ),
     fitting as (
       select key, (array_agg(id::text order by id::text) filter (where may_log_in))[:2] as writers from addressed
       group by key
       having count(*) between 3 and 8 and count(distinct nullif(email, '')) = count(*) and bool_and(may_log_in)
     )
     select f.key::text as key,
       (select jsonb_agg(jsonb_build_object('id', a.id, 'email', a.email) order by a.id::text)
        from addressed a where a.key = f.key and a.id::text = any (f.writers)) as writers,
       (select array_agg(a.email order by a.email) from addressed a where a.key = f.key and a.id::text <> all (f.writers)) as others,
       (select array_agg(a.id::text order by a.email) from addressed a where a.key = f.key and a.id::text <> all (f.writers)) as readers
     from fitting f where cardinality(writers) = 2
     order by md5(f.key::text || $1) limit 5`,
    [`chat ${seed}`],
  )
}
