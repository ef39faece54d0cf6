import { expect, test } from 'vitest'
import { namesNotFound } from './contract-names.ts'
import type { Contracts } from './model/config.ts'

const side = (tables: Record<string, string[]>, functions: string[] = []) => ({
  tables: new Map(Object.entries(tables)),
  functions: new Set(functions),
})
const before = side({
  'public.profiles': ['id', 'email'],
  'public.events': ['id', 'owner_id'],
  'public.Old Codes': ['Code'],
})
const after = side({ 'public.profiles': ['id', 'email', 'full_name'], 'public.members': ['user_id'] }, [
  'public.validate',
])

const contracts: Contracts = {
  profile: { table: 'public.profiles', user: 'id', name: 'full_name' },
  resource: { table: 'public.events', key: 'id', owner: 'owner_id' },
  accessCodes: {
    function: 'validate',
    argument: 'code',
    validCode: 'A',
    validKey: 'valid',
    codes: { table: 'public.Old Codes', code: 'Code' },
  },
  integrity: { unique: [{ table: 'public.members', columns: ['user_id'] }] },
}

test('what one of the two sides has is fine: a migration makes it, or drops it', () => {
  expect(namesNotFound(contracts, [before, after], [])).toEqual([])
})

test('every missing table, column and function is named at once, each with the nearest name there is', () => {
  const wrong: Contracts = {
    profile: { table: 'public.profile', user: 'id' },
    resource: { table: 'public.events', key: 'id', owner: 'owner' },
    shared: [{ table: 'public.members', resource: 'event_id' }],
    reminders: {
      function: 'send-reminder',
      table: 'public.events',
      key: 'id',
      email: 'id',
      status: 'state',
      pending: 'pending',
      invitedAt: 'id',
      afterDays: [3],
      resource: 'owner',
      replaces: [
        { function: 'send-reminders', body: {} },
        { function: 'remind-one', body: {} },
      ],
    },
    onboarding: { function: 'send-reminders', afterDays: [0], replaces: [{ function: 'send-welcom', body: {} }] },
    accessCodes: { function: 'validat', argument: 'code', validCode: 'A', validKey: 'valid' },
    access: { tables: [{ table: 'public.events', resource: 'id', may: {}, insert: { ownr_id: '{actor}' } }] },
    integrity: { references: [{ table: 'public.members', column: 'user', in: 'public.profiles', key: 'uid' }] },
  }
  expect(namesNotFound(wrong, [before, after], ['send-reminders', 'send-welcome'])).toEqual([
    'contracts.profile.table: there is no table public.profile; did you mean public.profiles?',
    'contracts.resource.owner: public.events has no column owner; did you mean owner_id?',
    'contracts.shared[0].resource: public.members has no column event_id; there are user_id',
    'contracts.reminders.status: public.events has no column state; there are id, owner_id',
    'contracts.reminders.resource: public.events has no column owner; did you mean owner_id?',
    'contracts.access.tables[0]: public.events has no column ownr_id; did you mean owner_id?',
    'contracts.integrity.references[0].column: public.members has no column user; did you mean user_id?',
    'contracts.integrity.references[0].key: public.profiles has no column uid; did you mean id?',
    'contracts.accessCodes.function: there is no function public.validat; did you mean public.validate?',
    'contracts.reminders.function: there is no edge function send-reminder; did you mean send-reminders?',
    'contracts.reminders.replaces[1].function: there is no edge function remind-one; there are send-reminders, send-welcome',
    'contracts.onboarding.replaces[0].function: there is no edge function send-welcom; did you mean send-welcome?',
  ])
})
