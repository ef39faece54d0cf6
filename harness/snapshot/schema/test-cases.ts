/** One migration and what the schema must say of it, `(severity)` where it is not the kind's. `alone`: `CREATE INDEX CONCURRENTLY` cannot run with other statements. */
export type SchemaCase = {
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
export const schemaCases: Readonly<Record<string, SchemaCase>> = {
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
  'a trigger function with another name': {
    before: tasks + touch,
    migration: 'ALTER FUNCTION touch() RENAME TO touched',
    findings: ['schema.changed tasks', 'schema.changed touch()', 'schema.changed touched()'],
  },
  'a trigger that goes with its function': {
    before: tasks + touch,
    migration: 'DROP FUNCTION touch CASCADE',
    findings: ['schema.changed tasks', 'schema.changed touch()', 'schema.object-dropped tasks.touch'],
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
  'a serial column that becomes an identity': {
    before: 'CREATE TABLE counted (id serial, x int)',
    migration: `ALTER TABLE counted ALTER id DROP DEFAULT; DROP SEQUENCE counted_id_seq;
      ALTER TABLE counted ALTER id ADD GENERATED ALWAYS AS IDENTITY`,
    findings: ['schema.changed counted'],
  },
  'a table that becomes unlogged': {
    before: tasks,
    migration: 'ALTER TABLE tasks SET UNLOGGED',
    findings: ['schema.changed tasks', 'schema.changed tasks (blocking)'],
  },
  'a rule that takes the place of writes': {
    before: tasks,
    migration: 'CREATE RULE quiet AS ON INSERT TO tasks DO INSTEAD NOTHING',
    findings: ['schema.changed tasks', 'schema.changed tasks (blocking)'],
  },
  'a rule by which a view is written to, and one that does more': {
    before: `${tasks} CREATE VIEW open AS SELECT id FROM tasks`,
    migration: `CREATE RULE put AS ON INSERT TO open DO INSTEAD INSERT INTO tasks (id) VALUES (new.id);
      CREATE RULE tell AS ON INSERT TO tasks DO ALSO NOTIFY tasks`,
    findings: ['schema.changed open', 'schema.changed tasks'],
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
