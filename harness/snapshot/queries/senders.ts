import type { Connection } from '../../database/engine.ts'
import type { Identity } from '../identities.ts'

/** Two users who can log in, and service_role (and anon, where it sends something) last; of roles that both sides have. */
export async function sendersOf(
  identities: readonly Identity[],
  sides: readonly Connection[],
  withAnon: boolean,
): Promise<Identity[]> {
  const known = await rolesOfBoth(sides)
  const possible = identities.filter(({ role }) => known.has(role))
  const users = possible.filter(({ userId }) => userId !== undefined)
  const usual = users.filter(({ label }) => /(^|, )confirmed$/.test(label))
  const chosen = [...usual, ...users.filter((user) => !usual.includes(user))].slice(0, 2)
  const others = possible.filter(({ role, userId }) => userId === undefined && (role === 'service_role' || withAnon))
  return [...chosen, ...others]
}

export async function rolesOfBoth(sides: readonly Connection[]): Promise<ReadonlySet<string>> {
  const [before, after] = await Promise.all(
    sides.map(async (session) => {
      const { rows } = await session.query<{ rolname: string }>('select rolname::text from pg_roles')
      return new Set(rows.map(({ rolname }) => rolname))
    }),
  )
  return before?.intersection(after ?? new Set()) ?? new Set()
}

/** The first user: who sends what is sent once for all users. */
export function firstUser(senders: readonly Identity[]): Identity | undefined {
  return senders.find(({ userId }) => userId !== undefined)
}
