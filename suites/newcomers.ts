import { expect } from 'vitest'
import type { Contracts } from '../harness/model/config.ts'
import type { SuiteDatabase } from './context.ts'
import { quoted } from './names.ts'

export type Newcomer = { readonly id: string; readonly address: string }

/** Signs a user up for each name, `age` hours ago, at an address of its own; answers them in the order of the names. */
export async function newcomers(
  db: SuiteDatabase,
  profile: Required<Contracts>['profile'],
  salt: string,
  names: readonly string[],
  age = 1,
): Promise<Newcomer[]> {
  const users: Newcomer[] = []
  for (const name of names) {
    const address = `delivered+greenlight-${name}-${salt}@resend.dev`
    await db.query(
      `insert into auth.users (instance_id, id, aud, role, email, email_confirmed_at, created_at, updated_at, raw_app_meta_data, raw_user_meta_data)
       select '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'authenticated', 'authenticated', $1,
         at, at, at, '{"provider": "email", "providers": ["email"]}', '{"full_name": "New User"}'
       from (select now() - make_interval(hours => $2)) a (at)`,
      [address, age],
    )
    const made = await db.query<{ id: string }>(
      `select u.id::text as id from auth.users u join ${quoted(profile.table)} p on p.${quoted(profile.user)} = u.id where u.email = $1`,
      [address],
    )
    expect(made.length, 'profiles of a new user').toBe(1)
    users.push({ id: made[0]?.id ?? '', address })
  }
  return users
}
