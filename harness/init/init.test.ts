import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import planner from '../../fixtures/planner/greenlight.config.ts'
import { initCommand } from '../cli/init.ts'
import { loadConfig } from '../config/load.ts'
import type { Ask } from './ask.ts'
import { propose } from './propose.ts'
import { renderConfig } from './render.ts'
import { orderRoles, statedValues } from './roles.ts'
import type { Column, Shape, Table } from './shape.ts'

const fixture = (path: string) => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url))
const { signal } = new AbortController()
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'init-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('greenlight init', () => {
  test('proposes for the reference app what its own config says, without a value of any row', async () => {
    const said = await initCommand({ dump: [fixture('planner/production.dump')] }, folder, signal)
    expect(said).toContain('Proposed: profile, resource, membership, shared.')
    const path = join(folder, 'greenlight.config.ts')
    const { config } = await loadConfig(path, folder)
    const { contracts: own = {} } = planner
    const { contracts = {} } = config
    // Columns that the migrations add are in no dump of production.
    const { subscribed, timeZone, ...profile } = own.profile ?? {}
    expect(timeZone).toBe('timezone')
    expect(subscribed).toBe('email_notifications')
    expect(contracts.profile).toEqual(profile)
    expect(contracts.resource).toEqual(own.resource)
    const { subscribed: _, ...membership } = own.membership ?? {}
    expect(contracts.membership).toEqual(membership)
    const names = (tables: typeof own.shared) => tables?.map((table) => JSON.stringify(table)).sort()
    expect(names(contracts.shared)).toEqual(names(own.shared))
    expect(Object.keys(contracts).sort()).toEqual(['membership', 'profile', 'resource', 'shared'])
    const text = await readFile(path, 'utf8')
    expect(text).not.toMatch(/@|MHP2026|[0-9a-f]{8}-[0-9a-f]{4}/)
    expect(text).toContain('1,960 of 2,000 users have a row')
  })

  test('never writes over a config by itself, and writes a minimal one for a dump without users', async () => {
    const odd = fixture('dumps/odd.dump')
    const path = join(folder, 'other.config.ts')
    await writeFile(path, 'mine')
    await expect(initCommand({ dump: [odd], config: path }, folder, signal)).rejects.toMatchObject({
      code: 'usage.invalid',
      message: expect.stringContaining('--force'),
    })
    expect(await readFile(path, 'utf8')).toBe('mine')
    const said = await initCommand({ dump: [odd], config: path, force: true }, folder, signal)
    expect(said).toContain('no table auth.users')
    const { config } = await loadConfig(path, folder)
    expect(config.dump).toBe(odd)
    expect(config.contracts).toEqual({})
  })

  test.each([
    [{}, 'usage.invalid'],
    [{ dump: ['nowhere.dump'] }, 'dump.not-found'],
    [{ dump: ['x.dump'], config: 'x.js' }, 'usage.invalid'],
    [{ dump: ['x.dump'], config: 'no/such/folder/x.ts' }, 'usage.invalid'],
  ])('refuses %o', async (flags, code) => {
    const empty = await mkdtemp(join(folder, 'empty-'))
    await expect(initCommand(flags, empty, signal)).rejects.toMatchObject({ code })
  })
})

const column = (name: string, type = 'uuid', labels: string[] = []): Column => ({ name, type, labels, required: true })
const table = (name: string, columns: Column[], more: Partial<Table> = {}): Table => ({
  name,
  columns,
  rows: 10,
  keys: [['id']],
  links: [],
  checks: [],
  ...more,
})
const ask = (more: Partial<Ask> = {}): Ask => ({
  users: async () => ({ of: 10, users: 10 }),
  names: async () => [],
  shared: async () => ({ tried: 5, whole: 5, leaked: 0, failed: false }),
  ...more,
})

describe('a proposal', () => {
  const team: Shape = {
    users: 10,
    functions: [],
    tables: [
      table('public.users', [column('id'), column('display_name', 'text')]),
      table('public.projects', [column('id'), column('created_by'), column('name', 'text')]),
      table('public.team_members', [column('project_id'), column('member_id'), column('role', 'text')], {
        keys: [['project_id', 'member_id']],
        links: [{ column: 'project_id', table: 'public.projects', key: 'id' }],
        checks: ["CHECK ((role = ANY (ARRAY['viewer'::text, 'invited'::text, 'admin'::text, 'boss'::text])))"],
      }),
      table('public.files', [column('id'), column('project_id')]),
      table('public.audit', [column('id'), column('project_id')]),
    ],
  }

  test('is made without foreign keys to users, from checks, and says what to look at', async () => {
    const shared: Ask['shared'] = async ({ table }) =>
      table === 'public.audit'
        ? { tried: 5, whole: 0, leaked: 0, failed: false }
        : { tried: 5, whole: 5, leaked: 0, failed: false }
    const found = await propose(team, ask({ shared }), [])
    expect(found.profile).toMatchObject({
      value: { table: 'public.users', user: 'id', name: 'display_name' },
      sure: true,
    })
    expect(found.membership).toMatchObject({
      value: { user: 'member_id', resource: 'project_id', roles: ['admin', 'viewer', 'boss'], ownerRole: 'admin' },
      sure: true,
    })
    expect(found.membership?.reasons.join(' ')).toMatch(/Look at their order.*No role is called owner/)
    expect(found.resource?.value).toEqual({ table: 'public.projects', key: 'id', owner: 'created_by', title: 'name' })
    expect(found.shared.map(({ value }) => value.table)).toEqual(['public.files'])
  })

  test('knows the switch for mails, the time zone, and how invitations end, by names and types alone', async () => {
    const mails: Shape = {
      ...team,
      tables: [
        table('public.users', [column('id'), column('email_notifications', 'bool'), column('time_zone', 'text')]),
        table('public.invitations', [
          column('id'),
          column('email', 'text'),
          column('status', 'invitation_status', ['pending', 'accepted', 'withdrawn']),
          column('created_at', 'timestamptz'),
          column('expires_at', 'timestamptz'),
        ]),
      ],
    }
    const found = await propose(mails, ask(), ['remind-daily'])
    expect(found.profile?.value).toMatchObject({ subscribed: 'email_notifications', timeZone: 'time_zone' })
    expect(found.reminders?.value).toMatchObject({ closed: ['accepted', 'withdrawn'], expiresAt: 'expires_at' })
    // A text is no switch.
    const [users, ...rest] = mails.tables
    const texts = users?.columns.map((one) => ({ ...one, type: one.type === 'bool' ? 'text' : one.type })) ?? []
    const other = await propose({ ...mails, tables: [table('public.users', texts), ...rest] }, ask(), [])
    expect(other.profile?.value).not.toHaveProperty('subscribed')
  })

  test('guesses which functions mail whom by their names, as comments that make a config once they are taken in', async () => {
    const [users, projects, members] = team.tables
    const chat = table('public.chat', [column('id'), column('project_id'), column('user_id'), column('body', 'text')], {
      links: [{ column: 'project_id', table: 'public.projects', key: 'id' }],
    })
    const invitations = table('public.invitations', [
      column('id'),
      column('email', 'text'),
      column('status', 'text'),
      column('created_at', 'timestamptz'),
    ])
    const sent = table('public.sent_reminders', [column('id'), column('sent_at', 'timestamptz')], {
      links: [{ column: 'invitation', table: 'public.invitations', key: 'id' }],
    })
    const tables = [users, projects, members, chat, invitations, sent].flatMap((one) => one ?? [])
    const functions = ['daily-reminders', 'notify', 'send-welcome']
    const found = await propose({ ...team, tables }, ask(), functions)
    expect(found.notifications).toMatchObject({
      value: { function: 'notify', resourceUpdated: { body: { project_id: '{resource}' } }, chatMessage: {} },
      sure: false,
    })
    expect(found.onboarding).toMatchObject({ value: { function: 'send-welcome' }, sure: false })
    expect(found.reminders?.value).toMatchObject({
      function: 'daily-reminders',
      tracking: { table: 'public.sent_reminders', invitation: 'invitation', sentAt: 'sent_at' },
    })
    const text = renderConfig(found, { dumps: ['a.dump'] })
    expect((await load('guessed', text)).notifications).toBeUndefined()
    const taken = text.replaceAll(/^ {4}\/\/ (?=(notifications|onboarding|rateLimit|reminders): | {2}|\})/gm, '    ')
    expect(Object.keys(await load('taken', taken))).toEqual(
      expect.arrayContaining(['notifications', 'onboarding', 'rateLimit', 'reminders']),
    )
    // A function that only has another name is no notification.
    expect(await propose({ ...team, tables }, ask(), ['export'])).not.toHaveProperty('notifications')

    async function load(name: string, config: string) {
      const path = join(folder, `${name}.config.ts`)
      await writeFile(path, config)
      return (await loadConfig(path, folder)).config.contracts ?? {}
    }
  })

  test('of which policies fail, or nobody could be asked, is not sure', async () => {
    for (const answer of [
      { tried: 5, whole: 5, leaked: 2, failed: false },
      { tried: 0, whole: 0, leaked: 0, failed: false },
      { tried: 1, whole: 0, leaked: 0, failed: true },
    ]) {
      const { shared } = await propose(team, ask({ shared: async () => answer }), [])
      expect(shared.every(({ sure }) => !sure)).toBe(true)
    }
  })

  test('of nothing says what was looked for', async () => {
    const none = await propose({ users: 0, tables: [], functions: [] }, ask(), [])
    expect(none.missing).toHaveLength(3)
    const text = renderConfig(none, { dumps: ['a.dump'] })
    expect(text).toContain('// No table looks like a profile')
  })

  test('with names that would end a text or a comment is still a config that loads', async () => {
    const odd = `public.O'Brien "x" \\\n*/ $\{1}`
    const text = renderConfig(
      { shared: [], missing: [odd], profile: { value: { table: odd, user: "i'd" }, reasons: [odd], sure: true } },
      { dumps: ["it's.dump"], migrations: 'm' },
    )
    const path = join(folder, 'odd.config.ts')
    await writeFile(path, text)
    const { config } = await loadConfig(path, folder)
    expect(config.contracts?.profile).toEqual({ table: odd, user: "i'd" })
    expect(config.dump).toBe(join(folder, "it's.dump"))
  })
})

test('roles go strongest first, and who is outside is none', () => {
  expect(orderRoles(['viewer', 'owner', 'pending', 'Editor', 'admin'], '').values).toEqual([
    'owner',
    'admin',
    'Editor',
    'viewer',
  ])
  expect(orderRoles(['member', 'captain'], '')).toMatchObject({ values: ['member', 'captain'], ordered: false })
})

test('the values of a column are those of its enum or its check, and of no other column', () => {
  const checks = ["CHECK (((status)::text = ANY (ARRAY['a'::text, 'it''s'::text])))"]
  const own = table('public.x', [], { checks })
  expect(statedValues(own, column('status', 'text'))?.values).toEqual(['a', "it's"])
  expect(statedValues(own, column('role', 'text'))).toBeUndefined()
  expect(statedValues(own, column('role', 'r', ['x', 'y']))?.values).toEqual(['x', 'y'])
})
