import { expect, test } from 'vitest'
import type { RestoreRun } from '../../model/restore-run.ts'
import { restoreTime } from './restore-time.ts'

const run = (bytes: number): RestoreRun => ({
  dump: { path: 'x', format: 'custom', serverVersion: '17', compression: 'gzip', bytes, sha256: '', database: 'p' },
  serverVersion: '17.10',
  entries: [],
  tables: [],
  extensions: [],
  rolesCreated: [],
  phases: [],
  milliseconds: 2_000,
})
const told = (bytes: number) => restoreTime(run(bytes), { tables: [], hours: 168 }, true)

test('a small backup tells nothing of how long a large one takes', () => {
  const { checks, findings } = told(9_999_999)
  expect(checks[0]?.summary).toContain(
    'in 2.0 s; the backup is too small to tell from how long a large one takes. What',
  )
  expect(checks[0]?.numbers).not.toHaveProperty('secondsFor10GB')
  expect(findings[0]?.evidence[0]).toBe(
    'Restored here in 2.0 s; the backup is too small to tell from how long a large one takes.',
  )
})

test('of one that is large enough, larger ones take longer in proportion', () => {
  const [check] = told(10_000_000).checks
  expect(check?.summary).toContain('in 2.0 s; at this pace 1 GB in about 3 min, 10 GB in about 33 min, 100 GB')
  expect(check?.numbers).toMatchObject({ secondsFor10GB: 2_000 })
})
