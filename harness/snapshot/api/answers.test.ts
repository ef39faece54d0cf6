import { describe, expect, test } from 'vitest'
import type { ReadContract } from '../../model/config.ts'
import { type Answer, type Asked, compareAnswers } from './answers.ts'

const read: ReadContract = { name: 'my-events', table: 'public.events' }
const rows = (...rows: unknown[]): Answer => ({ type: 'rows', rows, full: false })
const asked = (before: Answer, after: Answer, own = read): Asked => ({ read: own, who: 'viewer', before, after })
const compare = (before: Answer, after: Answer) => compareAnswers([read], [asked(before, after)])
const id = '00000000-0000-4000-8000-000000000001'

describe('answers compared', () => {
  test.each<[string, Answer, Answer, string]>([
    ['a row that is gone', rows({ id: 1 }, { id: 2 }), rows({ id: 1 }), '1 rows gone'],
    ['a row that is new', rows({ id: 1 }), rows({ id: 1 }, { id: 2 }), '1 rows new'],
    ['another value', rows({ id, title: 'a' }), rows({ id, title: 'b' }), '1 rows with other values'],
    ['a column that is gone', rows({ id, title: 'a' }), rows({ id }), '1 rows with other values'],
    [
      'an embed with a row less',
      rows({ id, m: [{ u: 1 }, { u: 2 }] }),
      rows({ id, m: [{ u: 2 }] }),
      '1 rows with other',
    ],
    ['rows without an id', rows({ n: 1 }, { n: 1 }), rows({ n: 1 }), '1 rows gone'],
    ['one value instead of another', rows(3), rows(4), '1 rows gone, 1 rows new'],
    ['an error', rows({ id: 1 }), { type: 'error', code: '42501' }, 'fails with 42501'],
    ['another error', { type: 'error', code: 'PGRST200' }, { type: 'error', code: 'PGRST201' }, 'instead of PGRST200'],
    ['an answer where there was an error', { type: 'error', code: '42501' }, rows(), 'failed with 42501 before'],
  ])('%s is told', (_, before, after, words) => {
    const { findings, check } = compare(before, after)
    expect(findings).toMatchObject([{ kind: 'feature.answer-changed', object: 'my-events' }])
    expect(findings[0]?.title).toContain(words)
    expect(check).toMatchObject({ status: 'failed', required: true })
  })

  test.each<[string, Answer, Answer]>([
    ['the same rows in another order', rows({ id: 1 }, { id: 2 }), rows({ id: 2 }, { id: 1 })],
    ['the same embed in another order', rows({ id, m: [{ u: 1 }, { u: 2 }] }), rows({ id, m: [{ u: 2 }, { u: 1 }] })],
    ['a column that is new', rows({ id: 1 }), rows({ id: 1, added: null })],
    ['keys in another order', rows({ a: 1, b: 2 }), rows({ b: 2, a: 1 })],
    ['nothing on both sides', rows(), rows()],
  ])('%s is no difference', (_, before, after) => {
    const { findings, check } = compare(before, after)
    expect(findings).toEqual([])
    expect(check).toMatchObject({ id: 'features.reads', status: 'passed' })
  })

  test('names columns and keys that are no values, and no value', () => {
    const before = rows({ id, email: 'a@example.com', title: 'secret' }, { id: 'a@example.com', title: 'x' })
    const { findings } = compare(
      before,
      rows({ id, email: 'b@example.com', title: 'other' }, { id: 'a@example.com', title: 'y' }),
    )
    expect(findings[0]).toMatchObject({ columns: ['email', 'title'] })
    const text = JSON.stringify(findings)
    expect(text).toContain(id)
    expect(text).not.toMatch(/@|secret|other"/)
  })

  test('what could not be compared is not run', () => {
    expect(compareAnswers([read], []).check).toMatchObject({ status: 'not run', required: true })
    const full: Answer = { type: 'rows', rows: [{ id: 1 }], full: true }
    expect(compare(full, full).check).toMatchObject({
      status: 'not run',
      reason: expect.stringContaining('name an order'),
    })
    const ordered = { ...read, order: 'id' }
    expect(compareAnswers([ordered], [asked(full, full, ordered)]).check.status).toBe('passed')
    const error: Answer = { type: 'error', code: '42703' }
    expect(compare(error, error).check).toMatchObject({
      status: 'not run',
      reason: expect.stringContaining('refused to everyone'),
    })
    expect(compareAnswers([], []).check).toMatchObject({ status: 'not configured', required: false })
  })
})
