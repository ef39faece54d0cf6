import { beforeAll, describe, expect, it } from 'vitest'
import { type LedgerCase, runCases } from './test-cases.ts'

const people = `CREATE TABLE people (id int PRIMARY KEY, phone text, name text);
  INSERT INTO people SELECT g, nullif('+' || g, '+4'), 'n' || g FROM generate_series(1, 5) g;`
const copied = (rows = 'true') => `CREATE TABLE contacts (person_id int, phone text);
  INSERT INTO contacts SELECT id, phone FROM people WHERE phone IS NOT NULL AND ${rows};`
const toContacts = [
  { from: { table: 'people', column: 'phone' }, to: { table: 'contacts', column: 'phone' }, by: ['person_id'] },
]
const drop = 'ALTER TABLE people DROP COLUMN phone;'

const cases = {
  'values that are in the declared table are moved': {
    before: people,
    migration: copied() + drop,
    moves: toContacts,
    findings: ['data.values-moved people(phone): 1 2 3 5', 'data.rows-inserted contacts: 4 rows'],
  },
  'without the declaration they are lost': {
    before: people,
    migration: copied() + drop,
    findings: ['data.column-lost people(phone): 1 2 3 5', 'data.rows-inserted contacts: 4 rows'],
  },
  'values that are not there are lost, whatever is declared': {
    before: people,
    migration: `${copied('id > 1')} UPDATE contacts SET phone = '+9' WHERE person_id = 3; ${drop}`,
    moves: toContacts,
    findings: [
      'data.values-moved people(phone): 2 5',
      'data.column-lost people(phone): 1 3',
      'data.rows-inserted contacts: 3 rows',
    ],
  },
  'values at another row of the table are lost': {
    before: people,
    migration: `${copied()} UPDATE contacts SET person_id = person_id + 10; ${drop}`,
    moves: toContacts,
    findings: ['data.column-lost people(phone): 1 2 3 5', 'data.rows-inserted contacts: 4 rows'],
  },
  'a key of two columns, and another type, are followed': {
    before:
      "CREATE TABLE days (room int, day date, price numeric(8,2), PRIMARY KEY (room, day)); INSERT INTO days VALUES (1, '2026-01-01', 2.50), (1, '2026-01-02', 3)",
    migration:
      'CREATE TABLE prices (id serial PRIMARY KEY, r bigint, d date, price numeric); INSERT INTO prices (r, d, price) SELECT room, day, price FROM days; ALTER TABLE days DROP price',
    moves: [{ from: { table: 'days', column: 'price' }, to: { table: 'prices', column: 'price' }, by: ['r', 'd'] }],
    findings: ['data.values-moved days(price): 1/2026-01-01 1/2026-01-02', 'data.rows-inserted prices: 1 2'],
  },
  'a declaration of a column that stays, or of a table that is not there, is told': {
    before: `${people} CREATE TABLE tags (id int PRIMARY KEY, label text); INSERT INTO tags VALUES (1, 'a')`,
    migration: 'ALTER TABLE people DROP COLUMN phone',
    moves: [
      ...toContacts,
      { from: { table: 'tags', column: 'label' }, to: { table: 'people', column: 'name' }, by: ['id'] },
    ],
    findings: [
      'data.column-lost people(phone): 1 2 3 5',
      'expectation.unmatched people(phone):  rows',
      'expectation.unmatched tags(label):  rows',
    ],
  },
} satisfies Record<string, LedgerCase>

describe('moves to another table', () => {
  let found: Awaited<ReturnType<typeof runCases<keyof typeof cases>>>
  beforeAll(async () => {
    found = await runCases(cases)
  })

  it.each(Object.keys(cases) as (keyof typeof cases)[])('%s', (name) => {
    expect(found(name).told).toEqual([...cases[name].findings].sort())
  })
})
