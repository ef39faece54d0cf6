import { describe, expect, test } from 'vitest'
import type { MaskConfig } from '../../model/config.ts'
import type { MaskColumn, MaskTable } from './facts.ts'
import { kindOfName } from './names.ts'
import { planMasks } from './plan.ts'
import { copyColumns, type Reference, referencesIn } from './references.ts'

const column = (name: string, base = 'text', more: Partial<MaskColumn> = {}): MaskColumn => ({
  name,
  base,
  isArray: false,
  isGenerated: false,
  ...more,
})
const table = (name: string, ...columns: MaskColumn[]): MaskTable => ({ table: name, root: name, columns })

function plan(
  tables: readonly MaskTable[],
  config: MaskConfig = {},
  samples: Readonly<Record<string, readonly string[]>> = {},
  references: readonly Reference[] = [],
) {
  const { masks, limits } = planMasks(config, tables, (name, own) => samples[`${name}.${own}`] ?? [], references)
  return {
    limits,
    masks: Object.fromEntries(
      masks.map(({ table, column, as, reason }) => [`${table}.${column.name}`, `${as} ${reason}`]),
    ),
  }
}

describe('which columns are masked', () => {
  test('names tell, and names close by do not', () => {
    const told = (names: string) => names.split(' ').map((name) => kindOfName(name))
    expect(new Set(told('email e_mail user_email contactEmail email_address emails email_lower'))).toEqual(
      new Set(['email']),
    )
    expect(new Set(told('phone phone_number mobile homePhone tel fax_no'))).toEqual(new Set(['phone']))
    expect(new Set(told('first_name lastName full_name username display_name surname contact_name'))).toEqual(
      new Set(['name']),
    )
    expect(new Set(told('address street billing_address address_line1 shippingAddress'))).toEqual(new Set(['address']))
    expect(new Set(told('ip ip_address client_ip last_sign_in_ip remote_addr'))).toEqual(new Set(['ip']))
    expect(new Set(told('token access_token apiKey client_secret password_hash auth_code'))).toEqual(new Set(['token']))
    const not =
      'email_notifications email_template phone_verified name file_name hostname table_name wallet_address token_type key code title status zip shipment recipe tokenizer'
    expect(new Set(told(not))).toEqual(new Set([undefined]))
  })

  test('the config is asked first, then its patterns, the platform, the names, the values and the types', () => {
    const tables = [
      table('public.people', column('email'), column('note'), column('handle'), column('tax_id'), column('full_name')),
      table('auth.users', column('email'), column('encrypted_password'), column('aud'), column('id', 'uuid')),
      table(
        'public.visits',
        column('where_from', 'inet'),
        column('seen'),
        column('data', 'jsonb'),
        column('n', 'int4'),
      ),
    ]
    const config: MaskConfig = {
      tables: { 'public.people': { handle: 'name', full_name: 'keep' } },
      names: { 'tax_*': 'token' },
    }
    const samples = { 'public.visits.seen': ['203.0.113.9', '198.51.100.7', '192.0.2.1'] }
    expect(plan(tables, config, samples).masks).toEqual({
      'public.people.email': 'email name',
      'public.people.note': 'mentions mentions',
      'public.people.handle': 'name config',
      'public.people.tax_id': 'token pattern',
      'auth.users.email': 'email platform',
      'auth.users.encrypted_password': 'password platform',
      'public.visits.where_from': 'ip type',
      'public.visits.seen': 'ip values',
      'public.visits.data': 'json type',
    })
    expect(plan(tables, { find: false }).masks).toEqual({
      'auth.users.email': 'email platform',
      'auth.users.encrypted_password': 'password platform',
    })
    expect(plan(tables, { find: ['ip'] }).masks['public.people.email']).toBe('mentions mentions')
  })

  test('values speak against a name', () => {
    const tables = [table('public.settings', column('email'), column('phone'), column('address'), column('version'))]
    const samples = {
      'public.settings.email': ['daily', 'weekly', 'never'],
      'public.settings.phone': ['iPhone 15', 'Pixel 9', 'Pixel 8'],
      'public.settings.address': ['a@x.org', 'b@x.org', 'c@x.org'],
      'public.settings.version': ['1.2.3', '1.2.4', '2.0.0'],
    }
    expect(plan(tables, {}, samples).masks).toEqual({
      'public.settings.email': 'mentions mentions',
      'public.settings.phone': 'mentions mentions',
      'public.settings.address': 'email values',
      'public.settings.version': 'mentions mentions',
    })
  })

  test('a name alone is a person in tables of people', () => {
    const tables = [table('public.customers', column('name')), table('public.products', column('name'))]
    expect(plan(tables).masks).toEqual({
      'public.customers.name': 'name name',
      'public.products.name': 'mentions mentions',
    })
  })

  test('partitions are masked as their table', () => {
    const part = { ...table('public.events_2026', column('who')), root: 'public.events' }
    const tables = [table('public.events', column('who')), part]
    const { masks } = plan(tables, { tables: { 'public.events': { who: 'name' } } })
    expect(masks['public.events_2026.who']).toBe('name config')
  })

  test('columns that a foreign key ties get one kind', () => {
    const definition =
      'ALTER TABLE ONLY public.orders\n    ADD CONSTRAINT f FOREIGN KEY (shop, "Buyer") REFERENCES public.people(shop, email) ON UPDATE CASCADE;\n'
    const entry = { id: 1, type: 'FK CONSTRAINT', section: 'post-data', name: 'f', owner: '', definition } as const
    const references = referencesIn([{ ...entry, dropStatement: '', copyStatement: '', dependencies: [] }])
    expect(references).toHaveLength(2)
    const tables = [
      table('public.people', column('shop', 'int4'), column('email')),
      table('public.orders', column('shop', 'int4'), column('Buyer')),
    ]
    expect(plan(tables, {}, {}, references).masks).toEqual({
      'public.people.email': 'email name',
      'public.orders.Buyer': 'email reference',
    })
    expect(plan(tables, { tables: { 'public.orders': { Buyer: 'keep' } } }, {}, references).masks).toEqual({})
    const torn: MaskConfig = { tables: { 'public.orders': { Buyer: 'name' }, 'public.people': { email: 'email' } } }
    expect(() => plan(tables, torn, {}, references)).toThrow(
      /public\.orders\(Buyer\) is name and public\.people\(email\)/,
    )
  })

  test('a chain of references that the config tears apart is refused, and does not go on for ever', () => {
    const tables = ['a', 'b', 'c'].map((name) => table(`public.${name}`, column('x')))
    const link = (from: string, to: string): Reference => ({
      from: { table: `public.${from}`, column: 'x' },
      to: { table: `public.${to}`, column: 'x' },
    })
    const config: MaskConfig = { tables: { 'public.a': { x: 'email' }, 'public.c': { x: 'phone' } } }
    expect(() => plan(tables, config, {}, [link('a', 'b'), link('b', 'c')])).toThrow(/name one kind for both/)
  })

  test('what a type cannot hold is refused, all of it at once; what was found is left', () => {
    const tables = [
      table('public.t', column('n', 'int4'), column('d', 'date'), column('phone', 'int8'), column('ip', 'int8')),
    ]
    const config: MaskConfig = { tables: { 'public.t': { n: 'name', d: 'text' }, 'public.u': { x: 'email' } } }
    expect(() => plan(tables, config)).toThrow(
      /no table public\.u; did you mean public\.t\?[\s\S]*\(n\) is int4[\s\S]*\(d\) is date/,
    )
    expect(plan(tables, { names: { n: 'email', phone: 'phone' } }).masks).toEqual({ 'public.t.phone': 'phone pattern' })
  })

  test('the narrowest column says how long the masks of a kind may be', () => {
    const tables = [
      table('public.t', column('email', 'varchar', { limit: 255 }), column('work_email', 'varchar', { limit: 40 })),
      table('public.u', column('email', 'varchar', { limit: 12 })),
    ]
    const { masks, limits } = plan(tables)
    expect(limits.email).toBe(40)
    expect(masks['public.u.email']).toBe('token name')
  })
})

test('the columns of a COPY statement, however they are quoted', () => {
  expect(copyColumns('COPY public.t (a, "B ""c"", d", e) FROM stdin;')).toEqual(['a', 'B "c", d', 'e'])
  expect(copyColumns('COPY "Odd (schema)"."t (x)" (a) FROM stdin;')).toEqual(['a'])
  expect(copyColumns('COPY public.no_columns () FROM stdin;')).toEqual([])
  expect(copyColumns('COPY public.unlisted FROM stdin;')).toBeUndefined()
})
