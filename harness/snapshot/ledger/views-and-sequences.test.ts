import { beforeAll, describe, expect, it } from 'vitest'
import { type LedgerCase, runCases } from './test-cases.ts'

const answers = `CREATE TABLE answers (id int PRIMARY KEY, choice text, previous text, updated_at timestamptz DEFAULT '2026-01-01');
  INSERT INTO answers SELECT g, 'choice ' || g FROM generate_series(1, 4) g;`

const cases = {
  'a sequence of no column that goes back': {
    before: "CREATE SEQUENCE invoices; SELECT setval('invoices', 5000)",
    migration: "SELECT setval('invoices', 1)",
    findings: ['data.sequence-behind invoices:  rows'],
  },
  'a sequence behind a text default that goes back': {
    before:
      "CREATE SEQUENCE bills; CREATE TABLE billed (id text DEFAULT 'B-' || nextval('bills')); INSERT INTO billed DEFAULT VALUES; INSERT INTO billed DEFAULT VALUES",
    migration: "SELECT setval('bills', 1)",
    findings: ['data.sequence-behind bills:  rows'],
  },
  'a sequence of no column that goes on': {
    before: "CREATE SEQUENCE receipts; SELECT setval('receipts', 5000)",
    migration: "SELECT nextval('receipts')",
    findings: [],
  },
  'a view that leaves rows out from now on': {
    before: `${answers}; CREATE VIEW shown AS SELECT id, choice FROM answers`,
    migration: 'CREATE OR REPLACE VIEW shown AS SELECT id, choice FROM answers WHERE id > 2',
    findings: ['schema.changed shown: 2 rows'],
  },
  'a view that shows other values in as many rows': {
    before: `${answers}; CREATE VIEW spelled AS SELECT id, choice FROM answers`,
    migration: 'CREATE OR REPLACE VIEW spelled AS SELECT id, upper(choice) AS choice FROM answers',
    findings: ['schema.changed spelled:  rows'],
  },
  'a view that cannot be read any more': {
    before: `${answers}; CREATE VIEW fragile AS SELECT id, 1 AS one FROM answers`,
    migration: 'CREATE OR REPLACE VIEW fragile AS SELECT id, 1 / (id - id) AS one FROM answers',
    findings: ['schema.changed fragile:  rows'],
  },
  'a view that is written otherwise, with one column more': {
    before: `${answers}; CREATE VIEW listed AS SELECT id, choice FROM answers WHERE id > 2`,
    migration: 'CREATE OR REPLACE VIEW listed AS SELECT id, choice, previous FROM answers WHERE NOT id <= 2',
    findings: [],
  },
  'a view over rows that changed is told by the rows': {
    before: `${answers}; CREATE VIEW through AS SELECT id FROM answers`,
    migration: 'DELETE FROM answers WHERE id = 1; CREATE OR REPLACE VIEW through AS SELECT id FROM answers WHERE true',
    findings: ['data.rows-deleted answers: 1'],
  },
  'a view over a renamed table and column, made again': {
    before: `${answers}; CREATE VIEW renewed AS SELECT id, choice FROM answers`,
    migration:
      'DROP VIEW renewed; ALTER TABLE answers RENAME TO replies; ALTER TABLE replies RENAME choice TO chosen; CREATE VIEW renewed AS SELECT id, chosen AS choice FROM replies',
    findings: [],
  },
} satisfies Readonly<Record<string, LedgerCase>>

describe('views and sequences of no column', () => {
  let found: Awaited<ReturnType<typeof runCases<keyof typeof cases>>>
  beforeAll(async () => {
    found = await runCases(cases)
  })

  it.each(Object.keys(cases) as (keyof typeof cases)[])('%s', (name) => {
    expect(found(name).told).toEqual([...cases[name].findings].sort())
  })
})
