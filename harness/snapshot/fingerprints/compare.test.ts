import { expect, test } from 'vitest'
import type { Fingerprint } from '../../model/fingerprint.ts'
import { compareFingerprints } from './compare.ts'

const was: readonly Fingerprint[] = [
  { table: 'public.a', columns: ['id', 'x'], rows: 3, hash: '17' },
  { table: 'public.b', columns: ['id'], rows: 2, hash: '-4' },
]
const titles = (is: readonly Fingerprint[], masked: readonly string[] = []) => {
  const { findings, checks } = compareFingerprints(was, is, new Set(masked))
  expect(checks[0]?.status).toBe(findings.length === 0 ? 'passed' : 'failed')
  expect(new Set(findings.map(({ kind }) => kind)).size).toBe(findings.length === 0 ? 0 : 1)
  return findings.map(({ title }) => title)
}
const [a, b] = was as [Fingerprint, Fingerprint]

test('the same rows are no finding, and neither are tables that only the copy has', () => {
  expect(titles(was)).toEqual([])
  expect(titles([...was, { table: 'realtime.messages_default', columns: [], rows: 0, hash: '0' }])).toEqual([])
})

test('each difference is named', () => {
  expect(compareFingerprints(was, [a], new Set()).findings).toMatchObject([
    { kind: 'restore.differs-from-capture', object: 'public.b' },
  ])
  expect(titles([a])).toEqual(['public.b was captured with 2 rows and is not on the copy.'])
  expect(titles([a, { ...b, rows: 1 }])).toEqual(['public.b has 1 rows on the copy and had 2 when it was captured.'])
  expect(titles([{ ...a, hash: '18' }, b])).toEqual([
    'The 3 rows of public.a are not those that were captured: some value differs.',
  ])
  expect(titles([{ ...a, columns: ['id', 'y'] }, b])).toEqual([
    'public.a has other columns on the copy than when it was captured: x is missing, y is new.',
  ])
})

test('of a masked table the rows are counted, and the summary says so', () => {
  expect(titles([{ ...a, hash: '18' }, b], ['public.a'])).toEqual([])
  expect(titles([{ ...a, hash: '18', rows: 2 }, b], ['public.a'])).toHaveLength(1)
  expect(compareFingerprints(was, was, new Set(['public.a'])).checks[0]?.summary).toMatch(
    /1 masked tables the rows are counted only/,
  )
})
