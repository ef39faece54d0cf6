import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { doctorText, isHealthy, nodeSymptom, type Symptom, sayOffers } from './doctor.ts'

const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
const symptom = (state: Symptom['state'], weight: Symptom['weight']): Symptom => ({
  what: `${weight} that is ${state}`,
  state,
  weight,
  detail: 'why',
})

test.each([
  ['22.21.9', 'missing'],
  ['22.22.0', 'fine'],
  ['24.0.1', 'fine'],
  ['20.30.0', 'missing'],
])('Node %s is %s', (version, state) => {
  expect(nodeSymptom(version).state).toBe(state)
})

test('a part that is missing is told, a need that is missing is no health', () => {
  const parts = [symptom('fine', 'need'), symptom('missing', 'part')]
  expect(isHealthy(parts)).toBe(true)
  expect(doctorText(parts)).toMatch(/✓ need that is fine +why\n +– part that is missing +why\n\n +This machine can/)
  const needs = [symptom('missing', 'need'), symptom('fine', 'part')]
  expect(isHealthy(needs)).toBe(false)
  expect(doctorText(needs)).toMatch(
    /✗ need that is missing +why\n.*\n\n +No run can start here: need that is missing\./,
  )
})

test('what an engine cannot do is named with what that means', () => {
  expect(sayOffers(['superuser', 'template-clones', 'extension-files', 'statement-statistics'])).toEqual([
    'has superuser, template-clones, extension-files, statement-statistics',
    expect.stringMatching(/^lacks settings: the server runs with settings of our own/),
  ])
})

test('this machine can rehearse; a container engine that does not answer is told, with what to do', async () => {
  const { exitCode, stdout } = await execa(process.execPath, [cli, 'doctor'], {
    env: { DOCKER_HOST: 'tcp://127.0.0.1:9' },
  })
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/✓ engine embedded +PostgreSQL 17\.\d+; has /)
  expect(stdout).toMatch(/✓ Data API \(PostgREST\)/)
  expect(stdout).toMatch(/– engine container +No container engine answers .*DOCKER_HOST/)
  expect(stdout).toMatch(/✓ engine url .*lacks extension-files/)
})
