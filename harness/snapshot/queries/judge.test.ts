import { describe, expect, test } from 'vitest'
import { costlier, judge, type Measured, slower } from './judge.ts'
import { median, onEqualCores, ratioInterval } from './statistics.ts'

describe('what counts as worse', () => {
  const run = (blocks: number, rows = 10, milliseconds = 1) => ({ state: 'done', blocks, rows, milliseconds }) as const
  const query = (part: Partial<Measured>): Measured => ({
    relation: 'public.tasks',
    shape: `.eq('id', …)`,
    by: 'viewer',
    before: run(100),
    after: run(100),
    times: [],
    ...part,
  })
  const times = (before: readonly number[], ratio: number) => before.map((ms) => ({ before: ms, after: ms * ratio }))

  test('more blocks count from a fifth and a hundred on', () => {
    expect(costlier(query({ before: run(1_000), after: run(1_201) }))).toMatchObject({ moreRows: false })
    expect(costlier(query({ before: run(1_000), after: run(1_199) }))).toBeUndefined()
    expect(costlier(query({ before: run(10), after: run(110) }))).toBeUndefined()
  })

  test('more rows for more blocks are no loss; more blocks for each row are a warning', () => {
    expect(costlier(query({ before: run(300, 10), after: run(3_000, 100) }))).toBeUndefined()
    const { findings } = judge([query({ before: run(300, 10), after: run(30_000, 100) })], 1)
    expect(findings).toMatchObject([{ kind: 'query.costlier', severity: 'warning' }])
  })

  test('times count only when the whole interval lies above 1.2 and the medians differ by a millisecond', () => {
    const steady = [10, 10.2, 9.9, 10.1, 10]
    expect(slower(query({ times: times(steady, 1.5) }), 1)).toBe(true)
    expect(slower(query({ times: times(steady, 1.1) }), 1)).toBe(false)
    expect(slower(query({ times: times([0.1, 0.1, 0.1, 0.1, 0.1], 3) }), 1)).toBe(false)
    const noisy = [5, 30, 8, 12, 25].map((before, index) => ({ before, after: [20, 9, 31, 10, 14][index] ?? 0 }))
    expect(slower(query({ times: noisy }), 1)).toBe(false)
    const disturbed = [10, 10, 10, 10, 10].map((before, index) => ({ before, after: index === 2 ? 10 : 20 }))
    expect(slower(query({ times: [...disturbed, ...times(steady, 2)] }), 1)).toBe(false)
  })

  test('a slower read that rewriting heals is a warning, unless it is felt or another stays slow', () => {
    const before = [10, 10, 10, 10, 10]
    const anew = (ratio: number) => ({ before: run(100), after: run(100), times: times(before, ratio) })
    const healed = query({ times: times(before, 2), rewritten: anew(1) })
    const severity = (...all: Measured[]) => judge(all, 1).findings.map((finding) => finding.severity)
    expect(severity(healed)).toEqual(['warning'])
    expect(severity(query({ times: times(before, 2), rewritten: anew(1.9) }))).toEqual([undefined])
    expect(severity(query({ times: times(before, 7), rewritten: anew(1) }))).toEqual([undefined])
    expect(severity(query({ times: times(before, 2), rewritten: { ...anew(1), times: [] } }))).toEqual([undefined])
    expect(severity(healed, query({ times: times(before, 2) }))).toEqual([undefined])
  })

  test('more blocks that rewriting heals are a warning, unless they are many or another read stays costlier', () => {
    const severity = (...all: Measured[]) => judge(all, 1).findings.map((finding) => finding.severity)
    const grown = (after: number, anew: number) =>
      query({ before: run(1_000), after: run(after), rewritten: { before: run(1_000), after: run(anew) } })
    expect(severity(grown(2_000, 1_010))).toEqual(['warning'])
    expect(severity(grown(2_000, 1_300))).toEqual([undefined])
    expect(severity(grown(12_000, 1_010))).toEqual([undefined])
    expect(severity(grown(2_000, 1_010), grown(2_000, 2_000))).toEqual([undefined])
    const timedOut = { before: run(1_000), after: { state: 'failed', sqlstate: '57014' } as const }
    expect(severity({ ...grown(2_000, 1_010), rewritten: timedOut })).toEqual([undefined])
  })

  test('a new read of a whole table is a warning below what blocks, unless it costs nothing', () => {
    const scan = (blocks: number) => ({ ...run(blocks), wholeReads: ['tasks'], indexes: [] })
    const lookup = { ...run(4), wholeReads: [], indexes: ['tasks_pkey'] }
    expect(judge([query({ before: lookup, after: scan(90) })], 1).findings).toMatchObject([
      { kind: 'query.costlier', severity: 'warning', evidence: expect.arrayContaining(['tasks is read whole now']) },
    ])
    expect(judge([query({ before: lookup, after: scan(9) })], 1).findings).toEqual([])
    expect(judge([query({ before: scan(4), after: scan(90) })], 1).findings).toEqual([])
  })

  test('a read that runs out of time is slower', () => {
    const { findings } = judge([query({ after: { state: 'failed', sqlstate: '57014' } }), query({})], 1)
    expect(findings).toMatchObject([{ kind: 'query.slower', object: 'public.tasks' }])
  })

  test('nothing measured is not run', () => {
    expect(judge([], 1).checks).toMatchObject([{ status: 'not run' }])
  })

  test('a slower core is allowed for by what the same work takes on it', () => {
    const same = [
      { before: 3, after: 4.5 },
      { before: 3.1, after: 4.6 },
      { before: 2.9, after: 90 },
    ]
    const [equal, worse] = onEqualCores(
      [
        { before: 24, after: 36.8 },
        { before: 24, after: 73.6 },
      ],
      same,
    )
    expect(equal).toEqual({ before: 24, after: 24 })
    expect(worse).toEqual({ before: 24, after: 48 })
    expect(onEqualCores([{ before: 1, after: 2 }], [])).toEqual([{ before: 1, after: 2 }])
  })

  test('the interval holds the ratio, and is the same for the same seed', () => {
    const pairs = times([10, 11, 9, 10, 12, 10], 1.3)
    const interval = ratioInterval(pairs, 7)
    expect(interval).toEqual(ratioInterval(pairs, 7))
    expect(interval.low).toBeLessThanOrEqual(1.31)
    expect(interval.high).toBeGreaterThanOrEqual(1.29)
    expect(median([3, 1, 2, 10])).toBe(2.5)
  })
})
