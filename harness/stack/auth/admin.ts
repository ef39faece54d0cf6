import type { Pool } from 'pg'

const userColumns = `u.id, u.aud, u.role, coalesce(u.email, '') as email, coalesce(u.phone, '') as phone,
  u.email_confirmed_at, u.phone_confirmed_at, u.confirmed_at, u.invited_at, u.last_sign_in_at, u.created_at, u.updated_at,
  u.banned_until, u.deleted_at, coalesce(u.is_anonymous, false) as is_anonymous,
  coalesce(u.raw_app_meta_data, '{}') as app_metadata, coalesce(u.raw_user_meta_data, '{}') as user_metadata,
  coalesce((select jsonb_agg(jsonb_build_object(
      'identity_id', i.id, 'id', i.provider_id, 'user_id', i.user_id, 'identity_data', i.identity_data,
      'provider', i.provider, 'last_sign_in_at', i.last_sign_in_at, 'created_at', i.created_at, 'updated_at', i.updated_at
    ) order by i.created_at, i.id) from auth.identities i where i.user_id = u.id), '[]') as identities`

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The reading part of GoTrue's admin API, which edge functions use to look people up: `GET /admin/users` (pages as
 * GoTrue counts them, newest first) and `GET /admin/users/:id`. Everything else of it answers 501.
 */
export async function answerAdmin(request: Request, role: unknown, pool: Pool): Promise<Response> {
  if (role !== 'service_role') return failure(403, 'not_admin', 'User not allowed')
  const url = new URL(request.url)
  const id = /^\/auth\/v1\/admin\/users(?:\/([^/]+))?$/.exec(url.pathname)
  if (request.method !== 'GET' || id === null) {
    return failure(
      501,
      'not_implemented',
      `${request.method} ${url.pathname} is not part of this stack's Auth: it reads users, no more.`,
    )
  }
  if (id[1] !== undefined) {
    // Prepared, and by the key: functions that write to many people ask for each of them.
    const values = [uuid.test(id[1]) ? id[1] : null]
    const { rows } = await pool.query({
      name: 'account',
      text: `select ${userColumns} from auth.users u where u.id = $1::uuid`,
      values,
    })
    return rows[0] === undefined ? failure(404, 'user_not_found', 'User not found') : Response.json(rows[0])
  }
  const page = positive(url.searchParams.get('page'), 1)
  const perPage = positive(url.searchParams.get('per_page'), 50)
  const [users, count] = await Promise.all([
    pool.query(`select ${userColumns} from auth.users u order by u.created_at desc, u.id limit $1 offset $2`, [
      perPage,
      (page - 1) * perPage,
    ]),
    pool.query<{ total: number }>('select count(*)::int as total from auth.users'),
  ])
  const total = count.rows[0]?.total ?? 0
  return Response.json(
    { users: users.rows, aud: 'authenticated' },
    { headers: { 'x-total-count': String(total), link: links(url, page, perPage, total) } },
  )
}

function links(url: URL, page: number, perPage: number, total: number): string {
  const last = Math.max(1, Math.ceil(total / perPage))
  const link = (to: number, rel: string) => `<${url.pathname}?page=${to}&per_page=${perPage}>; rel="${rel}"`
  return [...(page < last ? [link(page + 1, 'next')] : []), link(last, 'last')].join(', ')
}

function positive(text: string | null, otherwise: number): number {
  const number = Number(text)
  return Number.isInteger(number) && number > 0 ? number : otherwise
}

function failure(status: number, errorCode: string, msg: string): Response {
  return Response.json({ code: status, error_code: errorCode, msg }, { status })
}
