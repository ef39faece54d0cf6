import { describe, expect, test } from '#suite'

describe('login', () => {
  test('every canary logs in with the password and reads as the same user', async ({ canaries, client, db, skip }) => {
    if (canaries.length === 0) return skip('not configured: canaries')
    for (const [at, { email, password }] of canaries.entries()) {
      const app = client()
      const { data, error } = await app.auth.signInWithPassword({ email, password })
      expect(error?.code, `error of canary ${at + 1}`).toBeUndefined()
      const [user] = await db.query<{ id: string }>('select id::text from auth.users where lower(email) = lower($1)', [
        email,
      ])
      expect(data.user?.id, `user of canary ${at + 1}`).toBe(user?.id)
      const again = await app.auth.refreshSession()
      expect(again.error?.code, `error of canary ${at + 1} at refreshing the session`).toBeUndefined()
    }
  })

  test('a wrong password is refused', async ({ canaries, client, skip }) => {
    const [canary] = canaries
    if (canary === undefined) return skip('not configured: canaries')
    const { data, error } = await client().auth.signInWithPassword({
      email: canary.email,
      password: `${canary.password}x`,
    })
    expect(error?.code, 'error').toBe('invalid_credentials')
    expect(data.session === null, 'no session').toBe(true)
  })

  test('a user of each outside provider logs in through a one-time link', async ({
    client,
    db,
    mailbox,
    seed,
    skip,
  }) => {
    const users = await db.query<{ provider: string; id: string; email: string }>(
      `select distinct on (i.provider) i.provider, u.id::text as id, lower(u.email) as email
       from auth.users u join auth.identities i on i.user_id = u.id
       where i.provider not in ('email', 'phone') and u.email <> '' and u.email_confirmed_at is not null
         and u.deleted_at is null and u.banned_until is null and not u.is_sso_user
       order by i.provider, md5(u.id::text || $1)`,
      [String(seed)],
    )
    if (users.length === 0) return skip('not configured: no user comes from an outside provider')
    for (const { provider, id, email } of users) {
      const app = client()
      const asked = await app.auth.signInWithOtp({ email, options: { shouldCreateUser: false } })
      expect(asked.error?.code, `error at asking for a link, ${provider}`).toBeUndefined()
      const mail = await mailbox.waitFor(
        ({ source, to }) => source === 'auth' && to.some((one) => one.toLowerCase() === email),
      )
      const link = mail.links.map((href) => new URL(href)).find(({ searchParams }) => searchParams.has('token'))
      expect(link !== undefined, `a link in the mail, ${provider}`).toBe(true)
      const { data, error } = await app.auth.verifyOtp({
        token_hash: link?.searchParams.get('token_hash') ?? link?.searchParams.get('token') ?? '',
        type: 'email',
      })
      expect(error?.code, `error at following the link, ${provider}`).toBeUndefined()
      expect(data.user?.id, `user, ${provider}`).toBe(id)
    }
  })

  test('a new user can sign up', async ({ client, db, seed }) => {
    const email = `delivered+greenlight-${seed}@resend.dev`
    const { data, error } = await client().auth.signUp({ email, password: `A-${seed}-long-enough-password` })
    expect(error?.code, 'error').toBeUndefined()
    const [found] = await db.query<{ users: number }>(
      'select count(*)::int as users from auth.users where id::text = $1',
      [data.user?.id],
    )
    expect(found?.users, 'accounts made').toBe(1)
  })
})
