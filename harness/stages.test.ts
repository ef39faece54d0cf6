import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Check } from './model/check.ts'
import type { Finding } from './model/finding.ts'
import { Stages } from './stages.ts'

const check = (id: string, status: 'not run' | 'passed'): Check =>
  ({ id, status, metric: 'data', title: id, required: true, reason: '' }) as Check
const finding = (object: string): Finding => ({ kind: 'schema.changed', object, title: object, evidence: [] })
const evidence = (object: string) => ({ findings: [finding(object)], checks: [check(object, 'passed')] })

function made(): Stages {
  return new Stages(['first', 'slow', 'quick'], [check('slow', 'not run'), check('quick', 'not run')], {})
}

test('the evidence of lanes stands in their order, whichever was first, and each sees what was there before', async () => {
  const stages = made()
  await stages.look('first', async () => evidence('first'))
  const seen = await stages.together([
    async (lane) => {
      await lane.look('slow', () => wait(20).then(() => evidence('slow')))
      return lane.findings.map(({ object }) => object)
    },
    async (lane) => {
      await lane.look('quick', async () => evidence('quick'))
      return lane.findings.length
    },
  ])
  expect(seen).toEqual([['first', 'slow'], 2])
  expect(stages.findings.map(({ object }) => object)).toEqual(['first', 'slow', 'quick'])
  expect(stages.checks.map(({ id, status }) => [id, status])).toEqual([
    ['slow', 'passed'],
    ['quick', 'passed'],
    ['first', 'passed'],
  ])
  expect(stages.rows.map(({ status }) => status)).toEqual(['done', 'done', 'done'])
})

test('a stage that fails in one lane leaves the other its evidence, and its own check stays not run', async () => {
  const stages = made()
  await stages.together([
    (lane) => lane.look('slow', () => Promise.reject(new Error('no'))),
    (lane) => lane.look('quick', () => wait(5).then(() => evidence('quick'))),
  ])
  expect(stages.rows.map(({ status }) => status)).toEqual(['not run', 'failed', 'done'])
  expect(stages.checks.map(({ status }) => status)).toEqual(['not run', 'passed'])
})

test('what a lane throws is thrown once the others have ended', async () => {
  const stages = made()
  let ended = false
  const together = stages.together([
    () => Promise.reject(new Error('broken')),
    async () => {
      await wait(10)
      ended = true
    },
  ])
  await expect(together).rejects.toThrow('broken')
  expect(ended).toBe(true)
})

test('what a stage throws that the run cannot go on without ends the run, as what was said to', async () => {
  const ended: [string, boolean | undefined][] = []
  const stages = new Stages(['first', 'slow', 'quick'], [], {
    onEnd: ({ name }, failure) => ended.push([name, failure?.endsRun]),
  })
  const fail = (message: string) => () => Promise.reject(new Error(message))
  await expect(stages.need('first', fail('no server'))).rejects.toThrow('no server')
  await expect(stages.run('slow', fail('bad'), () => true)).rejects.toThrow('bad')
  expect(await stages.run('quick', fail('odd'))).toBeUndefined()
  expect(ended).toEqual([
    ['first', true],
    ['slow', true],
    ['quick', false],
  ])
  expect(stages.rows.map(({ status, reason }) => [status, reason])).toEqual([
    ['failed', 'no server'],
    ['failed', 'bad'],
    ['failed', 'odd'],
  ])
})
