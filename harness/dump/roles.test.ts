import { expect, test } from 'vitest'
import type { TocEntry } from './dump.ts'
import { namedRoles } from './roles.ts'

const entry = (type: string, definition: string, owner = ''): TocEntry => ({
  id: 1,
  type,
  name: 'x',
  section: 'none',
  owner,
  definition,
  dropStatement: '',
  copyStatement: '',
  dependencies: [],
})

test.each([
  ['an owner', entry('TABLE', '', 'App Owner'), ['App Owner']],
  ['a grantee', entry('ACL', 'GRANT SELECT(a),INSERT(b) ON TABLE public.t TO reader WITH GRANT OPTION;\n'), ['reader']],
  ['a quoted one', entry('ACL', 'REVOKE ALL ON FUNCTION public.f("to" text) FROM "A ""b"" to";\n'), ['A "b" to']],
  ['everyone, who is none', entry('ACL', 'REVOKE ALL ON SCHEMA public FROM PUBLIC;\n'), []],
  ['one called "public"', entry('ACL', 'GRANT ALL ON SCHEMA public TO "public";\n'), ['public']],
  [
    'a grantor',
    entry('ACL', 'SET SESSION AUTHORIZATION giver;\nGRANT ALL ON TABLE t TO taker;\nRESET SESSION AUTHORIZATION;\n'),
    ['giver', 'taker'],
  ],
  ['a grantor by clause', entry('ACL', 'GRANT ALL ON TABLE t TO taker GRANTED BY giver;\n'), ['giver', 'taker']],
  [
    'both of default privileges',
    entry('DEFAULT ACL', 'ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA s GRANT ALL ON TABLES TO taker;\n'),
    ['maker', 'taker'],
  ],
  [
    'those of a policy',
    entry('POLICY', `CREATE POLICY "to x" ON public.t AS RESTRICTIVE FOR SELECT TO a, "B" USING ((name <> 'to c'));\n`),
    ['B', 'a'],
  ],
  [
    'none of a policy for everyone',
    entry('POLICY', 'CREATE POLICY p ON public.t USING ((kind = cast_to(kind) AND "to" = b));\n'),
    [],
  ],
  ["Postgres' own", entry('ACL', 'GRANT ALL ON TABLE t TO pg_monitor;\n', 'pg_database_owner'), []],
])('names %s', (_, named, roles) => {
  expect(namedRoles([named])).toEqual(roles)
})
