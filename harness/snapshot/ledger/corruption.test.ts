import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { compareCorrupt } from './corruption.ts'

const setup = `
  CREATE TABLE people (id int PRIMARY KEY, email text, note text);
  INSERT INTO people SELECT g, 'user' || g || '@example.com', repeat('n', 300) FROM generate_series(1, 500) g;
  CREATE INDEX people_email ON people (email);
  CREATE TABLE prices (id int PRIMARY KEY, net numeric);
  INSERT INTO prices SELECT g, g FROM generate_series(1, 300) g;
  CREATE FUNCTION is_price(numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'select $1 > 0';
  CREATE FUNCTION gross(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'select $1 * 2';
  CREATE FUNCTION bucket(numeric) RETURNS int LANGUAGE sql IMMUTABLE AS 'select ($1 / 10)::int';
  ALTER TABLE prices ADD CONSTRAINT net_is_price CHECK (is_price(net)), ADD with_tax numeric GENERATED ALWAYS AS (gross(net)) STORED;
  CREATE INDEX prices_bucket ON prices (bucket(net));
  CREATE FUNCTION backwards(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'select btint4cmp($2, $1)';
  CREATE OPERATOR CLASS descending FOR TYPE int USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 backwards(int, int);
  CREATE INDEX people_descending ON people (id descending);
  CREATE INDEX people_hash ON people USING hash (id);
  CREATE MATERIALIZED VIEW summary AS SELECT count(*) FROM people`

let cluster: Cluster
let before: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await run(before, setup)
})
afterAll(() => cluster?.stop())

async function run(database: Database, sql: string) {
  await using connection = await database.connect()
  return await connection.query(sql)
}

async function migrated(sql: string) {
  await using after = await before.clone('after')
  await run(after, sql)
  return await compareCorrupt(before, after)
}

/** Overwrites bytes of a relation's first page on disk, once the server holds it in memory no longer. */
async function damage(database: Database, relation: string, page: number, bytes: Buffer) {
  await run(database, 'CREATE EXTENSION IF NOT EXISTS pg_buffercache; CHECKPOINT')
  const evicted = await run(
    database,
    `SELECT pg_buffercache_evict(bufferid) AS gone, pg_relation_filepath('${relation}') AS path FROM pg_buffercache
     WHERE relfilenode = pg_relation_filenode('${relation}') AND reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  expect(evicted.rows.every(({ gone }) => gone)).toBe(true)
  const [where] = (
    await run(
      database,
      `SELECT pg_relation_filepath('${relation}') AS path, current_setting('data_directory') AS folder`,
    )
  ).rows
  await using file = await open(join(where.folder, where.path), 'r+')
  await file.write(bytes, 0, bytes.length, page * 8192 + 8192 - bytes.length)
}

describe('what is stored', () => {
  it('that agrees with itself is no finding, whatever was written', async () => {
    const { findings, checks } = await migrated(
      'UPDATE people SET email = upper(email); DELETE FROM people WHERE id % 3 = 0; INSERT INTO prices VALUES (1000, 5)',
    )
    expect(findings).toEqual([])
    expect(checks).toMatchObject([
      {
        id: 'data.corruption',
        status: 'passed',
        required: true,
        numbers: { tablesVerified: 3, indexesOfOtherKinds: 1, rulesVerified: 2 },
      },
    ])
  })

  it('a comparison that changed under an index makes it wrong', async () => {
    const { findings, checks } = await migrated(
      `CREATE OR REPLACE FUNCTION backwards(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'select btint4cmp($1, $2)'`,
    )
    expect(findings).toMatchObject([
      {
        kind: 'data.corrupt',
        object: 'public.people',
        severity: 'blocking',
        title: 'Index public.people_descending of public.people and its table disagree.',
      },
    ])
    expect(checks).toMatchObject([{ status: 'failed' }])
  })

  it('a comparison that changed, with the index built again, does not', async () => {
    const { findings } = await migrated(
      `CREATE OR REPLACE FUNCTION backwards(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'select btint4cmp($1, $2)'; REINDEX INDEX people_descending`,
    )
    expect(findings).toEqual([])
  })

  it('an index over a function that gives other values now misses rows', async () => {
    const { findings } = await migrated(
      `CREATE OR REPLACE FUNCTION bucket(numeric) RETURNS int LANGUAGE sql IMMUTABLE AS 'select ($1 / 7)::int'`,
    )
    expect(findings.map(({ title }) => title)).toEqual([
      'Index public.prices_bucket of public.prices and its table disagree.',
    ])
    expect(findings[0]?.evidence.join()).toMatch(/lacks matching index tuple.*bt_index_check/)
  })

  it('rows that break a check whose function became stricter are counted', async () => {
    const { findings } = await migrated(
      `CREATE OR REPLACE FUNCTION is_price(numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'select $1 > 10'`,
    )
    expect(findings).toMatchObject([
      {
        kind: 'data.corrupt',
        object: 'public.prices',
        title: 'Rule public.prices.net_is_price does not hold for 10 rows that are there.',
      },
    ])
  })

  it('a check whose function became looser still holds', async () => {
    const { findings } = await migrated(
      `CREATE OR REPLACE FUNCTION is_price(numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'select $1 >= 0'`,
    )
    expect(findings).toEqual([])
  })

  it('a generated column that its function no longer gives is told, and a function that fails', async () => {
    const { findings } = await migrated(
      `CREATE OR REPLACE FUNCTION gross(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'select $1 * 3';
       CREATE OR REPLACE FUNCTION is_price(numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'select ($1::text || ''secret'')::int > 0'`,
    )
    expect(findings.map(({ title }) => title)).toEqual([
      'Rule public.prices.net_is_price cannot be verified: what it calls fails on its rows.',
      'Rule public.prices.with_tax does not hold for 300 rows that are there.',
    ])
    expect(JSON.stringify(findings)).not.toContain('1secret')
  })

  it('a damaged page of an index or of a table blocks; the file next to it does not', async () => {
    await using after = await before.clone('after')
    await damage(after, 'people_email', 1, Buffer.alloc(4_000, 7))
    await damage(after, 'prices', 0, Buffer.alloc(40, 255))
    const { findings, checks } = await compareCorrupt(before, after)
    expect(findings.map(({ object, severity }) => [object, severity])).toEqual([
      ['public.people', 'blocking'],
      ['public.prices', 'blocking'],
    ])
    expect(findings.map(({ title }) => title)[0]).toMatch(/^Index public\.people_email/)
    expect(checks).toMatchObject([{ status: 'failed' }])
  })

  it('what was wrong already is a warning, and nothing is written', async () => {
    await using old = await before.clone('old')
    await run(
      old,
      `CREATE OR REPLACE FUNCTION is_price(numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'select $1 > 10'`,
    )
    await using after = await old.clone('after')
    const { findings, checks } = await compareCorrupt(old, after)
    expect(findings).toMatchObject([{ severity: 'warning', title: expect.stringContaining('as before the migration') }])
    expect(checks).toMatchObject([{ status: 'passed' }])
    expect((await run(after, `SELECT FROM pg_proc WHERE proname IN ('verify_heapam', 'bt_index_check')`)).rows).toEqual(
      [],
    )
  })
})
