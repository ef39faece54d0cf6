import { expect, test } from 'vitest'
import type { SidedAttempt } from './control.ts'
import { egressEvidence } from './egress.ts'

const attempt = (side: 'before' | 'after', name: string, host: string, where?: string): SidedAttempt => ({
  side,
  function: name,
  host,
  detail: '',
  ...(where === undefined ? {} : { where }),
})

test('an attempt blocks with function, host, line and the sides that it was seen on', () => {
  const { findings, checks } = egressEvidence(
    [
      attempt('after', 'greet', 'hooks.example.com', 'greet/index.ts:12'),
      attempt('before', 'greet', 'hooks.example.com', 'greet/index.ts:12'),
      attempt('after', 'database: trigger orders on public.orders', 'hooks.example.com'),
      attempt('after', 'database: function tell', 'hooks.example.com', 'tell() line 3'),
    ],
    2,
  )
  expect(findings.map(({ title, evidence, where }) => [title, evidence, where])).toEqual([
    [
      'In the database, function tell tried to reach hooks.example.com (tell() line 3); it was not let through',
      ['seen on after, 1 time', 'in tell() line 3'],
      undefined,
    ],
    [
      'In the database, trigger orders on public.orders tried to reach hooks.example.com; it was not let through',
      ['seen on after, 1 time'],
      undefined,
    ],
    [
      'The function greet tried to reach hooks.example.com (greet/index.ts:12); it was not let through',
      ['seen on before and after, 2 times', 'in greet/index.ts:12'],
      { file: 'greet/index.ts', line: 12 },
    ],
  ])
  expect(checks).toMatchObject([{ status: 'failed', numbers: { attempts: 4 } }])
})

test('no attempt passes', () => {
  expect(egressEvidence([], 2)).toMatchObject({ findings: [], checks: [{ status: 'passed', required: true }] })
})
