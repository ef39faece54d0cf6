import { describe, expect, it } from 'vitest'
import type { MigrationFile } from '../model/migration-run.ts'
import type { HistoryEntry } from './history.ts'
import { versionOf } from './order.ts'
import { selectPending } from './pending.ts'
import { splitSql } from './split.ts'

function file(name: string, sql = 'select 1;'): MigrationFile {
  const { statements } = splitSql(sql)
  return { name, path: `migrations/${name}`, version: versionOf(name), sql, sha256: '', statements }
}

function row(version: string, name: string | null = null, statements: readonly string[] | null = null): HistoryEntry {
  return { version, name, statements }
}

const names = (files: readonly MigrationFile[]) => files.map(({ name }) => name)

describe('what is pending', () => {
  it('is every file that the history does not know', () => {
    const { pending, applied, record } = selectPending([file('200_a.sql'), file('201_b.sql')], [row('200')])
    expect([names(pending), names(applied), record]).toEqual([['201_b.sql'], ['200_a.sql'], true])
  })
  it('is every file when production has no history', () => {
    expect(selectPending([file('200_a.sql')], undefined)).toMatchObject({ record: true, findings: [] })
  })
  it('is every file above the baseline when production has no history, and then nothing is recorded', () => {
    const files = [file('209_a.sql'), file('210_b.sql'), file('1000_c.sql')]
    for (const baseline of ['209', '209_a.sql']) {
      const { pending, record } = selectPending(files, undefined, baseline)
      expect([names(pending), record]).toEqual([['210_b.sql', '1000_c.sql'], false])
    }
  })
  it('is not nothing: a rehearsal of nothing is refused', () => {
    expect(() => selectPending([file('200_a.sql')], [row('200')])).toThrow(
      expect.objectContaining({ code: 'migrations.empty' }),
    )
  })
  it('cannot begin after a baseline that is no version', () => {
    expect(() => selectPending([file('200_a.sql')], undefined, 'latest')).toThrow('"latest" is not a version')
  })
})

const findings = (...given: Parameters<typeof selectPending>) =>
  selectPending(...given).findings.map(({ kind, object, severity }) => [kind, object, ...(severity ? [severity] : [])])

describe('two files with one number', () => {
  it('are both pending, with a warning', () => {
    const files = [file('204_a.sql'), file('204_b.sql'), file('205_c.sql')]
    expect(names(selectPending(files, []).pending)).toEqual(names(files))
    expect(findings(files, [])).toEqual([['migration.same-number', '204_b.sql']])
  })
  it('are told apart by name when one of them was applied', () => {
    const { pending } = selectPending([file('204_a.sql'), file('204_b.sql')], [row('204', 'b')])
    expect(names(pending)).toEqual(['204_a.sql'])
  })
  it('are no concern once both were applied', () => {
    const files = [file('204_a.sql'), file('204_b.sql'), file('205_c.sql')]
    expect(findings(files, undefined, '204')).toEqual([])
  })
})

describe('a pending file older than the newest applied one', () => {
  it('is out of order', () => {
    expect(findings([file('199_a.sql'), file('200_b.sql')], [row('200')])).toEqual([
      ['migration.out-of-order', '199_a.sql'],
    ])
  })
  it('is in order when it is newer by number, though not by text', () => {
    expect(findings([file('99_a.sql'), file('100_b.sql')], [row('99')])).toEqual([])
  })
  it('comes out of order in the CLI when text and number disagree', () => {
    expect(findings([file('9_a.sql'), file('10_b.sql')], [])).toEqual([['migration.out-of-order', '10_b.sql']])
    expect(findings([file('09_a.sql'), file('10_b.sql')], [])).toEqual([])
  })
})

describe('an applied file', () => {
  const pending = file('201_b.sql')
  it('that says something else than the history was edited', () => {
    const { findings: found } = selectPending(
      [file('200_a.sql', 'select 1;\nselect 3;'), pending],
      [row('200', 'a', ['select 1', 'select 2'])],
    )
    expect(found).toMatchObject([{ kind: 'migration.edited-after-applied', where: { line: 2 } }])
    expect(found[0]?.evidence).toContain('They differ from statement 2 on.')
  })
  it('that lost its end was edited', () => {
    expect(findings([file('200_a.sql', 'select 1'), pending], [row('200', 'a', ['select 1', 'select 2'])])).toEqual([
      ['migration.edited-after-applied', '200_a.sql'],
    ])
  })
  it.each([
    ['white space and comments', ['select\n 1', '-- gone\n SELECT 2;']],
    ['being recorded as one text', ['select 1; select 2;']],
    ['not being recorded', null],
  ])('was not edited by %s', (_, statements) => {
    expect(findings([file('200_a.sql', 'select 1;\nselect 2;'), pending], [row('200', 'a', statements)])).toEqual([])
  })
  it('was edited when only a string changed its white space', () => {
    expect(findings([file('200_a.sql', "select 'a b'"), pending], [row('200', 'a', ["select 'a  b'"])])).toHaveLength(1)
  })
})

describe('a version of production without a file', () => {
  it('is a warning', () => {
    expect(findings([file('199_a.sql'), file('201_b.sql')], [row('199'), row('200')])).toEqual([
      ['migration.missing-file', 'supabase_migrations.schema_migrations'],
    ])
  })
  it('is only said when the folder begins later', () => {
    expect(findings([file('201_b.sql')], [row('199'), row('200')])).toEqual([
      ['migration.missing-file', 'supabase_migrations.schema_migrations', 'info'],
    ])
  })
})
