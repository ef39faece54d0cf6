import { beforeAll, describe, expect, it } from 'vitest'
import { type LedgerCase, runCases } from './test-cases.ts'

/** A column of one type with two values, of which the second row's is replaced. */
function changes(type: string, value: string, other: string, setup = ''): LedgerCase {
  return {
    before: `${setup} CREATE TABLE t (id int PRIMARY KEY, v ${type}); INSERT INTO t VALUES (1, ${value}), (2, ${value}), (3, NULL)`,
    migration: `UPDATE t SET v = ${other} WHERE id = 2`,
    findings: ['data.values-changed t(v): 2'],
  }
}

/** A column whose type changes; `lost` names the rows that lose their value by it. */
function retyped(type: string, values: readonly string[], to: string, lost: string): LedgerCase {
  return {
    before: `CREATE TABLE t (id int PRIMARY KEY, v ${type}); INSERT INTO t VALUES ${values.map((value, index) => `(${index + 1}, ${value})`).join(', ')}`,
    migration: `ALTER TABLE t ALTER v TYPE ${to}`,
    findings: lost === '' ? [] : [`data.values-changed t(v): ${lost}`],
  }
}

/** A column whose values move into a new one of another type, and that goes then. */
function moved(type: string, value: string, other: string, to: string): LedgerCase {
  return {
    before: `CREATE TABLE t (id int PRIMARY KEY, v ${type}); INSERT INTO t VALUES (1, ${value}), (2, ${other})`,
    migration: `ALTER TABLE t ADD w ${to}; UPDATE t SET w = v::${to}; ALTER TABLE t DROP v`,
    findings: ['data.values-moved t(v, w): 1 2'],
  }
}

const fortyNumbers = 'to_jsonb(ARRAY(SELECT generate_series(1, 40)))'

const cases = {
  'json: white space is part of the value': changes('json', `'{"a":1}'`, `'{"a": 1}'`),
  'jsonb: a key': changes('jsonb', `'{"a":1,"b":2}'`, `'{"a":2,"b":1}'`),
  'jsonb: the digits of a number': changes('jsonb', `'{"a":1.0}'`, `'{"a":1.00}'`),
  'jsonb: two elements that lie 32 apart': changes(
    'jsonb',
    fortyNumbers,
    `(SELECT jsonb_agg(CASE g WHEN 1 THEN 33 WHEN 33 THEN 1 ELSE g END ORDER BY g) FROM generate_series(1, 40) g)`,
  ),
  'numeric: the scale': changes('numeric', '1.5', '1.50'),
  'numeric: not a number': changes('numeric', `'NaN'`, '0'),
  'float8: the last bit': changes('float8', '0.1', '0.1 + 1e-17 * 2'),
  'float8: negative zero': changes('float8', '0', `'-0'`),
  'float4: infinity': changes('float4', '3e38', `'Infinity'`),
  'array: the shape': changes('int[]', `'{1,2,3,4}'`, `'{{1,2},{3,4}}'`),
  'array: an element': changes('text[]', `'{a,NULL}'`, `'{a,"NULL"}'`),
  'bytea: a zero byte': changes('bytea', `'\\x00'`, `'\\x0000'`),
  'range: a bound': changes('int4range', `'[1,5)'`, `'[1,6)'`),
  'multirange: a gap': changes('int4multirange', `'{[1,5)}'`, `'{[1,2),[3,5)}'`),
  'interval: a day is not 24 hours': changes('interval', `'1 day'`, `'24 hours'`),
  'timestamptz: a microsecond': changes(
    'timestamptz',
    `'2026-03-29 01:00:00.000001+00'`,
    `'2026-03-29 01:00:00.000002+00'`,
  ),
  'date: infinity': changes('date', `'2026-01-01'`, `'infinity'`),
  'uuid: a digit': changes('uuid', `'00000000-0000-0000-0000-000000000001'`, `'00000000-0000-0000-0000-000000000002'`),
  'text: NULL is not the empty text': changes('text', `''`, 'NULL'),
  'text: a normal form of unicode': changes('text', `U&'\\00E9'`, `U&'e\\0301'`),
  'text: upper case, under a collation that does not see it': changes(
    'text COLLATE blind',
    `'Ab'`,
    `'ab'`,
    "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);",
  ),
  'citext: upper case': changes(
    'public.citext',
    `'Ab'`,
    `'ab'`,
    'CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;',
  ),
  'bit: a bit': changes('bit(3)', "B'101'", "B'111'"),
  'xml: an attribute': changes('xml', `'<a b="1"/>'`, `'<a b="2"/>'`),
  'point: a coordinate': changes('point', `'(1,2)'`, `'(1,3)'`),
  'composite: a field': changes('pair', `'(1,x)'`, `'(1,y)'`, 'CREATE TYPE pair AS (n int, t text);'),
  'domain over jsonb: a key': changes('settings', `'{"a":1}'`, `'{"a":2}'`, 'CREATE DOMAIN settings AS jsonb;'),
  'enum: a value': changes('mood', `'good'`, `'bad'`, "CREATE TYPE mood AS ENUM ('good', 'bad');"),
  'tsvector: a position': changes('tsvector', `'a:1 b:2'`, `'a:1 b:3'`),
  'inet: the mask': changes('inet', `'10.0.0.1/24'`, `'10.0.0.1/16'`),

  'int to bigint keeps every value': retyped('int', ['1', '-1'], 'bigint', ''),
  'int to text keeps every value': retyped('int', ['1', '-1'], 'text', ''),
  'float4 to float8 keeps every value': retyped('float4', ['0.1', '1.5'], 'float8', ''),
  'numeric with more digits keeps every value': retyped('numeric(12,2)', ['1.50', '2'], 'numeric(12,4)', ''),
  'numeric cut to whole numbers loses the others': retyped('numeric', ['12.7', '3', '4.0'], 'int', '1'),
  'varchar made longer keeps every value': retyped('varchar(5)', [`'abc'`, `'äöü'`], 'varchar(500)', ''),
  'text cut to a length loses the longer ones': retyped(
    'text',
    [`'abcdef'`, `'ab'`],
    'varchar(3) USING left(v, 3)',
    '1',
  ),
  'timestamptz cut to a day loses the time': retyped(
    'timestamptz',
    [`'2026-01-01 10:00+00'`, `'2026-01-01 00:00+00'`],
    `date USING (v AT TIME ZONE 'UTC')::date`,
    '1',
  ),
  'timestamp read in the time zone of the session is shifted': retyped(
    'timestamp',
    [`'2026-01-01 10:00'`],
    'timestamptz',
    '1',
  ),
  'timestamp read as UTC keeps every value': retyped(
    'timestamp',
    [`'2026-01-01 10:00'`],
    `timestamptz USING v AT TIME ZONE 'UTC'`,
    '',
  ),
  'text to uuid keeps every value': retyped(
    'text',
    [`'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'`],
    'uuid USING v::uuid',
    '',
  ),
  'text to jsonb keeps what it says': retyped('text', [`'{"b":1,"a":[1,2]}'`], 'jsonb USING v::jsonb', ''),
  'json to jsonb keeps what it says': retyped('json', [`'{"b":1, "a":2}'`], 'jsonb', ''),
  'text to boolean keeps what it says': retyped('text', [`'yes'`, `'f'`], 'boolean USING v::boolean', ''),
  'boolean to int keeps every value': retyped('boolean', ['true', 'false'], 'int USING v::int', ''),
  'an enum made again with other values keeps every value': {
    before:
      "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE t (id int PRIMARY KEY, v mood); INSERT INTO t VALUES (1, 'good'), (2, 'bad')",
    migration:
      "ALTER TYPE mood RENAME TO old; CREATE TYPE mood AS ENUM ('bad', 'good', 'fair'); ALTER TABLE t ALTER v TYPE mood USING v::text::mood; DROP TYPE old",
    findings: [],
  },
  'a key that gets another type still names its rows': {
    before: 'CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1), (2, 2)',
    migration: 'ALTER TABLE t ALTER id TYPE bigint; UPDATE t SET v = 3 WHERE id = 2',
    findings: ['data.values-changed t(v): 2'],
  },
  'json is found again as jsonb': moved('json', `'{"b":1, "a":2}'`, `'[1]'`, 'jsonb'),
  'numeric is found again with other digits': moved('numeric(8,2)', '1.50', '2', 'numeric(12,4)'),
  'a day is found again as midnight, UTC': {
    before: `CREATE TABLE t (id int PRIMARY KEY, v date); INSERT INTO t VALUES (1, '2026-01-01'), (2, '2026-02-01')`,
    migration: `ALTER TABLE t ADD w timestamptz; UPDATE t SET w = v::timestamp AT TIME ZONE 'UTC'; ALTER TABLE t DROP v`,
    findings: ['data.values-moved t(v, w): 1 2'],
  },
} satisfies Record<string, LedgerCase>

describe('types in the row ledger', () => {
  let found: Awaited<ReturnType<typeof runCases<keyof typeof cases>>>
  beforeAll(async () => {
    found = await runCases(cases)
  })

  it.each(Object.keys(cases) as (keyof typeof cases)[])('%s', (name) => {
    expect(found(name).told).toEqual([...cases[name].findings].sort())
  })
})
