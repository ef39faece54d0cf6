import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { Finding } from '../../model/finding.ts'
import { compareSchema, schemasEqual } from './compare-schema.ts'
import { type SchemaFacts, takeSchema } from './take-schema.ts'

/** `CREATE INDEX CONCURRENTLY` cannot run with other statements. */
type Case = {
  readonly before: string
  readonly migration: string
  readonly alone?: string
  readonly findings: readonly string[]
}

const tasks = 'CREATE TABLE tasks (id int PRIMARY KEY, title text, days int);'
const touch = `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
  CREATE TRIGGER touch BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION touch();`

const guards = `ALTER TABLE tasks ADD CONSTRAINT once UNIQUE (title), ADD CONSTRAINT short CHECK (days < 9),
    ADD CONSTRAINT parent FOREIGN KEY (days) REFERENCES tasks;
  CREATE UNIQUE INDEX lower_title ON tasks (lower(title));`

/** Every case has a schema of its own, which the Data API does not offer. */
const cases: Readonly<Record<string, Case>> = {
  'a dropped table': { before: tasks, migration: 'DROP TABLE tasks', findings: ['schema.object-dropped tasks'] },
  'a dropped view': {
    before: `${tasks} CREATE VIEW open AS SELECT * FROM tasks`,
    migration: 'DROP VIEW open',
    findings: ['schema.object-dropped open'],
  },
  'a view made again with another column': {
    before: `${tasks} CREATE VIEW open AS SELECT id FROM tasks`,
    migration: 'DROP VIEW open; CREATE VIEW open AS SELECT id, title FROM tasks',
    findings: ['schema.changed open'],
  },
  'a view that became a table': {
    before: `${tasks} CREATE VIEW open AS SELECT id FROM tasks`,
    migration: 'DROP VIEW open; CREATE TABLE open (id int)',
    findings: ['schema.changed open'],
  },
  'a dropped function': {
    before: 'CREATE FUNCTION due(at timestamptz) RETURNS int LANGUAGE sql RETURN 1',
    migration: 'DROP FUNCTION due',
    findings: ['schema.object-dropped due(timestamptz)'],
  },
  'a function made again with another result': {
    before: 'CREATE FUNCTION due(at timestamptz) RETURNS int LANGUAGE sql RETURN 1',
    migration: 'DROP FUNCTION due; CREATE FUNCTION due(at timestamptz) RETURNS text LANGUAGE sql RETURN 1::text',
    findings: ['schema.changed due(timestamptz)'],
  },
  'a function made again with other arguments': {
    before: 'CREATE FUNCTION due(at timestamptz) RETURNS int LANGUAGE sql RETURN 1',
    migration: 'DROP FUNCTION due; CREATE FUNCTION due(at date) RETURNS int LANGUAGE sql RETURN 1',
    findings: ['schema.changed due(date)', 'schema.changed due(timestamptz)'],
  },
  'a dropped trigger': {
    before: tasks + touch,
    migration: 'DROP TRIGGER touch ON tasks',
    findings: ['schema.changed tasks', 'schema.object-dropped tasks.touch'],
  },
  'a trigger that is switched off': {
    before: tasks + touch,
    migration: 'ALTER TABLE tasks DISABLE TRIGGER touch',
    findings: ['schema.changed tasks', 'schema.object-dropped tasks.touch'],
  },
  'a trigger with another name': {
    before: tasks + touch,
    migration: 'ALTER TRIGGER touch ON tasks RENAME TO touched',
    findings: ['schema.changed tasks'],
  },
  'constraints that are dropped': {
    before: `${tasks} ${guards}`,
    migration: `ALTER TABLE tasks DROP CONSTRAINT once, DROP CONSTRAINT short, DROP CONSTRAINT parent, DROP CONSTRAINT tasks_pkey CASCADE;
      DROP INDEX lower_title`,
    findings: [
      'schema.changed tasks',
      'schema.object-dropped tasks.lower_title',
      'schema.object-dropped tasks.once',
      'schema.object-dropped tasks.parent',
      'schema.object-dropped tasks.short',
      'schema.object-dropped tasks.tasks_pkey',
    ],
  },
  'constraints that others replace': {
    before: `${tasks} ${guards}`,
    migration: `CREATE UNIQUE INDEX titles ON tasks (title); ALTER TABLE tasks DROP CONSTRAINT once;
      ALTER TABLE tasks DROP CONSTRAINT short, ADD CONSTRAINT brief CHECK (days < 90);
      ALTER TABLE tasks DROP CONSTRAINT parent, ADD CONSTRAINT above FOREIGN KEY (days) REFERENCES tasks ON DELETE CASCADE;
      ALTER INDEX lower_title RENAME TO title_lower`,
    findings: ['schema.changed tasks'],
  },
  'constraints of a renamed table, one of them dropped': {
    before: `${tasks} ${guards}`,
    migration: 'ALTER TABLE tasks RENAME TO todo; ALTER TABLE todo DROP CONSTRAINT once',
    findings: ['schema.changed tasks', 'schema.object-dropped tasks.once'],
  },
  'constraints that go with their column': {
    before: `${tasks} ${guards}`,
    migration: 'ALTER TABLE tasks DROP COLUMN days',
    findings: ['schema.changed tasks', 'schema.column-dropped tasks(days)'],
  },
  'an index for speed that is dropped': {
    before: `${tasks} CREATE INDEX by_day ON tasks (days)`,
    migration: 'DROP INDEX by_day',
    findings: ['schema.changed tasks'],
  },
  'a foreign key that deletes its rows from now on': {
    before: `${tasks} ${guards}`,
    migration:
      'ALTER TABLE tasks DROP CONSTRAINT parent, ADD CONSTRAINT parent FOREIGN KEY (days) REFERENCES tasks ON DELETE CASCADE',
    findings: ['schema.changed tasks (warning)'],
  },
  'a trigger made again': {
    before: tasks + touch,
    migration:
      'DROP TRIGGER touch ON tasks; CREATE TRIGGER touch BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION touch()',
    findings: [],
  },
  'a dropped type': {
    before: "CREATE TYPE mood AS ENUM ('good')",
    migration: 'DROP TYPE mood',
    findings: ['schema.object-dropped mood'],
  },
  'a serial column that is dropped takes its sequence along, in one finding': {
    before: 'CREATE TABLE numbered (id serial, x int)',
    migration: 'ALTER TABLE numbered DROP COLUMN id',
    findings: ['schema.changed numbered', 'schema.column-dropped numbered(id)'],
  },
  'a renamed column': {
    before: tasks,
    migration: 'ALTER TABLE tasks RENAME title TO name',
    findings: ['schema.changed tasks'],
  },
  'a dropped column beside a new one': {
    before: tasks,
    migration: 'ALTER TABLE tasks DROP COLUMN title; ALTER TABLE tasks ADD name text',
    findings: ['schema.changed tasks', 'schema.column-dropped tasks(title)'],
  },
  'a renamed table': {
    before: tasks,
    migration: 'ALTER TABLE tasks RENAME TO todo',
    findings: ['schema.changed tasks'],
  },
  'a renamed table that lost a column': {
    before: tasks,
    migration: 'ALTER TABLE tasks RENAME TO todo; ALTER TABLE todo DROP COLUMN days',
    findings: ['schema.changed tasks', 'schema.column-dropped tasks(days)'],
  },
  'a column of another type': {
    before: tasks,
    migration: 'ALTER TABLE tasks ALTER days TYPE bigint',
    findings: ['schema.changed tasks', 'schema.type-changed tasks(days)'],
  },
  'a column with another default': {
    before: tasks,
    migration: 'ALTER TABLE tasks ALTER days SET DEFAULT 7',
    findings: ['schema.changed tasks'],
  },
  'a constraint that is not validated': {
    before: tasks,
    migration: 'ALTER TABLE tasks ADD CONSTRAINT few CHECK (days < 9) NOT VALID',
    findings: ['schema.changed tasks', 'schema.constraint-not-validated tasks'],
  },
  'a constraint that was not validated before either': {
    before: `${tasks} ALTER TABLE tasks ADD CONSTRAINT few CHECK (days < 9) NOT VALID`,
    migration: 'ALTER TABLE tasks ADD CONSTRAINT many CHECK (days > 0)',
    findings: ['schema.changed tasks'],
  },
  'an index whose concurrent build fails': {
    before: `${tasks} INSERT INTO tasks VALUES (1, 'same'), (2, 'same')`,
    migration: '',
    alone: 'CREATE UNIQUE INDEX CONCURRENTLY titles ON tasks (title)',
    findings: ['schema.changed tasks', 'schema.index-invalid titles'],
  },
  'an index whose concurrent build succeeds': {
    before: `${tasks} INSERT INTO tasks VALUES (1, 'one'), (2, 'two')`,
    migration: '',
    alone: 'CREATE UNIQUE INDEX CONCURRENTLY titles ON tasks (title)',
    findings: ['schema.changed tasks'],
  },
  'row security that is switched off where the API does not reach': {
    before: `${tasks} ALTER TABLE tasks ENABLE ROW LEVEL SECURITY`,
    migration: 'ALTER TABLE tasks DISABLE ROW LEVEL SECURITY',
    findings: ['access.rls-disabled tasks (warning)', 'schema.changed tasks'],
  },
  'row security that is switched on': {
    before: tasks,
    migration: 'ALTER TABLE tasks ENABLE ROW LEVEL SECURITY',
    findings: ['schema.changed tasks'],
  },
  'a new extension is one change': { before: '', migration: 'CREATE EXTENSION citext', findings: [] },
  'a policy and a grant that go': {
    before: `${tasks} CREATE POLICY mine ON tasks USING (true); GRANT SELECT ON tasks TO anon`,
    migration: 'DROP POLICY mine ON tasks; REVOKE SELECT ON tasks FROM anon',
    findings: ['schema.changed tasks'],
  },
}

/** In public, offered to anon and authenticated. */
const apiBefore = `
  CREATE TABLE public.events (id int, title text, secret text); GRANT SELECT ON public.events TO anon; GRANT SELECT (id, title) ON public.events TO authenticated;
  CREATE TABLE public.vendors (id int); GRANT SELECT ON public.vendors TO anon;
  CREATE TABLE public.inner_log (id int, what text);
  CREATE TABLE public.inner_news (id int); CREATE PUBLICATION changes FOR TABLE public.inner_news, public.inner_log;
  CREATE FUNCTION public.validate(code text) RETURNS TABLE (valid boolean, event int) LANGUAGE sql AS 'select true, 1';
  CREATE FUNCTION public.search(term text, page int DEFAULT 1) RETURNS int LANGUAGE sql RETURN 1;
  CREATE FUNCTION public.count_all(a int) RETURNS int LANGUAGE sql RETURN 1;
  CREATE FUNCTION public.rate(a int) RETURNS int LANGUAGE sql RETURN 1;
  CREATE FUNCTION public.hidden(a int) RETURNS int LANGUAGE sql RETURN 1; REVOKE EXECUTE ON FUNCTION public.hidden FROM PUBLIC;`
const apiMigration = `
  ALTER PUBLICATION changes DROP TABLE public.inner_news;
  ALTER TABLE public.events DROP COLUMN title; ALTER TABLE public.events ADD name text; DROP TABLE public.vendors; DROP TABLE public.inner_log;
  CREATE TABLE public.cities (id int); GRANT SELECT ON public.cities TO authenticated;
  DROP FUNCTION public.validate; CREATE FUNCTION public.validate(code text) RETURNS jsonb LANGUAGE sql RETURN '{}'::jsonb;
  DROP FUNCTION public.search; CREATE FUNCTION public.search(term text, page int DEFAULT 1, size int DEFAULT 9) RETURNS int LANGUAGE sql RETURN 1;
  DROP FUNCTION public.count_all; CREATE FUNCTION public.count_all(a int, b int) RETURNS int LANGUAGE sql RETURN 1;
  DROP FUNCTION public.rate; CREATE FUNCTION public.rate(stars int) RETURNS int LANGUAGE sql RETURN 1;
  DROP FUNCTION public.hidden`

describe('the schema compared', () => {
  let cluster: Cluster
  let before: SchemaFacts
  let after: SchemaFacts
  let findings: readonly Finding[]

  beforeAll(async () => {
    cluster = await startTestCluster()
    const database = await cluster.createDatabase('before')
    await runAll(database, (one) => one.before, `CREATE ROLE anon; CREATE ROLE authenticated; ${apiBefore}`)
    const clone = await database.clone('after')
    await runAll(clone, (one) => one.migration, apiMigration)
    await using connection = await clone.connect()
    for (const [index, one] of Object.values(cases).entries()) {
      if (one.alone === undefined) continue
      await connection.query(`SET search_path = case${index}`)
      await connection.query(one.alone).catch(() => {})
    }
    ;[before, after] = await Promise.all([takeSchema(database), takeSchema(clone)])
    findings = compareSchema(before, after).findings
  })
  afterAll(() => cluster?.stop())

  it.each(Object.keys(cases))('%s', (name) => {
    const schema = `case${Object.keys(cases).indexOf(name)}.`
    const own = findings.filter((finding) => finding.object.startsWith(schema))
    expect(own.map((finding) => told(finding).replaceAll(schema, '')).sort()).toEqual(cases[name]?.findings)
  })

  it('blocks when the Data API offers less, by name, and tells what is new', () => {
    expect(
      findings
        .filter((finding) => finding.kind.startsWith('feature.'))
        .map(told)
        .sort(),
    ).toEqual([
      'feature.api-added public.cities',
      'feature.api-added public.events(name)',
      'feature.api-removed public.count_all',
      'feature.api-removed public.events(title)',
      'feature.api-removed public.rate',
      'feature.api-removed public.vendors',
    ])
  })

  it('blocks when a table leaves a publication, and not when its table is gone', () => {
    const own = findings.filter((finding) => finding.object.startsWith('changes')).map(told)
    expect(own).toEqual(['schema.object-dropped changes.public.inner_news', 'schema.changed changes'])
  })

  it('says what is gone in plain words', () => {
    const titles = findings.filter((finding) => finding.kind === 'feature.api-removed').map((finding) => finding.title)
    expect(titles).toContain('The Data API no longer offers public.vendors to anon: it does not exist any more.')
    expect(titles).toContain('Calls of public.rate that worked before fail after.')
  })

  it('finds no difference in a schema that is the same, and lists each one else', () => {
    expect(schemasEqual(before, before)).toEqual([])
    expect(compareSchema(after, after).findings).toEqual([])
    expect(schemasEqual(before, after)).toContain('public.events: removed: column title (text)')
  })

  it('fails its checks on harm, and passes them on none', () => {
    expect(compareSchema(before, after).checks.map(({ id, status }) => [id, status])).toEqual([
      ['data.schema', 'failed'],
      ['features.api', 'failed'],
    ])
    expect(compareSchema(before, before).checks.map(({ status }) => status)).toEqual(['passed', 'passed'])
  })
})

async function runAll(database: Database, sql: (one: Case) => string, more: string): Promise<void> {
  await using connection = await database.connect()
  await connection.query(more)
  for (const [index, [name, one]] of Object.entries(cases).entries()) {
    try {
      await connection.query(`CREATE SCHEMA IF NOT EXISTS case${index}; SET search_path = case${index}; ${sql(one)}`)
    } catch (cause) {
      throw new Error(`The SQL of "${name}" fails.`, { cause })
    }
  }
}

function told({ kind, object, columns, severity }: Finding): string {
  return `${kind} ${object}${columns ? `(${columns.join(', ')})` : ''}${severity === 'warning' ? ' (warning)' : ''}`
}
