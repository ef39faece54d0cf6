import { describe, expect, filled, from, needs, quoted, recipients, type SuiteFixtures } from '#suite'

const test = needs('resource', 'membership', 'profile', 'notifications', 'rateLimit')

type Case = { key: string; author: string; authorEmail: string; others: string[] }

/** Messages of one burst, beyond the limit. */
const extra = 4

describe('rate limiting of chat mails', () => {
  test('a burst of messages, all at once, sends no more mails than the limit', async ({
    app,
    as,
    db,
    mailbox,
    seed,
    skip,
  }) => {
    const chat = app.notifications.chatMessage
    if (chat === undefined) return skip('not configured: contracts.notifications.chatMessage')
    const { rateLimit, notifications } = app
    const [first, second] = await cases(app, db, seed)
    expect(first && second, 'two resources with collaborators').toBeDefined()
    if (first === undefined || second === undefined) return

    const burst = async ({ key, author, authorEmail }: Case, messages: number) => {
      const client = await as({ id: author, email: authorEmail })
      const written = await Promise.all(
        Array.from({ length: messages }, async (_, at) => {
          const row = { [rateLimit.resource]: key, [rateLimit.user]: author, [rateLimit.text]: `message ${at + 1}` }
          const { data, error } = await from(client, rateLimit.table)
            .insert(row as never)
            .select('*')
          expect(error?.code, 'SQLSTATE of the insert').toBeUndefined()
          return String((data?.[0] as { id?: string | number } | undefined)?.id ?? '')
        }),
      )
      const answers = await Promise.all(
        written.map((message) => {
          const body = filled(chat.body, { resource: key, actor: author, message })
          return client.functions.invoke(notifications.function, { body })
        }),
      )
      expect(answers.filter(({ error }) => error !== null).length, 'failed calls').toBe(0)
    }

    await burst(first, rateLimit.mails + extra)
    const sent = (await mailbox.all()).flatMap(recipients)
    const perRecipient = first.others.map((address) => sent.filter((one) => one === address).length)
    expect(perRecipient.filter((mails) => mails > rateLimit.mails).length, 'recipients over the limit').toBe(0)
    expect(perRecipient.filter((mails) => mails === 0).length, 'recipients without any mail').toBe(0)
    expect(sent.filter((address) => address === first.authorEmail).length, 'mails to the author').toBe(0)

    await burst(first, 1)
    expect((await mailbox.all()).length, 'mails after one more message within the window').toBe(sent.length)

    // The limit is for each resource.
    await mailbox.clear()
    await burst(second, 1)
    const others = (await mailbox.all()).flatMap(recipients)
    expect(
      second.others.filter((address) => !others.includes(address)).length,
      'recipients without a mail about another resource',
    ).toBe(0)
  })
})

type App = Required<Pick<SuiteFixtures['app'], 'resource' | 'membership' | 'profile'>>

/** Resources whose people all have a profile with an address of their own, and a member who writes. */
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
         u.deleted_at is null and coalesce(u.banned_until < now(), true) and u.email is not null as may_log_in
       from people n
       join auth.users u on u.id = n.id
       left join ${p} p on p.${quoted(profile.user)} = n.id
     ),
     fitting as (
       select key, min(id::text) filter (where may_log_in) as author from addressed
       group by key
       having count(*) between 3 and 8 and count(distinct nullif(email, '')) = count(*)
     )
     select f.key::text as key, f.author,
       (select a.email from addressed a where a.key = f.key and a.id::text = f.author) as "authorEmail",
       (select array_agg(a.email order by a.email) from addressed a where a.key = f.key and a.id::text <> f.author) as others
     from fitting f where author is not null
     order by md5(f.key::text || $1) limit 2`,
    [`chat ${seed}`],
  )
}
