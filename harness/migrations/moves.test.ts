import { describe, expect, it } from 'vitest'
import type { MigrationFile } from '../model/migration-run.ts'
import { readDeclarations } from './expectations.ts'
import { parseMove } from './moves.ts'

describe('a declared move', () => {
  it.each([
    [
      'moves public.profiles(phone) to public.contacts(number) by profile_id because numbers have a table of their own',
      ['public.profiles', 'phone', 'public.contacts', 'number', ['profile_id']],
    ],
    [
      'moves public."Old Table"("A b") to public.t(c) by x, "Y" because it is tidier',
      ['public."Old Table"', 'A b', 'public.t', 'c', ['x', 'Y']],
    ],
  ])('reads %j', (words, [table, column, other, into, by]) =>
    expect(parseMove(words)).toEqual({ from: { table, column }, to: { table: other, column: into }, by }),
  )

  it.each([
    'moves public.profiles(phone) to public.contacts(number) because no key',
    'moves public.profiles to public.contacts by id because no columns',
    'moves public.profiles(phone) to public.contacts(number) by profile_id',
    'moves public.profiles(phone) to public.contacts(number) by profile_id because …',
  ])('refuses %j', (words) => expect(parseMove(words)).toHaveProperty('problem'))

  it('is read from the comments of a migration beside the expectations, and refused with its place', async () => {
    const file = (sql: string): MigrationFile => ({
      name: '301_move.sql',
      path: 'm/301_move.sql',
      version: '301',
      sql,
      sha256: '',
      statements: [],
    })
    const sql = `-- greenlight: expects schema.column-dropped public.p(a) because b
-- greenlight: moves public.p(a) to public.c(a) by p_id because b
select 1;`
    expect(await readDeclarations([file(sql)])).toMatchObject({
      expectations: [{ line: 1 }],
      moves: [{ migration: '301_move.sql', line: 2, by: ['p_id'] }],
    })
    await expect(readDeclarations([file('-- greenlight moves public.p(a)')])).rejects.toMatchObject({
      code: 'migrations.unparsable',
      message: expect.stringContaining('m/301_move.sql:1: it declares a move'),
    })
  })
})
