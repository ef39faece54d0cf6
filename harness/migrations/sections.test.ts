import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readMigrations } from './discover.ts'
import { readRollback } from './rollback.ts'
import { readSections } from './sections.ts'

describe('a migration that goes both ways', () => {
  it.each([
    ['dbmate', '-- migrate:up\ncreate table a ();\n\n-- migrate:down\ndrop table a;\n'],
    ['node-pg-migrate', '-- Up Migration\ncreate table a ();\n\n-- Down Migration\ndrop table a;\n'],
    ['goose', '-- +goose Up\ncreate table a ();\n\n-- +goose Down\ndrop table a;\n'],
    ['one that goes down first', '-- migrate:down\ndrop table a;\n\n-- migrate:up\ncreate table a ();\n'],
  ])('is cut in two: %s', (_, sql) => {
    const sections = readSections(sql)
    if (!sections || 'problem' in sections) throw new Error('Not read.')
    expect(sections.up.split('\n').indexOf('create table a ();')).toBe(sql.split('\n').indexOf('create table a ();'))
    expect(sections.up).not.toContain('drop')
    expect(sections.down).toContain('drop table a;')
    expect(sections.down).not.toContain('create')
  })

  it.each([
    "select '-- migrate:down';",
    '-- what comes up in the migration\nselect 1;',
    '-- Upgrade the database\nselect 1;',
    'create function f() returns text language sql as $$ -- migrate:up\nselect 1 $$;',
  ])('is not %j', (sql) => expect(readSections(sql)).toBeUndefined())

  it.each([
    ['-- migrate:up\nselect 1;\n-- migrate:up\nselect 2;', 'marked a second time'],
    ['-- migrate:down\nselect 1;', 'no way up'],
    ['select 1;\n-- migrate:up\nselect 2;', 'neither part'],
  ])('is refused: %j', (sql, message) =>
    expect(readSections(sql)).toMatchObject({ problem: { message: expect.stringContaining(message) } }),
  )

  it('gives its way up to the migrations, and its way down to the rollback, unless the folder has a script', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'greenlight-sections-'))
    const scripts = await mkdtemp(join(tmpdir(), 'greenlight-scripts-'))
    try {
      const both = (name: string) =>
        `-- migrate:up transaction:false\ncreate table ${name} ();\n-- migrate:down\ndrop table ${name};`
      await writeFile(join(directory, '301_a.sql'), both('a'))
      await writeFile(join(directory, '302_b.sql'), both('b'))
      await writeFile(join(directory, '303_c.sql'), '-- migrate:up\ncreate table c ();\n-- migrate:down\n')
      await writeFile(join(scripts, '302_b.sql'), 'drop table public.b')
      const { files } = await readMigrations(directory)
      expect(
        files.map(({ statements }) => statements.map(({ sql, standalone }) => [sql.split('\n').at(-1), standalone])),
      ).toEqual([[['create table a ()', true]], [['create table b ()', true]], [['create table c ()', false]]])
      const own = await readRollback(undefined, files)
      expect(own?.scripts.map(({ name, statements }) => [name, statements[0]?.line])).toEqual([
        ['301_a.sql', 3],
        ['302_b.sql', 3],
      ])
      const mixed = await readRollback(scripts, files)
      expect(mixed.scripts.map(({ name, sql }) => [name, sql.trim().split('\n').at(-1)])).toEqual([
        ['302_b.sql', 'drop table public.b'],
        ['301_a.sql', 'drop table a;'],
      ])
      expect(
        await readRollback(
          undefined,
          files.filter(({ down }) => !down),
        ),
      ).toBeUndefined()
    } finally {
      await rm(directory, { recursive: true })
      await rm(scripts, { recursive: true })
    }
  })
})
