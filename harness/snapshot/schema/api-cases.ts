/** One migration and what of the API's offer it takes away. `$` stands for the names' own beginning in each case. */
export type ApiCase = { readonly before: string; readonly migration: string; readonly findings: readonly string[] }

const tasks = 'CREATE TABLE $tasks (id int PRIMARY KEY, title text, days int);'
const embed = `CREATE TABLE $people (id int PRIMARY KEY); CREATE TABLE $pets (id int PRIMARY KEY, owner int REFERENCES $people, vet int);`
const two = (result: string, args = 'a int') =>
  `CREATE FUNCTION $f(${args}) RETURNS ${result} LANGUAGE plpgsql AS 'begin return; end'`
const one = (args: string) => `CREATE FUNCTION $f(${args}) RETURNS int LANGUAGE sql RETURN 1`

export const apiCases = {
  'an argument added with a default': {
    before: one('a int'),
    migration: `DROP FUNCTION $f; ${one('a int, b int DEFAULT 2')}`,
    findings: [],
  },
  'an argument added without one': {
    before: one('a int'),
    migration: `DROP FUNCTION $f; ${one('a int, b int')}`,
    findings: ['removed $f'],
  },
  'an overload that takes the same call': {
    before: one('a int'),
    migration: one('a int, b int DEFAULT 2'),
    findings: ['removed $f'],
  },
  'an overload of another type by the same name': {
    before: one('a int'),
    migration: one('a text'),
    findings: ['removed $f'],
  },
  'an overload with another argument': { before: one('a int'), migration: one('b text'), findings: [] },
  'an argument that takes less': {
    before: one('a text'),
    migration: `DROP FUNCTION $f; ${one('a uuid')}`,
    findings: ['removed $f'],
  },
  'an argument that takes more': {
    before: one('a int'),
    migration: `DROP FUNCTION $f; ${one('a bigint')}`,
    findings: [],
  },
  'an argument that takes any JSON': {
    before: one('a text'),
    migration: `DROP FUNCTION $f; ${one('a jsonb')}`,
    findings: [],
  },
  'a table that becomes one JSON value': {
    before: two('TABLE (valid boolean)'),
    migration: "DROP FUNCTION $f; CREATE FUNCTION $f(a int) RETURNS jsonb LANGUAGE sql AS $x$ SELECT '{}'::jsonb $x$",
    findings: ['removed $f'],
  },
  'a number that becomes a text': {
    before: one('a int'),
    migration: "DROP FUNCTION $f; CREATE FUNCTION $f(a int) RETURNS text LANGUAGE sql RETURN ''",
    findings: ['removed $f'],
  },
  'an integer that becomes a bigger one, and nothing that becomes something': {
    before: `${one('a int')}; CREATE FUNCTION $g() RETURNS void LANGUAGE sql AS ''`,
    migration: `DROP FUNCTION $f; CREATE FUNCTION $f(a int) RETURNS numeric LANGUAGE sql RETURN 1;
      DROP FUNCTION $g; CREATE FUNCTION $g() RETURNS int LANGUAGE sql RETURN 1`,
    findings: [],
  },
  'a table result with a column less, and one with a column more': {
    before: `${two('TABLE (x int, y int)')}; CREATE FUNCTION $g() RETURNS TABLE (x int) LANGUAGE sql AS 'select 1'`,
    migration: `DROP FUNCTION $f; ${two('TABLE (x int)')}; DROP FUNCTION $g; CREATE FUNCTION $g() RETURNS TABLE (x int, y int) LANGUAGE sql AS 'select 1, 2'`,
    findings: ['removed $f'],
  },
  'a function that anon may not call any more': {
    before: one('a int'),
    migration: 'REVOKE EXECUTE ON FUNCTION $f FROM PUBLIC, anon; GRANT EXECUTE ON FUNCTION $f TO authenticated',
    findings: ['removed $f'],
  },
  'a value of an enum that is renamed': {
    before: "CREATE TYPE $mood AS ENUM ('good', 'bad'); CREATE TABLE $days (id int, mood $mood, moods $mood[])",
    migration: "ALTER TYPE $mood RENAME VALUE 'bad' TO 'poor'",
    findings: ['removed $mood'],
  },
  'a value that is added, and one of an enum that nobody is offered': {
    before:
      "CREATE TYPE $mood AS ENUM ('good'); CREATE TABLE $days (id int, mood $mood); CREATE TYPE $idle AS ENUM ('a')",
    migration: "ALTER TYPE $mood ADD VALUE 'fine'; ALTER TYPE $idle RENAME VALUE 'a' TO 'b'",
    findings: [],
  },
  'a column that a revoked grant hides': {
    before: tasks,
    migration: 'REVOKE SELECT ON $tasks FROM anon; GRANT SELECT (id, title) ON $tasks TO anon',
    findings: ['removed $tasks(days)'],
  },
  'a grant that is made anew': {
    before: tasks,
    migration: 'REVOKE SELECT ON $tasks FROM anon; GRANT SELECT (id, title, days) ON $tasks TO anon',
    findings: [],
  },
  'a table that moves out of public': {
    before: tasks,
    migration: 'ALTER TABLE $tasks SET SCHEMA private',
    findings: ['removed $tasks'],
  },
  'a table that the service may not read any more': {
    before: tasks,
    migration: 'REVOKE SELECT ON $tasks FROM service_role',
    findings: ['removed $tasks'],
  },
  'a view with fewer columns': {
    before: `${tasks} CREATE VIEW $open AS SELECT id, title FROM $tasks`,
    migration:
      'DROP VIEW $open; CREATE VIEW $open AS SELECT id FROM $tasks; GRANT SELECT ON $open TO anon, authenticated, service_role',
    findings: ['removed $open(title)'],
  },
  'a view with another body': {
    before: `${tasks} CREATE VIEW $open AS SELECT id, title FROM $tasks`,
    migration: 'CREATE OR REPLACE VIEW $open AS SELECT id, title FROM $tasks WHERE days > 3',
    findings: [],
  },
  'a column that takes less': {
    before: tasks,
    migration: 'ALTER TABLE $tasks ALTER days TYPE smallint, ALTER title TYPE varchar(20)',
    findings: ['removed $tasks(days)', 'removed $tasks(title)'],
  },
  'a column that takes more': {
    before: `${tasks} ALTER TABLE $tasks ADD code varchar(9), ADD at timestamp, ADD n numeric(5, 2)`,
    migration:
      "ALTER TABLE $tasks ALTER days TYPE bigint, ALTER code TYPE text, ALTER at TYPE timestamptz USING at AT TIME ZONE 'UTC', ALTER n TYPE numeric(9, 3)",
    findings: [],
  },
  'a number that is told as a text, and a text as a list': {
    before: tasks,
    migration: 'ALTER TABLE $tasks ALTER days TYPE text, ALTER title TYPE text[] USING ARRAY[title]',
    findings: ['removed $tasks(days)', 'removed $tasks(title)'],
  },
  'a domain that stands for the same': {
    before: tasks,
    migration: 'CREATE DOMAIN $name AS text; ALTER TABLE $tasks ALTER title TYPE $name',
    findings: [],
  },
  'a new column that an insert must name': {
    before: tasks,
    migration: 'ALTER TABLE $tasks ADD owner uuid NOT NULL',
    findings: ['added $tasks(owner)', 'removed $tasks(owner)'],
  },
  'a column that must have a value now, and one that lost its default': {
    before: `${tasks} ALTER TABLE $tasks ADD done boolean NOT NULL DEFAULT false`,
    migration: 'ALTER TABLE $tasks ALTER title SET NOT NULL, ALTER done DROP DEFAULT',
    findings: ['removed $tasks(title, done)'],
  },
  'a column that must have a value and has a default, an identity or a trigger': {
    before: `${tasks} CREATE FUNCTION $fill() RETURNS trigger LANGUAGE plpgsql AS 'begin new."days" := 1; return new; end';
      CREATE TRIGGER fill BEFORE INSERT ON $tasks FOR EACH ROW EXECUTE FUNCTION $fill()`,
    migration:
      "ALTER TABLE $tasks ALTER title SET DEFAULT 'x', ALTER title SET NOT NULL, ALTER days SET NOT NULL; ALTER TABLE $tasks ALTER id ADD GENERATED BY DEFAULT AS IDENTITY",
    findings: [],
  },
  'a key and a column that the database makes itself from now on': {
    before: tasks,
    migration:
      'ALTER TABLE $tasks ALTER id ADD GENERATED ALWAYS AS IDENTITY; ALTER TABLE $tasks DROP days; ALTER TABLE $tasks ADD days int GENERATED ALWAYS AS (length(title)) STORED',
    findings: ['removed $tasks(id, days)'],
  },
  'a key that the database makes only where none is given, and a made column that nobody could name': {
    before: `${tasks} ALTER TABLE $tasks ALTER id ADD GENERATED ALWAYS AS IDENTITY, ADD size int;
      REVOKE INSERT, UPDATE ON $tasks FROM anon, authenticated, service_role; GRANT INSERT (id, title) ON $tasks TO authenticated`,
    migration:
      'ALTER TABLE $tasks ALTER id SET GENERATED BY DEFAULT; ALTER TABLE $tasks DROP size; ALTER TABLE $tasks ADD size int GENERATED ALWAYS AS (length(title)) STORED',
    findings: [],
  },
  'a column that must have a value where nobody may insert': {
    before: `${tasks} REVOKE INSERT ON $tasks FROM anon, authenticated, service_role`,
    migration: 'ALTER TABLE $tasks ALTER title SET NOT NULL',
    findings: [],
  },
  'a default that is another': {
    before: tasks,
    migration: 'ALTER TABLE $tasks ALTER days SET DEFAULT 7',
    findings: [],
  },
  'a foreign key that carried an embed is dropped': {
    before: embed,
    migration: 'ALTER TABLE $pets DROP CONSTRAINT $pets_owner_fkey',
    findings: ['removed $pets'],
  },
  'a second foreign key makes the embed ambiguous': {
    before: embed,
    migration: 'ALTER TABLE $pets ADD FOREIGN KEY (vet) REFERENCES $people',
    findings: ['removed $pets'],
  },
  'a table between the two makes it ambiguous, too': {
    before: embed,
    migration:
      'CREATE TABLE $visits (pet int REFERENCES $pets, person int REFERENCES $people, PRIMARY KEY (pet, person))',
    findings: ['added $visits', 'removed $pets'],
  },
  'a foreign key that is made anew under another name': {
    before: embed,
    migration:
      'ALTER TABLE $pets DROP CONSTRAINT $pets_owner_fkey, ADD CONSTRAINT $theirs FOREIGN KEY (owner) REFERENCES $people ON DELETE CASCADE',
    findings: [],
  },
  'a foreign key to another table': {
    before: embed,
    migration: 'CREATE TABLE $vets (id int PRIMARY KEY); ALTER TABLE $pets ADD FOREIGN KEY (vet) REFERENCES $vets',
    findings: ['added $vets'],
  },
  'one of two foreign keys is dropped': {
    before: `${embed} ALTER TABLE $pets ADD CONSTRAINT $v FOREIGN KEY (vet) REFERENCES $people`,
    migration: 'ALTER TABLE $pets DROP CONSTRAINT $v',
    findings: ['removed $pets'],
  },
  'the column of the embed goes, which is told once': {
    before: embed,
    migration: 'ALTER TABLE $pets DROP COLUMN owner',
    findings: ['removed $pets(owner)'],
  },
  'odd names': {
    before: `CREATE TABLE "$Odd ""one" ("a b" int PRIMARY KEY, "c""d" text)`,
    migration: `ALTER TABLE "$Odd ""one" ALTER "c""d" SET NOT NULL`,
    findings: ['removed "$Odd ""one"(c"d)'],
  },
} satisfies Readonly<Record<string, ApiCase>>
