import { describe, expect, test } from 'vitest'
import type { Check } from '../../model/check.ts'
import type { JudgedFinding, Metric } from '../../model/verdict.ts'
import { builtInPlan } from './built-in.ts'
import type { Known, MigrationFacts } from './evidence.ts'
import { decidePlan } from './plan.ts'
import { topicsOf } from './topics.ts'

const migration = (name: string, sql: string, status: MigrationFacts['status'] = 'applied'): MigrationFacts => ({
  name,
  sql,
  status,
})
const check = (id: string, status: Check['status']): Check => ({
  id,
  metric: 'data',
  title: `Check ${id}`,
  status,
  required: true,
  summary: `Said of ${id}.`,
})
const metric = (name: Metric['name'], status: Metric['status']): Metric => ({
  name,
  title: name,
  status,
  summary: 'Summary.',
  checks: [],
  numbers: {},
})
const nothing: Known = { checks: [], metrics: [], findings: [], migrations: [], functions: [] }

function item(known: Partial<Known>, id: string) {
  const found = decidePlan({ ...nothing, ...known }).find((each) => each.id === id)
  return [found?.status, found?.evidence]
}

describe('the built-in plan', () => {
  test('has all 52 checkboxes and the 4 steps of the rollback, each with an id of its own and without markdown', () => {
    expect(builtInPlan).toHaveLength(56)
    expect(new Set(builtInPlan.map(({ id }) => id)).size).toBe(56)
    for (const { text } of builtInPlan) expect(text).not.toMatch(/[*`[\]]/)
  })

  test('ticks nothing when nothing ran, and what a rehearsal cannot know never', () => {
    const items = decidePlan(nothing)
    expect(items.filter(({ status }) => status === 'done' || status === 'failed')).toEqual([])
    for (const { evidence } of items) expect(evidence).toMatch(/[.…]$/)
    const manual = items.filter(({ status }) => status === 'manual').map(({ text }) => text)
    expect(manual).toContain('Deploy application to Vercel')
    expect(manual).toContain('Monitor delivery rates in Resend dashboard')
    expect(manual).toContain('Configure RESEND_API_KEY environment variable in production Supabase')
  })

  test('ticks the backup when every entry and row was restored', () => {
    const done = { checks: [check('restore.entries', 'passed'), check('restore.rows', 'passed')] }
    expect(item(done, '1.1')[0]).toBe('done')
    expect(item({ checks: [check('restore.entries', 'passed')] }, '1.1')[0]).toBe('not run')
  })

  test('follows a suite, and names what failed', () => {
    const compared = [check('dates.instants', 'passed'), check('dates.zones', 'passed')]
    expect(item({ checks: [...compared, check('suite:dates', 'passed')] }, '4.1.5')).toEqual([
      'done',
      'Said of dates.instants. Said of dates.zones. Check suite:dates: Said of suite:dates.',
    ])
    expect(item({ checks: [...compared, check('suite:dates', 'not configured')] }, '4.1.5')[0]).toBe('not run')
    expect(item({ checks: [check('suite:dates', 'passed')] }, '4.1.5')[0]).toBe('not run')
    const harm = {
      kind: 'feature.regressed',
      object: 'dates: a day',
      title: 'A day moved.',
      blocking: true,
    } as JudgedFinding
    expect(item({ checks: [...compared, check('suite:dates', 'failed')], findings: [harm] }, '4.1.5')).toEqual([
      'failed',
      'A day moved.',
    ])
  })

  test('takes a check whose differences were all declared for done', () => {
    const checks = [check('data.orphans', 'passed'), check('data.ledger', 'failed')]
    expect(item({ checks }, '3.2')).toEqual([
      'done',
      'Said of data.orphans. Said of data.ledger. Whatever differs was declared or waived.',
    ])
    const harm = {
      kind: 'data.rows-deleted',
      object: 'public.tasks',
      title: 'Rows are gone.',
      blocking: true,
    } as JudgedFinding
    expect(item({ checks, findings: [harm] }, '3.2')[0]).toBe('failed')
  })

  test('tells what migrations do by their content', () => {
    const index = migration('203_indexes.sql', 'create index if not exists a on public.tasks (event_id);')
    expect(item({ migrations: [index] }, '2.3')).toEqual([
      'done',
      '203_indexes.sql was applied to the copy without an error.',
    ])
    expect(item({ migrations: [{ ...index, status: 'failed' }] }, '2.3')).toEqual([
      'failed',
      '203_indexes.sql failed on the copy.',
    ])
    expect(item({ migrations: [{ ...index, status: 'not run' }] }, '2.3')[0]).toBe('not run')
    expect(item({}, '2.3')[0]).toBe('manual')
  })

  test('leaves a deploy to a person, with what the rehearsal saw, and fails it with the rehearsal', () => {
    const tables = migration('210_create_email_tracking_tables.sql', 'create table a ();')
    expect(item({ migrations: [tables] }, '4.2.1')).toEqual([
      'manual',
      expect.stringContaining(
        'In the rehearsal: 210_create_email_tracking_tables.sql was applied to the copy without an error.',
      ),
    ])
    expect(item({ migrations: [{ ...tables, status: 'failed' }] }, '4.2.1')[0]).toBe('failed')
  })

  test('follows the metrics', () => {
    expect(item({ metrics: [metric('logins', 'met')] }, 'success.1')).toEqual(['done', 'Summary.'])
    expect(item({ metrics: [metric('logins', 'not met')] }, 'success.1')[0]).toBe('failed')
    expect(item({ metrics: [metric('logins', 'unknown')] }, 'success.1')[0]).toBe('not run')
  })
})

describe("a project's own plan", () => {
  const items = [
    { text: 'Tell the customers' },
    { text: 'Policies are in', evidence: ['migration:204_*', 'suite:rls'] },
  ]

  test('extends the built-in one, or replaces it', () => {
    expect(decidePlan(nothing, { items })).toHaveLength(58)
    expect(decidePlan(nothing, { items, replace: true })).toMatchObject([
      { text: 'Tell the customers', status: 'manual' },
      { text: 'Policies are in', status: 'not run' },
    ])
  })

  test('is done when all its evidence passed', () => {
    const known = { ...nothing, migrations: [migration('204_rls.sql', '')], checks: [check('suite:rls', 'passed')] }
    expect(decidePlan(known, { items, replace: true })[1]).toMatchObject({
      status: 'done',
      checks: ['migrations.applied', 'suite:rls'],
    })
  })
})

describe('the topics of a migration', () => {
  test('are found in statements, not in comments', () => {
    expect([
      ...topicsOf('-- create index x\n/* create policy */ alter table a\n  add column if not exists b int;'),
    ]).toEqual(['adds-column'])
    expect([
      ...topicsOf("select cron.schedule('a', '0 6 * * *', 'select 1'); create unique index b on c (d);"),
    ]).toEqual(['creates-index', 'schedules-job'])
    expect([...topicsOf('create temp table t (); alter table a add constraint c check (true);')]).toEqual([])
  })
})
