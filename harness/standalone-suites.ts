/**
 * Vitest's global setup for `npx vitest --project before` and `--project after`: the engineer's way to run suites alone.
 * Joins the databases that `greenlight run --keep` left up; else restores the dump and migrates a copy first.
 */
import { resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { runOptions } from './cli/options.ts'
import { progressPrinter } from './cli/progress.ts'
import { cloner } from './clones.ts'
import { loadConfig } from './config/load.ts'
import { checkContractNames } from './contract-names.ts'
import type { Database } from './database/engine.ts'
import { HarnessError } from './errors.ts'
import { type Inputs, readInputs } from './inputs.ts'
import { joinKept } from './kept.ts'
import type { Side } from './model/suite-run.ts'
import { plannedChecks } from './planned-checks.ts'
import { prepare } from './prepare.ts'
import { stageNames } from './rehearse.ts'
import { Stages } from './stages.ts'
import { stackOpener } from './suite-stage.ts'
import { type Control, startControl } from './suites/control.ts'
import { sayFailed } from './suites/failed-test.ts'

type Ready = AsyncDisposable & { readonly inputs: Inputs; readonly control: Control }

let ready: Promise<Ready> | undefined
let users = 0

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  users += 1
  ready ??= begin()
  const { inputs, control } = await ready
  const side: Side = project.name.startsWith('before') ? 'before' : 'after'
  project.provide('greenlight', {
    side,
    controlUrl: control.url,
    controlToken: control.token,
    contracts: inputs.options.config.contracts ?? {},
    canaries: inputs.canaries,
    seed: inputs.options.seed,
  })
  return async () => {
    users -= 1
    if (users === 0) await (await ready)?.[Symbol.asyncDispose]()
  }
}

async function begin(): Promise<Ready> {
  const cwd = process.cwd()
  const signal = new AbortController().signal
  const options = runOptions({}, await loadConfig(process.env.GREENLIGHT_CONFIG, cwd), cwd)
  const inputs = await readInputs(options, signal)
  await using cleanup = new AsyncDisposableStack()
  const sides = (await kept(options.out)) ?? (await fresh(inputs, cleanup, signal))
  await checkContractNames(options.config.contracts ?? {}, sides, inputs.functions)
  const opener = stackOpener(sides, inputs, cloner(`suite_${process.pid}`), signal)
  const control = cleanup.use(await startControl(opener, (failed) => process.stderr.write(sayFailed(failed))))
  const owned = cleanup.move()
  return { inputs, control, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function kept(out: string): Promise<Record<Side, Database> | undefined> {
  const cluster = await joinKept(resolve(out))
  if (cluster === undefined) return undefined
  process.stderr.write('  joined the databases that --keep left up\n')
  return { before: cluster.database('before'), after: cluster.database('after') }
}

async function fresh(
  inputs: Inputs,
  cleanup: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Record<Side, Database>> {
  const progress = progressPrinter(process.stderr, { quiet: false, color: false })
  const stages = new Stages(stageNames, plannedChecks(inputs), progress)
  const prepared = cleanup.use(await prepare(inputs, stages, signal))
  progress.close()
  const { before, after } = prepared
  if (before && after) return { before, after }
  const failed = stages.rows.find(({ status }) => status === 'failed')
  const migration = prepared.migrations?.migrations.find(({ status }) => status === 'failed')
  const what = failed
    ? `the stage "${failed.name}" failed: ${failed.reason}`
    : `${migration?.name} failed:\n${migration?.failure?.message}\n${migration?.failure?.excerpt}`
  throw new HarnessError('suites.failed', `There is no migrated copy to run suites on: ${what}`)
}
