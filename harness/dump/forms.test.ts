import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runGreenlight } from '../cli/run-greenlight.ts'

/** What a run says of one dump in two forms, by whole runs of the command. */
const forms = { archive: 'fixtures/dumps/forms/archive.dump', plain: 'fixtures/dumps/forms/plain.sql.gz' }
type Report = {
  readonly verdict: string
  readonly reason: string
  readonly findings: readonly { readonly kind: string; readonly object: string; readonly blocking: boolean }[]
  readonly metrics: readonly {
    readonly name: string
    readonly status: string
    readonly checks: readonly { readonly id: string; readonly status: string }[]
  }[]
  readonly plan: readonly { readonly id: string; readonly status: string }[]
}

let folder = ''
const reports = new Map<keyof typeof forms, { readonly exitCode: number | undefined; readonly report: Report }>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-forms-'))
  for (const name of ['archive', 'plain'] as const) {
    const out = join(folder, name)
    const { exitCode } = await runGreenlight([
      ...['--dump', forms[name], '--migrations', 'fixtures/dumps/forms/migrations', '--out', out, '--seed', '7'],
    ])
    reports.set(name, { exitCode, report: JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) })
  }
}, 600_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Without how long the restore took, which is never twice the same. */
function untimed(part: unknown): unknown {
  return JSON.parse(JSON.stringify(part).replaceAll(/"Restored here in [^"]*"/g, '"Restored here"'))
}

/** How each metric, each of its checks and each box of the plan stands; the numbers beside them are sizes and times, too. */
function standings({ metrics, plan }: Report): unknown {
  return {
    metrics: metrics.map(({ name, status, checks }) => [name, status, checks.map((check) => [check.id, check.status])]),
    plan: plan.map(({ id, status }) => [id, status]),
  }
}

test('the harm of the migration is found in the copy of an archive', () => {
  const { exitCode, report } = reports.get('archive') ?? {}
  expect(exitCode).toBe(1)
  expect(report?.verdict).toBe('no-go')
  const blocking = report?.findings.filter((finding) => finding.blocking).map(({ kind, object }) => `${kind} ${object}`)
  expect(blocking).toEqual(
    expect.arrayContaining([
      'data.rows-deleted public.tasks',
      'schema.column-dropped public.tasks',
      'access.rows-gained public.lists',
    ]),
  )
})

test('a plain dump of the same data gets the same verdict, findings, metrics and checklist', () => {
  const [archive, plain] = [reports.get('archive'), reports.get('plain')]
  if (archive === undefined || plain === undefined) throw new Error('a run has left no report')
  expect(plain.exitCode).toBe(archive.exitCode)
  for (const part of ['verdict', 'reason', 'findings'] as const)
    expect.soft(untimed(plain.report[part]), part).toEqual(untimed(archive.report[part]))
  expect(standings(plain.report)).toEqual(standings(archive.report))
})
