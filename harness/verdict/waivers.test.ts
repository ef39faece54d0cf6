import { describe, expect, test } from 'vitest'
import type { Waiver } from '../model/config.ts'
import type { Finding } from '../model/finding.ts'
import { expiredWaiver, isExpired, waiversFor } from './waivers.ts'

const finding: Finding = {
  kind: 'data.values-changed',
  object: 'public.profiles',
  columns: ['email', 'timezone'],
  title: 'Values changed.',
  evidence: [],
}
const waiver: Waiver = {
  kind: 'data.values-changed',
  object: 'public.profiles',
  owner: 'Data team',
  reason: 'known',
  until: '2026-11-22',
}

describe('a waiver', () => {
  test('is valid on its last day, and not on the next', () => {
    expect(isExpired(waiver, '2026-11-22')).toBe(false)
    expect(isExpired(waiver, '2026-11-23')).toBe(true)
    expect(waiversFor(finding, [waiver], '2026-11-22')).toEqual([waiver])
    expect(waiversFor(finding, [waiver], '2026-11-23')).toEqual([])
  })

  test('covers its kind on its object only', () => {
    expect(waiversFor({ ...finding, kind: 'data.column-lost' }, [waiver], '2026-01-01')).toEqual([])
    expect(waiversFor({ ...finding, object: 'public.events' }, [waiver], '2026-01-01')).toEqual([])
  })

  test('of one column does not cover two', () => {
    const one = { ...waiver, object: 'public.profiles(email)' }
    const other = { ...waiver, object: 'public.profiles(timezone)' }
    expect(waiversFor(finding, [one], '2026-01-01')).toEqual([])
    expect(waiversFor(finding, [one, other], '2026-01-01')).toEqual([one, other])
  })

  test('past its date says what it would have covered', () => {
    expect(expiredWaiver(waiver, [finding])).toMatchObject({
      kind: 'waiver.expired',
      title:
        'The waiver of Data team for data.values-changed on public.profiles expired: it was valid until 2026-11-22.',
      evidence: ['Its reason was: known', 'It would have covered 1 finding of this run.'],
    })
    expect(expiredWaiver(waiver, []).fix).toContain('Remove the waiver')
  })
})
