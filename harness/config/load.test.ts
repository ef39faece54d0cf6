import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canaryLogins } from './canaries.ts'
import { checkConfig, loadConfig } from './load.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('config', () => {
  test('all complaints come at once, each unknown key with the nearest known one', () => {
    const wrong = {
      migrationz: 'x',
      seed: -1,
      engine: 'embeded',
      contracts: { memberships: {} },
      canaries: [{ email: 'a@example.com' }],
    }
    try {
      checkConfig(wrong, 'greenlight.config.ts')
      expect.unreachable()
    } catch (error) {
      const { message } = error as Error
      expect(message).toContain('5 things are wrong')
      expect(message).toContain('migrationz: unknown key; did you mean "migrations"?')
      expect(message).toContain('contracts.memberships: unknown key; did you mean "membership"?')
      expect(message).toContain('seed: ')
      expect(message).toContain('engine: ')
      expect(message).toContain('canaries[0]: needs exactly one of passwordEnv and passwordsFile')
    }
  })

  test('contracts that do not fit together are told with all that is wrong in them', () => {
    const membership = {
      table: 'public.members',
      user: 'u',
      resource: 'r',
      role: 'role',
      ownerRole: 'owner',
      roles: ['owner', 'viewer'],
    }
    const table = {
      table: 'public.events',
      resource: 'id',
      person: 'owner_id',
      may: { veiwer: ['select'], nobody: ['drop'] },
    }
    const codes = { table: 'codes', code: 'code', uses: 'used' }
    const complaints = (contracts: object): string => {
      try {
        checkConfig({ contracts }, 'greenlight.config.ts')
        return ''
      } catch (error) {
        return (error as Error).message
      }
    }
    const accessCodes = { function: 'f', argument: 'a', validCode: 'A', validKey: 'valid', codes }
    const wrong = complaints({ membership, access: { tables: [table] }, accessCodes })
    expect(wrong).toContain('contracts.access.tables[0].may.nobody[0]: ')
    expect(wrong).toContain('contracts.accessCodes.codes.table: must be "schema.table"')
    const resource = { table: 'public.events', key: 'id', owner: 'owner_id' }
    const { person: _, ...fitting } = { ...table, may: { veiwer: ['select'], viewer: ['select'], anon: [] } }
    expect(complaints({ access: { tables: [fitting] } })).toContain(
      'contracts.access: needs contracts.resource and contracts.membership',
    )
    const actors = complaints({ membership, resource, access: { tables: [fitting] } })
    expect(actors).toContain('contracts.access.tables[0].may.veiwer: unknown actor; did you mean "viewer"?')
    const { uses: __, ...known } = { ...codes, table: 'public.codes' }
    expect(
      complaints({
        membership,
        resource,
        access: { tables: [{ ...fitting, may: { anon: ['select'] } }] },
        accessCodes: { ...accessCodes, codes: known },
      }),
    ).toBe('')
  })

  test('a mail can tell a date in the zone of a reader only where the contracts say where the zone is', () => {
    const complaints = (profile: object, kind: object): string => {
      const resource = { table: 'public.events', key: 'id', owner: 'owner_id', startsAt: 'starts_at' }
      const body = { event: '{resource}' }
      const resourceUpdated = { body, recipients: 'members-except-actor', shows: ['date'] }
      const notifications = { function: 'notify', resourceUpdated, kinds: { other: { body, ...kind } } }
      try {
        checkConfig({ contracts: { profile, resource, notifications } }, 'greenlight.config.ts')
        return ''
      } catch (error) {
        return String(error)
      }
    }
    const profile = { table: 'public.profiles', user: 'id' }
    const person = { recipients: 'the-person', shows: ['date'] }
    expect(complaints(profile, person)).toContain(
      'contracts.notifications: resourceUpdated, other: shows "date" needs profile.timeZone and resource.startsAt',
    )
    const zoned = { ...profile, timeZone: 'timezone' }
    expect(complaints(zoned, { ...person, recipients: 'the-address' })).toContain(
      'contracts.notifications.kinds.other.shows: shows no "date": who has an address alone has no time zone',
    )
    expect(complaints(zoned, person)).toBe('')
  })

  test('a body holds placeholders that are replaced where it stands, and no others', () => {
    const reminding = { function: 'remind', table: 'public.invitations', key: 'id', email: 'email' }
    const when = { status: 'status', pending: 'pending', invitedAt: 'created_at', afterDays: [3] }
    const complaints = (body: unknown, reminders: object = {}): string => {
      const replaces = [{ function: 'old', body }]
      const resourceUpdated = { body: { id: '{resource}' }, recipients: 'members-except-actor', replaces }
      const contracts = {
        notifications: { function: 'notify', resourceUpdated },
        reminders: { ...reminding, ...when, ...reminders, replaces },
        onboarding: { function: 'remind', afterDays: [0], replaces },
      }
      try {
        checkConfig({ contracts }, 'greenlight.config.ts')
        return ''
      } catch (error) {
        return String(error)
      }
    }
    const places = ['notifications.resourceUpdated', 'reminders', 'onboarding']
    for (const place of places)
      expect(complaints('{row}')).toContain(`contracts.${place}.replaces[0].body: Invalid input: expected record`)
    const unknown = complaints({ id: 'the {adress} of {row}, {user}' })
    expect(unknown).toContain(
      'contracts.notifications.resourceUpdated.replaces[0].body.id: unknown placeholder {row}; known are {resource}, {actor}',
    )
    expect(unknown).toContain(
      'contracts.reminders.replaces[0].body.id: unknown placeholder {adress}; did you mean {address}?',
    )
    expect(unknown).toContain(
      'contracts.reminders.replaces[0].body.id: unknown placeholder {user}; known are {row}, {address}, {resource}',
    )
    expect(unknown).toContain(
      'contracts.onboarding.replaces[0].body.id: unknown placeholder {row}; known are {user}, {address}',
    )
    const needed = 'contracts.reminders.replaces[0].body: {resource} needs reminders.resource'
    expect(complaints({ id: '{resource}' })).toContain(needed)
    expect(complaints({ id: '{resource}' }, { resource: 'event_id' })).not.toContain(needed)
    expect(complaints({ type: 'all' })).toBe('')
  })

  test('paths are resolved against the folder of the config', async () => {
    await writeFile(
      join(folder, 'greenlight.config.mjs'),
      'export default { dump: "production.dump", suites: ["mine/*.ts"] }',
    )
    const { config, source } = await loadConfig(undefined, folder)
    expect(config).toEqual({ dump: join(folder, 'production.dump'), suites: [join(folder, 'mine/*.ts')] })
    expect(source?.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  test('a folder without a config gives the defaults, a named config that is not there is refused', async () => {
    expect((await loadConfig(undefined, tmpdir())).config).toEqual({})
    await expect(loadConfig('nowhere.ts', folder)).rejects.toMatchObject({ code: 'config.not-found' })
  })

  test('a config that throws, or exports nothing, is refused with its path', async () => {
    await writeFile(join(folder, 'throws.mjs'), 'throw new Error("boom")')
    await writeFile(join(folder, 'empty.mjs'), 'export const config = {}')
    await expect(loadConfig('throws.mjs', folder)).rejects.toMatchObject({
      code: 'config.unloadable',
      message: expect.stringContaining('boom'),
    })
    await expect(loadConfig('empty.mjs', folder)).rejects.toMatchObject({
      code: 'config.unloadable',
      message: expect.stringContaining('default export'),
    })
  })

  test('passwords of canaries come from the environment or a file, and each missing one is named', async () => {
    const passwordsFile = join(folder, 'passwords.json')
    await writeFile(passwordsFile, JSON.stringify({ 'b@example.com': 'beta' }))
    const canaries = [
      { email: 'a@example.com', passwordEnv: 'CANARY_A' },
      { email: 'b@example.com', passwordsFile },
    ]
    expect(await canaryLogins(canaries, { CANARY_A: 'alpha' })).toEqual([
      { email: 'a@example.com', password: 'alpha' },
      { email: 'b@example.com', password: 'beta' },
    ])
    await expect(canaryLogins([...canaries, { email: 'c@example.com', passwordsFile }], {})).rejects.toMatchObject({
      message: expect.stringMatching(/canaries\[0\].*CANARY_A[\s\S]*canaries\[2\]/),
    })
  })
})
