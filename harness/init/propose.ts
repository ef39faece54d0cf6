import type { Contracts } from '../model/config.ts'
import type { Ask, SharedAnswer } from './ask.ts'
import { type GuessedContract, guesses } from './guesses.ts'
import { orderRoles, statedValues } from './roles.ts'
import type { Column, Shape, Table } from './shape.ts'

/** One part of a contract with why it is thought so. `sure: false`: written as a comment, for a person to decide. */
export type Proposed<Value> = { readonly value: Value; readonly reasons: readonly string[]; readonly sure: boolean }

export type SharedTable = NonNullable<Contracts['shared']>[number]

export type Proposal = {
  readonly profile?: Proposed<NonNullable<Contracts['profile']>>
  readonly resource?: Proposed<NonNullable<Contracts['resource']>>
  readonly membership?: Proposed<NonNullable<Contracts['membership']>>
  readonly shared: readonly Proposed<SharedTable>[]
  /** What was looked for and not found, for the reader. */
  readonly missing: readonly string[]
} & { readonly [Key in GuessedContract]?: Proposed<NonNullable<Contracts[Key]>> }

/** A column that holds ids of users, and how that is known. */
type UserColumn = { readonly column: Column; readonly why: string; readonly linked: boolean }

/** Proposes contracts from the shape of a database and a few questions to its rows. Deterministic. */
export async function propose(shape: Shape, ask: Ask, functions: readonly string[]): Promise<Proposal> {
  const profile = await profileOf(shape, ask)
  const userColumns = await userColumnsOf(shape, ask, profile?.value.table)
  const membership = await membershipOf(shape, ask, profile?.value.table, userColumns)
  const resource = resourceOf(shape, membership, profile?.value.table, userColumns)
  const shared = await sharedOf(shape, ask, resource, membership)
  return {
    ...(profile ? { profile } : {}),
    ...(resource ? { resource } : {}),
    ...(membership ? { membership } : {}),
    shared,
    ...guesses(shape, functions, { resource: resource?.value, membership: membership?.value }, userColumns),
    missing: [
      ...(profile ? [] : ['No table looks like a profile: none has one row for each user of auth.users.']),
      ...(membership ? [] : ['No table looks like a membership: none has a user, something shared and a role.']),
      ...(resource ? [] : ['No table looks like what users share: none has an owner and is referred to.']),
    ],
  }
}

async function profileOf(shape: Shape, ask: Ask): Promise<Proposal['profile']> {
  const found: { table: Table; user: string; reasons: string[]; score: number; sure: boolean }[] = []
  for (const table of shape.tables) {
    for (const key of table.keys) {
      const [user] = key
      if (user === undefined || key.length !== 1) continue
      const column = table.columns.find(({ name }) => name === user)
      const linked = table.links.some((link) => link.column === user && link.table === 'auth.users')
      const named = /profile|^users$|accounts?$|people|persons?$/i.test(bare(table.name))
      if (column?.type !== 'uuid' || (!linked && !named)) continue
      const { of, users } = await ask.users(table.name, user)
      if (!linked && (users === 0 || users * 2 < of)) continue
      const reasons = [
        linked ? `Its key ${user} refers to auth.users.` : `Its key ${user} holds ids of auth.users.`,
        `${count(users)} of ${count(shape.users)} users have a row.`,
      ]
      const score =
        (linked ? 2 : 0) + (named ? 3 : 0) + (users * 2 >= shape.users ? 2 : 0) + (has(table, emails) ? 1 : 0)
      found.push({ table, user, reasons, score, sure: named || (users > 0 && users * 2 >= shape.users) })
    }
  }
  const [best, next] = found.toSorted((left, right) => right.score - left.score)
  if (best === undefined) return undefined
  const email = pick(best.table, emails)
  const name = pick(best.table, ['full_name', 'display_name', 'name', 'username', 'user_name', 'nickname'])
  const subscribed = best.table.columns.find(
    ({ name, type }) => type === 'bool' && ['email_notifications', 'notifications', 'wants_mail'].includes(name),
  )?.name
  const timeZone = pick(best.table, ['timezone', 'time_zone', 'tz'])
  return {
    value: {
      table: best.table.name,
      user: best.user,
      ...(email === undefined ? {} : { email }),
      ...(name === undefined ? {} : { name }),
      ...(subscribed === undefined ? {} : { subscribed }),
      ...(timeZone === undefined ? {} : { timeZone }),
    },
    reasons: [...best.reasons, ...(next === undefined ? [] : [`It could also be ${next.table.name}.`])],
    sure: best.sure,
  }
}

async function userColumnsOf(
  shape: Shape,
  ask: Ask,
  profile: string | undefined,
): Promise<ReadonlyMap<string, readonly UserColumn[]>> {
  const found = new Map<string, UserColumn[]>()
  for (const table of shape.tables) {
    const own: UserColumn[] = []
    for (const column of table.columns) {
      const link = table.links.find(
        (one) => one.column === column.name && (one.table === 'auth.users' || one.table === profile),
      )
      if (link !== undefined) own.push({ column, why: `${column.name} refers to ${link.table}`, linked: true })
      else if (
        column.type === 'uuid' &&
        /(^|_)(user|owner|member|author|creator|profile)(_id)?$|^created_by$/.test(column.name)
      ) {
        const { of, users } = await ask.users(table.name, column.name)
        if (of > 0 && users * 10 >= of * 9)
          own.push({ column, why: `${column.name} holds ids of users, without a foreign key`, linked: false })
      }
    }
    found.set(table.name, own)
  }
  return found
}

async function membershipOf(
  shape: Shape,
  ask: Ask,
  profile: string | undefined,
  userColumns: ReadonlyMap<string, readonly UserColumn[]>,
): Promise<Proposal['membership']> {
  const found: { value: NonNullable<Contracts['membership']>; reasons: string[]; score: number; sure: boolean }[] = []
  for (const table of shape.tables.filter(({ name }) => name !== profile)) {
    const role = pick(table, [
      'role',
      'member_role',
      'user_role',
      'access_level',
      'permission',
      'permission_level',
      'access',
      'level',
    ])
    const column = table.columns.find(({ name }) => name === role)
    const links = table.links.filter(
      (link) => link.table !== 'auth.users' && link.table !== profile && link.table !== table.name,
    )
    const users = userColumns.get(table.name) ?? []
    if (role === undefined || column === undefined) continue
    for (const link of links) {
      for (const user of users) {
        const unique = table.keys.some(
          (key) => key.length === 2 && key.includes(user.column.name) && key.includes(link.column),
        )
        const stated = statedValues(table, column)
        const roles = stated
          ? orderRoles(stated.values, stated.from)
          : orderRoles(await ask.names(table.name, role), 'the values that its rows have')
        const [strongest] = roles.values
        if (strongest === undefined) continue
        const named = /member|role|collab|team|access|participant/i.test(bare(table.name))
        const ownerRole = roles.values.includes('owner') ? 'owner' : strongest
        found.push({
          value: {
            table: table.name,
            user: user.column.name,
            resource: link.column,
            role,
            ownerRole,
            roles: roles.values,
          },
          reasons: [
            `${sentence(user.why)}, ${link.column} to ${link.table}${unique ? ', and both together are unique' : ''}.`,
            `Roles: ${roles.from}${roles.ordered ? '' : '. Look at their order: strongest first'}.`,
            ...(ownerRole === 'owner' ? [] : [`No role is called owner: ownerRole is the strongest one.`]),
          ],
          score:
            (unique ? 3 : 0) +
            (named ? 2 : 0) +
            (stated ? 1 : 0) +
            (/^(user|member|profile)_?(id)?$/.test(user.column.name) ? 2 : 0) +
            (user.linked ? 1 : 0),
          sure: unique || (named && /^(user|member|profile)/.test(user.column.name)),
        })
      }
    }
  }
  const [best, next] = found.toSorted((left, right) => right.score - left.score)
  if (best === undefined) return undefined
  const other =
    next !== undefined && next.value.table !== best.value.table ? [`It could also be ${next.value.table}.`] : []
  return { value: best.value, reasons: [...best.reasons, ...other], sure: best.sure }
}

function resourceOf(
  shape: Shape,
  membership: Proposal['membership'],
  profile: string | undefined,
  userColumns: ReadonlyMap<string, readonly UserColumn[]>,
): Proposal['resource'] {
  const joined = shape.tables.find(({ name }) => name === membership?.value.table)
  const link = joined?.links.find(
    ({ column, table }) => column === membership?.value.resource && table !== 'auth.users',
  )
  const referred = (table: Table) =>
    shape.tables.filter((other) => other.name !== table.name && other.links.some((one) => one.table === table.name))
      .length
  const candidates = shape.tables
    .filter((table) => (link === undefined ? table.name !== profile && referred(table) > 0 : table.name === link.table))
    .flatMap((table) => {
      const owner = ownerOf(userColumns.get(table.name) ?? [])
      const key = link?.key ?? (table.keys.find((names) => names.length === 1) ?? [])[0]
      return owner === undefined || key === undefined ? [] : [{ table, owner, key }]
    })
    .toSorted((left, right) => referred(right.table) - referred(left.table))
  const [best] = candidates
  if (best === undefined) return undefined
  const { table, owner, key } = best
  const title = pick(table, ['title', 'name', 'subject', 'label'])
  const span = spanOf(table)
  return {
    value: {
      table: table.name,
      key,
      owner: owner.column.name,
      ...(title === undefined ? {} : { title }),
      ...span,
    },
    reasons: [
      link === undefined
        ? `${referred(table)} tables refer to it; no membership says so.`
        : `Memberships are of its rows; ${referred(table)} tables refer to it.`,
      `${sentence(owner.why)}.`,
    ],
    sure: link !== undefined && membership?.sure === true,
  }
}

function ownerOf(columns: readonly UserColumn[]): UserColumn | undefined {
  const names = [/^owner(_id)?$/, /^owner|owner(_id)?$/, /^created_by$|^creator/, /^(user|author|host)_id$/]
  return (
    names.map((name) => columns.find(({ column }) => name.test(column.name))).find((one) => one !== undefined) ??
    columns[0]
  )
}

function spanOf(table: Table): Pick<NonNullable<Contracts['resource']>, 'startsAt' | 'endsAt'> {
  const moments = table.columns
    .filter(({ type }) => type === 'timestamptz' || type === 'timestamp')
    .map(({ name }) => name)
  const startsAt = moments.find((name) => /^(starts?|begins?|started|from)(_|$|at|on)/i.test(name))
  if (startsAt === undefined) return {}
  const endsAt = moments.find((name) => /^(ends?|finishes|ended|until|to)(_|$|at|on)/i.test(name))
  return { startsAt, ...(endsAt === undefined ? {} : { endsAt }) }
}

async function sharedOf(
  shape: Shape,
  ask: Ask,
  resource: Proposal['resource'],
  membership: Proposal['membership'],
): Promise<Proposal['shared']> {
  if (resource === undefined || membership === undefined) return []
  const found: Proposed<SharedTable>[] = []
  const { table: name, key } = resource.value
  const keyType = shape.tables.find((table) => table.name === name)?.columns.find((column) => column.name === key)?.type
  for (const table of shape.tables) {
    if (table.name === name || table.name === membership.value.table) continue
    const link = table.links.find((one) => one.table === name && one.key === key)
    const alike = table.columns.find((column) => column.name === membership.value.resource && column.type === keyType)
    const column = link?.column ?? alike?.name
    const weakest = membership.value.roles.at(-1)
    if (column === undefined || weakest === undefined) continue
    const answer = await ask.shared({
      table: table.name,
      column,
      resource: resource.value,
      membership: membership.value,
      weakest,
    })
    const value = { table: table.name, resource: column }
    const how =
      link === undefined
        ? `${column} has the name and type of the membership's, without a foreign key`
        : `${column} refers to ${name}`
    const said = sayShared(answer, weakest)
    if (said !== undefined) found.push({ value, reasons: [`${how}; ${said.text}`], sure: said.sure && membership.sure })
  }
  return found
}

/** Nothing for a table that members do not read: it is not shared. */
function sayShared({ tried, whole, leaked, failed }: SharedAnswer, weakest: string) {
  if (failed) return { text: 'its policies failed or took too long when tried.', sure: false }
  if (tried === 0) return { text: `no ${weakest} was found with rows to read.`, sure: false }
  if (whole === 0) return undefined
  const text = `${whole} of ${tried} tried ${weakest}s read all rows of theirs, ${leaked === 0 ? 'strangers none' : `${leaked} strangers read some`}.`
  return { text, sure: whole === tried && leaked === 0 }
}

const emails = ['email', 'email_address', 'mail']
export const bare = (table: string) => table.slice(table.indexOf('.') + 1)
export const pick = (table: Table, names: readonly string[]) =>
  names.find((name) => table.columns.some((column) => column.name === name))
const has = (table: Table, names: readonly string[]) => pick(table, names) !== undefined
const count = (value: number) => value.toLocaleString('en-US')
const sentence = (text: string) => text
