import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cloner } from './clones.ts'
import type { Database } from './database/engine.ts'
import type { Inputs } from './inputs.ts'
import { keepFailure } from './kept.ts'
import { checkLiveMail, liveSender } from './live-mail.ts'
import { type MailCollector, mailCollector } from './mail-stage.ts'
import type { Side, SuiteRun } from './model/suite-run.ts'
import { startStack } from './stack/stack.ts'
import type { Stages } from './stages.ts'
import { type OpenStack, startControl, withoutOutput } from './suites/control.ts'
import { egressEvidence } from './suites/egress.ts'
import { sayFailed } from './suites/failed-test.ts'
import { type Loaded, loadCheck } from './suites/functions-load.ts'
import { runSuites } from './suites/run.ts'
import { shut } from './suites/shut.ts'

/** Opens stacks for suite files: each on a clone of its own, which goes with the stack. */
export function stackOpener(
  sides: Readonly<Record<Side, Database>>,
  inputs: Inputs,
  clone: Cloner,
  signal: AbortSignal,
  mails: MailCollector = mailCollector(inputs),
): OpenStack {
  const { functions, config } = inputs.options
  return async (side) => {
    const { begin, end, failedTest, ...watching } = mails.watch(side)
    const database = await clone(sides[side])
    const stack = await startStack(database, {
      ...(functions === undefined ? {} : { functions }),
      ...(config.functionsEnv === undefined ? {} : { functionsEnv: config.functionsEnv }),
      ...(config.mail?.account === undefined ? {} : { mailAccount: config.mail.account }),
      ...(config.mail?.webhook === undefined ? {} : { mailWebhook: config.mail.webhook }),
      ...watching,
      signal,
    }).catch(async (error) => {
      await database.drop()
      throw error
    })
    begin(stack)
    return {
      ...stack,
      database,
      failedTest,
      async [Symbol.asyncDispose]() {
        await stack.stop()
        try {
          await end(database)
        } finally {
          await database.drop()
        }
      },
    }
  }
}

/** The stage `suites`, with what it shows besides: whether anything tried to leave the machine. */
export async function runSuiteStage(
  sides: Readonly<Record<Side, Database>>,
  inputs: Inputs,
  clone: Cloner,
  stages: Stages,
  signal: AbortSignal,
): Promise<SuiteRun | undefined> {
  const { options, canaries, functions } = inputs
  return stages.run('suites', async (progress) => {
    const allure = join(options.out, 'allure-results')
    // Allure would make it readable for all.
    await mkdir(allure, { recursive: true, mode: 0o700 })
    // Before is shut while suites run: whom one may really mail is asked of a copy.
    await using copy = options.liveMail === undefined ? undefined : await clone(sides.before)
    const live = copy && liveSender(copy, options, signal)
    const mails = mailCollector(inputs, live?.forward)
    const open = stackOpener(sides, inputs, clone, signal, mails)
    const control = await startControl(open, (failed) => {
      if (options.keep) keepFailure(options.out, sayFailed(failed))
    })
    let run: SuiteRun
    {
      await using _shut = await shut([sides.before, sides.after])
      await using _ = control
      run = await runSuites({
        control,
        contracts: options.config.contracts ?? {},
        canaries,
        seed: options.seed,
        own: options.ownSuites,
        allure,
        isDoubtful: mails.isDoubtful,
        signal,
        onProgress: (done) => progress(`${done} tests done`),
      })
    }
    const loaded = await loadFunctions(open, functions.length)
    stages.add({ checks: [loadCheck({ functions, called: control.called(), ...loaded })], findings: [] })
    stages.add(egressEvidence([...control.egress(), ...loaded.attempts], functions.length))
    stages.add(mails.evidence())
    if (live !== undefined) stages.add({ findings: [], checks: [await checkLiveMail(live, signal)] })
    progress(`${run.tests.length} tests of ${run.files} files`)
    return { ...run, errors: [...run.errors, ...control.failures()] }
  })
}

/** Also those that no suite calls are to be had after the deploy; what they do when they load is watched, too. */
async function loadFunctions(open: OpenStack, functions: number): Promise<Loaded> {
  if (functions === 0) return { replaced: [], failures: [], attempts: [] }
  await using stack = await open('after')
  const replaced = await stack.load()
  const attempts = stack.egress().filter(({ function: name }) => !name.startsWith('database: '))
  return {
    replaced,
    failures: stack.failures().map(({ message }) => withoutOutput(message)),
    attempts: attempts.map((attempt) => ({ side: 'after', ...attempt })),
  }
}
