import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProjectConfiguration } from 'vitest/config'
import type { TestSpecification, Vitest } from 'vitest/node'
import { HarnessError, messageOf, throwIfAborted } from '../errors.ts'
import type { Contracts } from '../model/config.ts'
import type { Side, SuiteRun } from '../model/suite-run.ts'
import { isAfterFirst } from './after-first.ts'
import { allureReporter, withholdValues } from './allure.ts'
import { collector, sideOf } from './collect.ts'
import type { Control } from './control.ts'
import type { Injected } from './injected.ts'
import { joinTests } from './join.ts'
import { ownGlob } from './own-files.ts'

export type SuiteOptions = {
  readonly control: Control
  readonly contracts: Contracts
  readonly canaries: readonly { readonly email: string; readonly password: string }[]
  readonly seed: number
  /** Globs of the customer's own suite files, absolute; run besides the built-in ones. */
  readonly own: readonly string[]
  /** Run only files whose path contains one of these. */
  readonly only?: readonly string[]
  /** Run only tests whose full name fits this pattern. */
  readonly names?: string
  /** Folder for Allure's result files. */
  readonly allure?: string
  /** Whether something besides a failing test is wrong on after that before has to be asked about. */
  readonly isDoubtful?: () => boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (testsDone: number) => void
}

const sides: readonly Side[] = ['before', 'after']

/** More than a small machine has cores: suites wait a lot, for functions that start and for the mail service's pace. */
const workers = 4

/** Folder of the built-in suites; in a checkout `suites/`, in the published package its compiled twin. */
export const suitesFolder: string = fileURLToPath(new URL('../../suites', import.meta.url))
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

/**
 * Runs the suites on both sides in one Vitest, four workers, each file on a clone of its own, and joins the results by
 * test. Suites of edge functions run on after, and on before only where something is wrong there (`after-first.ts`).
 * Throws `suites.failed` when Vitest itself cannot run; a failing test is data.
 */
export async function runSuites(options: SuiteOptions): Promise<SuiteRun> {
  throwIfAborted(options.signal, 'running the suites')
  const started = performance.now()
  const root = dirname(suitesFolder)
  const collected = collector(root, options.onProgress)
  const exitCode = process.exitCode
  let unasked: readonly TestSpecification[] = []
  try {
    const { createVitest } = await import('vitest/node')
    using _ = keepingOwnHandlers()
    // As Vitest's own command does: suites and what they import may ask.
    Object.assign(process.env, { TEST: 'true', VITEST: 'true', NODE_ENV: process.env.NODE_ENV ?? 'test' })
    const vitest = await createVitest(
      {
        root,
        config: false,
        watch: false,
        passWithNoTests: true,
        projects: sides.flatMap((side) => sideProjects(side, root, options)),
        reporters: [collected, ...(options.allure === undefined ? [] : [allureReporter(options.allure) as never])],
        silent: true,
        pool: 'threads',
        maxWorkers: workers,
        includeTaskLocation: true,
        ...(options.names === undefined ? {} : { testNamePattern: options.names }),
      },
      { logLevel: 'silent' },
    )
    const cancel = () => void vitest.cancelCurrentRun('keyboard-input')
    options.signal?.addEventListener('abort', cancel, { once: true })
    try {
      await vitest.standalone()
      const all = await vitest.globTestSpecifications([...(options.only ?? [])])
      const later = all.filter((one) => sideOf(one) === 'before' && isAfterFirst(one.moduleId, suitesFolder))
      await run(vitest, without(all, later), options.signal)
      const troubled = options.isDoubtful?.() ? later : later.filter(({ moduleId }) => collected.hasFailed(moduleId))
      await run(vitest, troubled, options.signal)
      unasked = without(later, troubled)
    } finally {
      options.signal?.removeEventListener('abort', cancel)
      await vitest.close()
      if (options.allure !== undefined) await withholdValues(options.allure)
    }
  } catch (cause) {
    throwIfAborted(options.signal, 'running the suites')
    throw new HarnessError('suites.failed', `Vitest could not run the suites: ${messageOf(cause)}`, { cause })
  } finally {
    // Vitest marks the process as failed when a test fails; the exit code is the command line's to set.
    process.exitCode = exitCode
  }
  throwIfAborted(options.signal, 'running the suites')
  return {
    tests: joinTests(collected.tests, new Set(unasked.map(({ moduleId }) => relative(root, moduleId)))),
    files: new Set(collected.tests.map(({ file }) => file)).size,
    milliseconds: Math.round(performance.now() - started),
    errors: collected.errors,
  }
}

async function run(
  vitest: Vitest,
  specifications: readonly TestSpecification[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (specifications.length > 0 && !signal?.aborted) await vitest.runTestSpecifications([...specifications])
}

function without<T>(all: readonly T[], some: readonly T[]): T[] {
  return all.filter((one) => !some.includes(one))
}

/**
 * Vitest thinks the process its own: on a signal it ends it, and on a stray rejection it does so with 1, which means
 * NO-GO. Until disposed, handlers that are added are taken off again; how a run ends stays the command line's to say.
 */
function keepingOwnHandlers(): Disposable {
  const names: readonly string[] = ['SIGINT', 'SIGTERM', 'unhandledRejection']
  const refuse = (name: string, handler: (...values: unknown[]) => void) => {
    if (names.includes(name)) process.nextTick(() => process.off(name, handler))
  }
  process.on('newListener', refuse)
  return { [Symbol.dispose]: () => void process.off('newListener', refuse) }
}

function sideProjects(side: Side, root: string, options: SuiteOptions): TestProjectConfiguration[] {
  const builtIn = sideProject(side, side, root, [`${relative(root, suitesFolder)}/**/*.suite.${extension}`], options)
  const own = options.own.map((glob, at) => {
    const { folder, include } = ownGlob(glob)
    return sideProject(side, `${side}:${at + 1}`, folder, [include], options)
  })
  return [builtIn, ...own]
}

function sideProject(
  side: Side,
  name: string,
  root: string,
  include: string[],
  options: SuiteOptions,
): TestProjectConfiguration {
  const greenlight: Injected = {
    side,
    controlUrl: options.control.url,
    controlToken: options.control.token,
    contracts: options.contracts,
    canaries: options.canaries,
    seed: options.seed,
  }
  return {
    extends: false,
    root,
    resolve: { alias: suiteAlias },
    test: {
      name,
      ...suiteDefaults,
      include,
      provide: { greenlight },
    },
  }
}

const door = join(suitesFolder, `context.${extension}`)

/**
 * `#suite`, and the name under which a project of one's own has its types, in any suite file: one module for all, so that
 * every file of a worker shares its fixtures.
 */
export const suiteAlias = { '#suite': door, 'supabase-greenlight/suite': door }

/**
 * How suite files run, in a rehearsal and by `npx vitest --project after` alike. Modules are shared between the files of
 * a worker, which halves the time; what a file has of its own (clone, stack) is a fixture of the file.
 */
export const suiteDefaults = {
  isolate: false,
  // Ten times what a test takes on a machine that is shared with many: one that runs out of time fails, and a failure
  // that has to do with the machine alone must not tell of the migrations.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  teardownTimeout: 10_000,
  // Installed, the built-in suites lie in node_modules, which Vitest leaves to Node; and Node knows no alias.
  server: { deps: { inline: ['supabase-greenlight/dist/suites'] } },
}
