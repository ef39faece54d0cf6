import { describe, expect, test } from 'vitest'
import type { StoredTable } from '../storage/take.ts'
import { judgeIndexUse, newIndexes } from './index-use.ts'
import type { Measured } from './judge.ts'

const names = ['by_user', 'by_user_and_time', 'key'] as const

function table(indexes: readonly (typeof names)[number][], bytes = 1_000_000): StoredTable {
  return {
    oid: 1,
    object: 'public.logs',
    sql: '"public"."logs"',
    schema: 'public',
    rows: 6_000,
    bytes,
    toastBytes: 0,
    indexes: indexes.map((name) => ({
      oid: 10 + names.indexOf(name),
      name,
      definition: name,
      bytes: 8_192,
      enforces: name === 'key',
      servesReference: false,
    })),
  }
}

function read(before: readonly string[], after: readonly string[]): Measured {
  const run = (indexes: readonly string[]) => ({
    state: 'done' as const,
    blocks: 4,
    rows: 1,
    milliseconds: 1,
    wholeReads: indexes.length === 0 ? ['logs'] : [],
    indexes,
  })
  return {
    relation: 'public.logs',
    shape: `.eq('user_id', …)`,
    by: 'owner',
    before: run(before),
    after: run(after),
    times: [],
  }
}

const told = (...judged: Parameters<typeof judgeIndexUse>) => judgeIndexUse(...judged).map(({ kind }) => kind)

describe('what became of the indexes that reads used', () => {
  const stays = { before: [table(['by_user'])], after: [table(['by_user', 'by_user_and_time'])] }

  test('one that stays, and that nothing uses any more, is told with what took its place', () => {
    const [finding] = judgeIndexUse(stays, [read(['by_user'], ['by_user_and_time'])])
    expect(finding).toMatchObject({ kind: 'index.abandoned', object: 'public.logs' })
    expect(finding?.evidence).toContain('used instead: by_user_and_time')
    expect(finding?.fix).toContain('drop index concurrently "public"."by_user";')
  })

  test('is not told where another read uses it, a function does, or the table is small', () => {
    const moved = read(['by_user'], ['by_user_and_time'])
    expect(told(stays, [moved, read([], ['by_user'])])).toEqual([])
    expect(told(stays, [moved], new Set([10]))).toEqual([])
    expect(told({ ...stays, after: [table(['by_user', 'by_user_and_time'], 8_192)] }, [moved])).toEqual([])
  })

  test('one that is gone is told where its reads have no index left', () => {
    const gone = { before: [table(['by_user'])], after: [table(['by_user_and_time'])] }
    expect(told(gone, [read(['by_user'], [])])).toEqual(['index.dropped'])
    expect(told(gone, [read(['by_user'], ['by_user_and_time'])])).toEqual([])
    expect(told(gone, [read([], [])])).toEqual([])
  })

  test('a new one is looked at when no read has it in its plan, and it keeps no rule', () => {
    const added = { before: [table([])], after: [table(['by_user', 'key'])] }
    const looked = (...reads: Measured[]) => newIndexes(added, reads).map(({ index }) => index.name)
    expect(looked(read([], []))).toEqual(['by_user'])
    expect(looked(read([], ['by_user']))).toEqual([])
    expect(newIndexes(added, [read([], [])], new Set([10]))).toEqual([])
    expect(told(added, [read([], [])], new Set(), new Set([10]))).toEqual(['index.unused'])
  })
})
