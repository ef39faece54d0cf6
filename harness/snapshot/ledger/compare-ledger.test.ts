import { beforeAll, describe, expect, it } from 'vitest'
import { type LedgerCase, runCases } from './test-cases.ts'

const answers = `CREATE TABLE answers (id int PRIMARY KEY, choice text, previous text, updated_at timestamptz DEFAULT '2026-01-01');
  INSERT INTO answers SELECT g, 'choice ' || g FROM generate_series(1, 4) g;`

const cases = {
  'deleted rows are named by their keys': {
    before: answers,
    migration: 'DELETE FROM answers WHERE id IN (2, 4)',
    findings: ['data.rows-deleted answers: 2 4'],
  },
  'a row that is deleted and inserted again with the same values is no difference': {
    before: answers,
    migration: `CREATE TEMP TABLE kept AS SELECT * FROM answers; TRUNCATE answers; INSERT INTO answers SELECT * FROM kept ORDER BY id DESC`,
    findings: [],
  },
  'added rows are named by their keys': {
    before: answers,
    migration: "INSERT INTO answers VALUES (5, 'new')",
    findings: ['data.rows-inserted answers: 5'],
  },
  'a table that goes takes its rows along': {
    before: answers,
    migration: 'DROP TABLE answers',
    findings: ['data.rows-deleted answers: 1 2 3 4'],
  },
  'an empty table that goes loses nothing': {
    before: `${answers} TRUNCATE answers`,
    migration: 'DROP TABLE answers',
    findings: [],
  },
  'the rows of a new table are counted as added': {
    before: '',
    migration: answers,
    findings: ['data.rows-inserted answers: 1 2 3 4'],
  },
  'a value that is overwritten is changed': {
    before: answers,
    migration: "UPDATE answers SET choice = 'other' WHERE id = 3",
    findings: ['data.values-changed answers(choice): 3'],
  },
  'a value set to NULL is changed': {
    before: answers,
    migration: 'UPDATE answers SET choice = NULL WHERE id = 3',
    findings: ['data.values-changed answers(choice): 3'],
  },
  'a value that is written over by itself is no difference': {
    before: answers,
    migration: 'UPDATE answers SET choice = choice',
    findings: [],
  },
  'NULL that became a value is filled': {
    before: answers,
    migration: "UPDATE answers SET previous = 'first' WHERE id < 3",
    findings: ['data.values-filled answers(previous): 1 2'],
  },
  'two updates in the wrong order lose the old values': {
    before: answers,
    migration: "UPDATE answers SET choice = 'new ' || id; UPDATE answers SET previous = choice",
    findings: ['data.values-changed answers(choice): 1 2 3 4', 'data.values-filled answers(previous): 1 2 3 4'],
  },
  'two updates in the right order move the old values': {
    before: answers,
    migration: "UPDATE answers SET previous = choice; UPDATE answers SET choice = 'new ' || id",
    findings: ['data.values-filled answers(previous): 1 2 3 4', 'data.values-moved answers(choice, previous): 1 2 3 4'],
  },
  'two columns that are swapped are changed': {
    before:
      "CREATE TABLE pairs (id int PRIMARY KEY, a text, b text); INSERT INTO pairs VALUES (1, 'x', 'y'), (2, 'v', 'w')",
    migration: 'UPDATE pairs SET a = b, b = a',
    findings: ['data.values-changed pairs(a): 1 2', 'data.values-changed pairs(b): 1 2'],
  },
  'columns that swap their names are changed': {
    before:
      "CREATE TABLE renamed_pairs (id int PRIMARY KEY, a text, b text); INSERT INTO renamed_pairs VALUES (1, 'x', 'y'), (2, 'v', 'v')",
    migration:
      'ALTER TABLE renamed_pairs RENAME a TO c; ALTER TABLE renamed_pairs RENAME b TO a; ALTER TABLE renamed_pairs RENAME c TO b',
    findings: ['data.values-changed renamed_pairs(a): 1', 'data.values-changed renamed_pairs(b): 1'],
  },
  'a value that moves on to make room lies elsewhere, and is not swapped': {
    before:
      "CREATE TABLE queue (id int PRIMARY KEY, first text, next text, last text); INSERT INTO queue VALUES (1, 'x', 'y'), (2, 'v', 'w')",
    migration: 'UPDATE queue SET first = NULL, next = first, last = next',
    findings: [
      'data.values-filled queue(last): 1 2',
      'data.values-moved queue(first, next): 1 2',
      'data.values-moved queue(next, last): 1 2',
    ],
  },
  'two rows that are swapped are changed': {
    before: answers,
    migration: `UPDATE answers SET choice = 'choice ' || (3 - id) WHERE id IN (1, 2)`,
    findings: ['data.values-changed answers(choice): 1 2'],
  },
  'a column that goes loses its values': {
    before: answers,
    migration: 'ALTER TABLE answers DROP COLUMN choice',
    findings: ['data.column-lost answers(choice): 1 2 3 4'],
  },
  'a column without a value that goes loses nothing': {
    before: answers,
    migration: 'ALTER TABLE answers DROP COLUMN previous',
    findings: [],
  },
  'a column that is copied before it goes is moved': {
    before: answers,
    migration:
      'ALTER TABLE answers ADD text text; UPDATE answers SET text = choice; ALTER TABLE answers DROP COLUMN choice',
    findings: ['data.values-moved answers(choice, text): 1 2 3 4'],
  },
  'a column that is copied in part before it goes is lost for the rest': {
    before: answers,
    migration:
      'ALTER TABLE answers ADD text text; UPDATE answers SET text = choice WHERE id > 1; ALTER TABLE answers DROP COLUMN choice',
    findings: ['data.column-lost answers(choice): 1', 'data.values-moved answers(choice, text): 2 3 4'],
  },
  'a default of a new column is not where an old value went': {
    before:
      'CREATE TABLE flags (id int PRIMARY KEY, level int, done boolean); INSERT INTO flags SELECT g, g % 2, g < 3 FROM generate_series(1, 4) g',
    migration: `ALTER TABLE flags ADD rank int DEFAULT 0, ADD seen boolean DEFAULT true;
      UPDATE flags SET level = 7 WHERE level = 0; UPDATE flags SET done = false WHERE done`,
    findings: ['data.values-changed flags(done): 1 2', 'data.values-changed flags(level): 2 4'],
  },
  'a renamed column and a renamed table are known again': {
    before: answers,
    migration:
      "ALTER TABLE answers RENAME choice TO pick; ALTER TABLE answers RENAME TO votes; UPDATE votes SET pick = 'z' WHERE id = 1",
    findings: ['data.values-changed answers(choice): 1'],
  },
  'a table moved to another schema is known again': {
    before: answers,
    migration: 'ALTER TABLE answers SET SCHEMA public',
    findings: [],
  },
  'rows of which only updated_at changed are touched': {
    before: answers,
    migration: 'UPDATE answers SET updated_at = now() WHERE id < 3',
    findings: ['data.rows-touched answers(updated_at): 1 2'],
  },
  'an updated_at that is emptied is changed, not touched': {
    before: answers,
    migration: 'UPDATE answers SET updated_at = NULL WHERE id = 3',
    findings: ['data.values-changed answers(updated_at): 3'],
  },
  'a time that a trigger keeps by another name is touched too, and a value that a trigger rewrites is not': {
    before: `CREATE TABLE people (id int PRIMARY KEY, email text, stamp timestamptz DEFAULT '2026-01-01', "Seen" timestamptz DEFAULT '2026-01-01');
      CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'begin new.stamp = now(); new.email := lower(new.email); return new; end';
      CREATE TRIGGER keep BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION keep();
      INSERT INTO people VALUES (1, 'A@x'), (2, 'b@x'), (3, 'c@x')`,
    migration: `UPDATE people SET id = id; UPDATE people SET "Seen" = now() WHERE id = 3`,
    findings: [
      'data.rows-touched people(stamp): 2',
      'data.values-changed people(Seen): 3',
      'data.values-changed people(email): 1',
    ],
  },
  'rows without a key are told by their content': {
    before: "CREATE TABLE log (at int, what text); INSERT INTO log VALUES (1, 'a'), (1, 'a'), (2, 'b'), (3, 'c')",
    migration: "DELETE FROM log WHERE at = 1; INSERT INTO log VALUES (1, 'a'); UPDATE log SET what = 'z' WHERE at = 3",
    findings: ['data.rows-deleted log: 1 rows', 'data.values-changed log(what): 1 rows'],
  },
  'two equal rows without a key do not hide two others': {
    before: 'CREATE TABLE log (at int); INSERT INTO log VALUES (1), (1)',
    migration: 'UPDATE log SET at = 2',
    findings: ['data.values-changed log(at): 2 rows'],
  },
  'a unique index names rows where there is no primary key': {
    before: "CREATE TABLE codes (code text NOT NULL UNIQUE, n int); INSERT INTO codes VALUES ('a', 1), ('b', 2)",
    migration: "UPDATE codes SET n = 9 WHERE code = 'b'",
    findings: ['data.values-changed codes(n): b'],
  },
  'a primary key that is replaced leaves its columns as the key': {
    before: answers,
    migration: `ALTER TABLE answers DROP CONSTRAINT answers_pkey; ALTER TABLE answers ADD uid uuid DEFAULT gen_random_uuid() PRIMARY KEY;
      UPDATE answers SET choice = 'z' WHERE id = 4`,
    findings: ['data.values-changed answers(choice): 4'],
  },
  'partitions are compared as one table, wherever the rows lie': {
    before: `CREATE TABLE visits (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
      CREATE TABLE visits_old PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
      CREATE TABLE visits_new PARTITION OF visits DEFAULT;
      INSERT INTO visits VALUES (1, '2025-05-05'), (2, '2026-05-05'), (3, '2027-05-05')`,
    migration: `CREATE TABLE visits_next (LIKE visits); WITH moved AS (DELETE FROM visits WHERE at > '2027-01-01' RETURNING *)
      INSERT INTO visits_next SELECT * FROM moved;
      ALTER TABLE visits ATTACH PARTITION visits_next FOR VALUES FROM ('2027-01-01') TO ('2028-01-01'); DELETE FROM visits WHERE id = 1`,
    findings: ['data.rows-deleted visits: 1/2025-05-05'],
  },
  'a table that became partitioned keeps its rows': {
    before: answers,
    migration: `ALTER TABLE answers RENAME TO old; CREATE TABLE answers (LIKE old, PRIMARY KEY (id)) PARTITION BY HASH (id);
      CREATE TABLE answers0 PARTITION OF answers FOR VALUES WITH (MODULUS 1, REMAINDER 0);
      INSERT INTO answers SELECT * FROM old; DROP TABLE old`,
    findings: [],
  },
  'a generated column follows its sources and is not told twice': {
    before:
      'CREATE TABLE sums (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED); INSERT INTO sums VALUES (1, 5), (2, 6)',
    migration: 'UPDATE sums SET a = 7 WHERE id = 1',
    findings: ['data.values-changed sums(a): 1'],
  },
  'orphans that a migration makes block, old ones are a warning, and a validated key counts only once': {
    before: `CREATE TABLE events (id int PRIMARY KEY); INSERT INTO events SELECT g FROM generate_series(1, 3) g;
      CREATE TABLE tasks (id int PRIMARY KEY, event_id int); INSERT INTO tasks VALUES (1, 1), (2, 2), (3, 99), (4, NULL);
      CREATE TABLE notes (id int PRIMARY KEY, event int REFERENCES events); INSERT INTO notes VALUES (1, 3), (2, 1)`,
    migration: `DELETE FROM events WHERE id = 2; SET session_replication_role = replica; DELETE FROM events WHERE id = 3; RESET session_replication_role`,
    findings: [
      'data.orphans notes(event): 1',
      'data.orphans tasks(event_id): 2',
      'data.orphans tasks(event_id): 3 (warning)',
      'data.rows-deleted events: 2 3',
    ],
  },
  'a column that only sounds like a reference has no orphans': {
    before: `CREATE TABLE devices (id int PRIMARY KEY); INSERT INTO devices VALUES (1);
      CREATE TABLE pings (id int PRIMARY KEY, device_id int); INSERT INTO pings VALUES (1, 700), (2, 701)`,
    migration: 'INSERT INTO pings VALUES (3, 702)',
    findings: ['data.rows-inserted pings: 3'],
  },
  'a sequence that falls behind blocks, one that was behind is a warning': {
    before: `CREATE TABLE a (id serial PRIMARY KEY); CREATE TABLE b (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY);
      INSERT INTO a DEFAULT VALUES; INSERT INTO b VALUES (10)`,
    migration: 'INSERT INTO a VALUES (2)',
    findings: [
      'data.rows-inserted a: 2',
      'data.sequence-behind a(id):  rows',
      'data.sequence-behind b(id):  rows (warning)',
    ],
  },
  'rows inserted by their sequence leave it ahead': {
    before: 'CREATE TABLE a (id serial PRIMARY KEY); INSERT INTO a DEFAULT VALUES',
    migration: 'INSERT INTO a DEFAULT VALUES',
    findings: ['data.rows-inserted a: 2'],
  },
  'names that need quotes, and keys of two columns, are read as they are': {
    before: `CREATE TABLE "We ""ird" ("A b" int, "c%s" text, "$1" int, PRIMARY KEY ("A b", "c%s")); INSERT INTO "We ""ird" VALUES (1, 'x', 1), (1, 'y', 2)`,
    migration: `UPDATE "We ""ird" SET "$1" = 3 WHERE "c%s" = 'y'`,
    findings: [`data.values-changed "We ""ird"($1): 1/y`],
  },
} satisfies Record<string, LedgerCase>

describe('the row ledger', () => {
  let found: Awaited<ReturnType<typeof runCases<keyof typeof cases>>>
  beforeAll(async () => {
    found = await runCases(cases)
  })

  it.each(Object.keys(cases) as (keyof typeof cases)[])('%s', (name) => {
    expect(found(name).told).toEqual([...cases[name].findings].sort())
  })

  it('shows no key that is a text, only what finds it', () => {
    const lines = found('a unique index names rows where there is no primary key').findings.flatMap(
      (one) => one.evidence,
    )
    expect(lines).toContain('code: md5:92eb5ffee6ae')
  })
})
