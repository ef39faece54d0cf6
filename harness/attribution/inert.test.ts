import { expect, test } from 'vitest'
import { splitSql } from '../migrations/split.ts'
import { isInert } from './inert.ts'

test.each([
  ["comment on table notes is 'x'; create index on notes (id);", true, true],
  ['begin; analyze; commit;', true, true],
  ['create policy p on notes using (true);', true, false],
  ['create or replace function f() returns int language sql return 1;', true, false],
  ['create table more (id int, same boolean);', true, false],
  ['create table more as select * from notes;', false, false],
  ['alter table notes disable row level security;', false, false],
  ['update notes set body = body;', false, false],
  ['select change_notes();', false, false],
  ['do $$ begin null; end $$;', false, false],
  ['truncate notes;', false, false],
  ['', true, true],
])('%s has no part in a finding about rows: %s, about access: %s', (sql, rows, access) => {
  const { statements } = splitSql(sql)
  expect([isInert({ statements }, 'data.rows-deleted'), isInert({ statements }, 'access.rows-gained')]).toEqual([
    rows,
    access,
  ])
})
