import { describe, expect, test } from 'vitest'
import { classify } from './classify.ts'

const told = (sql: string) => {
  const statement = classify(sql, false)
  const entry = statement.is === 'part' ? statement.otherwise : statement
  return entry.is === 'entry'
    ? `${statement.is}: ${entry.type} ${entry.schema ?? ''}.${entry.name}`
    : JSON.stringify(entry)
}

test.each([
  ['CREATE SCHEMA IF NOT EXISTS "a";', 'entry: SCHEMA .a'],
  ['CREATE UNLOGGED TABLE "a"."b c" (x int);', 'entry: TABLE a.b c'],
  [
    'CREATE OR REPLACE FUNCTION "a"."f"("x" integer, "y" "public"."t") RETURNS int LANGUAGE sql AS $$ $$;',
    'entry: FUNCTION a.f(x integer, y public.t)',
  ],
  ["CREATE UNIQUE INDEX i ON ONLY a.t USING btree (lower('on'));", 'entry: INDEX a.i'],
  [
    'CREATE CONSTRAINT TRIGGER g AFTER INSERT OR UPDATE OF "on" ON a.t FOR EACH ROW EXECUTE FUNCTION f();',
    'entry: TRIGGER a.t g',
  ],
  ['CREATE POLICY "p ON x" ON a.t FOR SELECT USING (true);', 'entry: POLICY a.t p ON x'],
  ['CREATE RULE r AS ON INSERT TO a.v DO INSTEAD NOTHING;', 'entry: RULE a.v r'],
  ['CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f();', 'entry: EVENT TRIGGER .e'],
  ["CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p;", 'entry: SUBSCRIPTION .s'],
  ['CREATE STATISTICS a.s ON x, y FROM a.t;', 'entry: STATISTICS a.s'],
  ['CREATE USER MAPPING FOR PUBLIC SERVER s;', 'entry: USER MAPPING .USER MAPPING public SERVER s'],
  ['ALTER TABLE ONLY a.t ADD CONSTRAINT c PRIMARY KEY (x);', 'entry: CONSTRAINT a.t c'],
  ['ALTER TABLE ONLY a.t ADD CONSTRAINT c FOREIGN KEY (x) REFERENCES b.u(y);', 'entry: FK CONSTRAINT a.t c'],
  ['ALTER TABLE a.t ADD CONSTRAINT c CHECK (x > 0) NOT VALID;', 'entry: CHECK CONSTRAINT a.t c'],
  ['ALTER TABLE ONLY a.t ALTER COLUMN x SET DEFAULT 1;', 'entry: DEFAULT a.t x'],
  [
    'ALTER TABLE a.t ALTER COLUMN x ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME a.s START WITH 1);',
    'entry: SEQUENCE a.s',
  ],
  ['ALTER TABLE ONLY a.t ATTACH PARTITION b.p DEFAULT;', 'entry: TABLE ATTACH b.p'],
  ['ALTER INDEX a.i ATTACH PARTITION b.j;', 'entry: INDEX ATTACH b.j'],
  ['ALTER TABLE a.t ENABLE ROW LEVEL SECURITY;', 'entry: ROW SECURITY a.t'],
  ['ALTER TABLE ONLY a.t FORCE ROW LEVEL SECURITY;', 'part: TABLE a.t'],
  ['ALTER TABLE a.t OWNER TO "me";', 'part: TABLE a.t'],
  ['ALTER TABLE a.t DISABLE TRIGGER ALL;', '{"is":"skip"}'],
  ['ALTER SEQUENCE a.s OWNED BY a.t.x;', 'entry: SEQUENCE OWNED BY a.s'],
  ['ALTER PUBLICATION p ADD TABLE ONLY a.t;', 'entry: PUBLICATION TABLE a.p t'],
  ['ALTER PUBLICATION p ADD TABLES IN SCHEMA a;', 'entry: PUBLICATION TABLES IN SCHEMA .p a'],
  [
    'ALTER DEFAULT PRIVILEGES FOR ROLE r IN SCHEMA a GRANT SELECT ON TABLES TO x;',
    'entry: DEFAULT ACL a.DEFAULT PRIVILEGES FOR TABLES',
  ],
  ["ALTER DATABASE d SET x TO 'y';", 'entry: DATABASE PROPERTIES .d'],
  ["ALTER ROLE r IN DATABASE d SET x TO 'y';", 'entry: DATABASE PROPERTIES .d'],
  ["ALTER ROLE r SET x TO 'y';", 'entry: ROLE SETTINGS .r'],
  ['ALTER ROLE r WITH NOLOGIN;', 'part: ROLE .r'],
  ['GRANT a TO b WITH INHERIT FALSE GRANTED BY c;', 'entry: ROLE MEMBERSHIP .a TO b'],
  ['GRANT SELECT,INSERT ON TABLE a.t TO x;', 'entry: ACL a.TABLE t'],
  ['GRANT SELECT(x) ON TABLE a.t TO y;', 'entry: ACL a.COLUMN t'],
  ['REVOKE ALL ON FUNCTION a.f(x integer) FROM PUBLIC;', 'entry: ACL a.FUNCTION f(x integer)'],
  ['GRANT USAGE ON SCHEMA a TO x;', 'entry: ACL .SCHEMA a'],
  ["COMMENT ON COLUMN a.t.x IS 'y';", 'entry: COMMENT a.COLUMN t.x'],
  ["COMMENT ON CONSTRAINT c ON DOMAIN a.d IS 'y';", 'entry: COMMENT a.CONSTRAINT c ON d'],
  ['SELECT pg_catalog.setval(\'"a"."s"\', 7, true);', 'entry: SEQUENCE SET a.s'],
  ['REFRESH MATERIALIZED VIEW a.m;', 'entry: MATERIALIZED VIEW DATA a.m'],
  [
    "SELECT * FROM pg_catalog.pg_restore_relation_stats(\n\t'schemaname', 'a',\n\t'relname', 't',\n",
    'entry: STATISTICS DATA .t',
  ],
])('%s', (sql, expected) => {
  expect(told(sql)).toBe(expected)
})

describe('what no dump holds, and would do more than restore, is refused', () => {
  test.each([
    ["COPY t FROM PROGRAM 'rm -rf /';", 'runs a program'],
    ["COPY t TO PROGRAM 'mail';", 'runs a program'],
    ["COPY t FROM '/etc/passwd';", 'a file of the server'],
    ['CREATE FUNCTION f() RETURNS int AS $$ $$ LANGUAGE plpython3u;', 'plpython3u'],
    ["CREATE FUNCTION f() RETURNS int LANGUAGE 'c' AS 'libc', 'system';", 'not trusted (c)'],
    ['CREATE FUNCTION f() RETURNS int AS \'language sql\' LANGUAGE /* sql */ "C";', 'not trusted (C)'],
    ['CREATE OR REPLACE PROCEDURE f() LANGUAGE internal AS $$ $$;', 'internal'],
    ['CREATE EXTENSION plpython3u;', 'plpython3u'],
    ['CREATE TRUSTED PROCEDURAL LANGUAGE plperlu HANDLER h;', 'plperlu'],
    ['DO $$ begin end $$;', 'DO'],
    ['CALL f();', 'CALL'],
    ["ALTER SYSTEM SET archive_command = 'x';", 'ALTER'],
    ["SELECT pg_read_file('/etc/passwd');", 'SELECT'],
    ["SELECT pg_catalog.setval('s', (SELECT pg_catalog.pg_read_file('x'))::int);", 'SELECT'],
    ["SELECT pg_catalog.pg_read_file('x');", 'SELECT'],
    ["LOAD 'x';", 'LOAD'],
    ['INSERT INTO a SELECT 1;', 'INSERT'],
    ['UPDATE pg_catalog.pg_authid SET rolsuper = true;', 'UPDATE'],
    ['VACUUM;', 'VACUUM'],
  ])('%s', (sql, what) => {
    expect(classify(sql, false)).toMatchObject({ is: 'refuse', what: expect.stringContaining(what) })
  })

  test('also where a string would hide it when backslashes escape', () => {
    const sql = "CREATE FUNCTION f(a text DEFAULT '\\' LANGUAGE sql AS ') RETURNS int LANGUAGE c AS 'x';"
    expect(classify(sql, true)).toMatchObject({ is: 'refuse' })
  })

  test.each([
    'CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ select language from plpythonu $$;',
    'CREATE EXTENSION IF NOT EXISTS plpgsql;',
  ])('but not what only looks like it: %s', (sql) => {
    expect(classify(sql, false).is).toBe('entry')
  })
})
