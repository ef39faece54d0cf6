import { type Manifest, readManifest } from './capture/manifest.ts'
import type { RunOptions } from './cli/options.ts'
import { type CanaryLogin, canaryLogins } from './config/canaries.ts'
import type { Dump } from './dump/dump.ts'
import { checkMaskable } from './dump/mask/check.ts'
import type { MaskSetup } from './dump/mask/masking.ts'
import { archivePath } from './dump/native/load-natively.ts'
import { readDump } from './dump/read-dump.ts'
import { checkWholeDatabase } from './dump/whole-database.ts'
import { HarnessError } from './errors.ts'
import { maskSetup } from './mask-setup.ts'
import { type MigrationFolder, readMigrations } from './migrations/discover.ts'
import { readDeclarations } from './migrations/expectations.ts'
import { type RollbackFolder, readRollback } from './migrations/rollback.ts'
import type { DeclaredMove } from './model/declared-move.ts'
import { nearest } from './model/nearest.ts'
import type { Expectation } from './model/verdict.ts'
import { discoverFunctions } from './stack/functions/discover.ts'
import { checkOwnSuites } from './suites/own-files.ts'

/** Everything a run reads, read and found good: after this only the run itself can fail. */
export type Inputs = AsyncDisposable & {
  readonly options: RunOptions
  readonly dump: Dump
  readonly migrations: MigrationFolder
  readonly expectations: readonly Expectation[]
  readonly moves: readonly DeclaredMove[]
  readonly rollback?: RollbackFolder
  readonly canaries: readonly CanaryLogin[]
  /** Of a dump that `greenlight capture` took. */
  readonly capture?: Manifest
  /** Personal data to replace on the way into the copy. */
  readonly mask?: MaskSetup
  /** Names of the edge functions. */
  readonly functions: readonly string[]
}

/** Reads and checks every input before anything starts. Bad input is refused with its own error, the cheap ones first. */
export async function readInputs(options: RunOptions, signal: AbortSignal | undefined): Promise<Inputs> {
  const canaries = await canaryLogins(options.config.canaries ?? [], process.env)
  const mask = maskSetup(options.config, process.env, { liveMail: options.liveMail !== undefined })
  const functions = options.functions === undefined ? [] : (await discoverFunctions(options.functions)).list
  checkWebhook(
    options.config.mail?.webhook?.function,
    functions.map(({ name }) => name),
  )
  await checkOwnSuites(options.ownSuites, options.ownSuitesFolder)
  const migrations = await readMigrations(options.migrations, { signal })
  const { expectations, moves } = await readDeclarations(migrations.files)
  const rollback = await readRollback(options.rollback, migrations.files, { signal })
  const [only] = options.dumps
  const capture = only === undefined || options.dumps.length > 1 ? undefined : await readManifest(only, signal)
  const dump = await readDump(options.dumps, signal === undefined ? {} : { signal })
  try {
    checkWholeDatabase(dump)
    if (options.client === 'native') archivePath(dump)
    if (mask !== undefined) checkMaskable(dump, mask.config)
  } catch (error) {
    await dump[Symbol.asyncDispose]()
    throw error
  }
  return {
    options,
    dump,
    migrations,
    expectations,
    moves,
    ...(rollback === undefined ? {} : { rollback }),
    canaries,
    ...(capture === undefined ? {} : { capture }),
    ...(mask === undefined ? {} : { mask }),
    functions: functions.map(({ name }) => name),
    [Symbol.asyncDispose]: () => dump[Symbol.asyncDispose](),
  }
}

/** Who takes Resend's webhooks must be there: else their events go nowhere, and nobody would notice. */
function checkWebhook(name: string | undefined, functions: readonly string[]): void {
  if (name === undefined || functions.includes(name)) return
  const close = nearest(name, functions)
  const known = functions.length === 0 ? 'no folder with functions is named' : `there are ${functions.join(', ')}`
  throw new HarnessError(
    'config.invalid',
    `mail.webhook.function: there is no edge function ${name}; ${close === undefined ? known : `did you mean ${close}?`}\nCorrect greenlight.config.ts; nothing was judged.`,
    { facts: { function: name } },
  )
}
