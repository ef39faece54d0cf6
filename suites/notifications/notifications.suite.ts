import { describe, expect, filled, harm, needs, quoted, recipients, type SuiteFixtures } from '#suite'

const test = needs('resource', 'membership', 'profile', 'notifications')

type Case = {
  key: string
  /** A member, not the owner, who may log in. */
  actor: string
  actorEmail: string
  /** The addresses of everybody else, the owner among them, in lower case, once each. */
  others: string[]
  stranger: string
}

describe('notifications', () => {
  test('no mail shows the address of another collaborator', async ({ app, as, db, mailbox, seed }) => {
    const [sample] = await cases(app, db, seed + 1)
    expect(sample, 'a resource with three collaborators').toBeDefined()
    if (sample === undefined) return
    await mailbox.clear()
    const client = await as({ id: sample.actor, email: sample.actorEmail })
    const body = filled(app.notifications.resourceUpdated.body, { resource: sample.key, actor: sample.actor })
    const { error } = await client.functions.invoke(app.notifications.function, { body })
    expect(error?.name, `answer of ${app.notifications.function}`).toBeUndefined()
    const mails = await mailbox.all()
    expect(mails.length, 'mails').toBeGreaterThan(0)
    harm('mail.wrong-recipient', () =>
      expect(mails.filter((mail) => recipients(mail).length > 1).length, 'mails with several recipients in sight').toBe(
        0,
      ),
    )
  })

  test('a stranger cannot make the app send mails', async ({ app, as, db, mailbox, seed }) => {
    const [sample] = await cases(app, db, seed)
    expect(sample, 'a resource with three collaborators').toBeDefined()
    if (sample === undefined) return
    await mailbox.clear()
    const client = await as({ id: sample.stranger })
    const body = filled(app.notifications.resourceUpdated.body, { resource: sample.key, actor: sample.stranger })
    const { error } = await client.functions.invoke(app.notifications.function, { body })
    expect(error?.name, `answer of ${app.notifications.function}`).toBe('FunctionsHttpError')
    expect((await mailbox.all()).length, 'mails').toBe(0)
  })
})

type App = Required<Pick<SuiteFixtures['app'], 'resource' | 'membership' | 'profile'>>

/** Resources whose people all have a profile with an address of their own. */
async function cases({ resource, membership, profile }: App, db: SuiteFixtures['db'], seed: number): Promise<Case[]> {
  const [r, m, p] = [quoted(resource.table), quoted(membership.table), quoted(profile.table)]
  const email = `lower(btrim(p.${quoted(profile.email ?? 'email')}))`
  return await db.query<Case>(
    `with people as (
       select ${quoted(membership.resource)} as key, ${quoted(membership.user)} as id from ${m}
       union
       select ${quoted(resource.key)}, ${quoted(resource.owner)} from ${r}
     ),
     addressed as (
       select n.key, n.id, ${email} as email, n.id = r.${quoted(resource.owner)} as is_owner,
         u.deleted_at is null and coalesce(u.banned_until < now(), true) and u.email is not null as may_log_in
       from people n
       join ${r} r on r.${quoted(resource.key)} = n.key
       join auth.users u on u.id = n.id
       left join ${p} p on p.${quoted(profile.user)} = n.id
     ),
     fitting as (
       select key, min(id::text) filter (where may_log_in and not is_owner) as actor from addressed
       group by key
       having count(*) between 3 and 12 and count(distinct nullif(email, '')) = count(*)
     ),
     sample as (select * from fitting where actor is not null order by md5(key::text || $1) limit 2)
     select s.key::text as key, s.actor,
       (select a.email from addressed a where a.key = s.key and a.id::text = s.actor) as "actorEmail",
       (select array_agg(a.email order by a.email) from addressed a where a.key = s.key and a.id::text <> s.actor) as others,
       (select u.id::text from auth.users u
        where u.deleted_at is null and u.banned_until is null and u.email is not null
          and not exists (select from people n where n.key = s.key and n.id = u.id)
        order by md5(u.id::text || $1) limit 1) as stranger
     from sample s`,
    [String(seed)],
  )
}
