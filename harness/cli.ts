#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import type { CaptureFlags } from './cli/capture.ts'
import type { DiffFlags } from './cli/diff.ts'
import type { InitFlags } from './cli/init.ts'
import type { InspectFlags } from './cli/inspect.ts'
import type { RunFlags } from './cli/options.ts'
import { cacheFolder } from './database/cache-folder.ts'
import { HarnessError } from './errors.ts'
import { engineNames } from './model/config.ts'
import { exitCodes } from './model/verdict.ts'
import { toolVersion } from './tool-version.ts'

// The one place that sets the exit code. Until a verdict says otherwise the run is inconclusive.
process.exitCode = exitCodes.inconclusive

// Each command loads its own part when it is asked for, and what Node has compiled is kept for the next time.
enableCompileCache(join(cacheFolder(), 'modules'))

const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Asked twice, it goes at once; servers and folders are taken down on exit.
    if (abort.signal.aborted) process.exit(exitCodes.inconclusive)
    abort.abort(new HarnessError('aborted', `Stopped by ${signal}. Nothing was left running.`))
  })
}
// Node ends with 1 what nobody caught, and 1 means NO-GO. Servers and folders are taken down on exit.
process.on('uncaughtException', (error) => {
  if (!abort.signal.aborted) process.exit(report(error))
})
// A reader that went away (`greenlight run | head`) is no reason to fail.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

const dumpHelp = 'the production dump: a file, a folder, - for standard input; again for each further file of it'
const program = new Command('greenlight')
  .description(
    'Rehearses a Supabase production migration on a throwaway copy of production: GO or NO-GO, with the evidence.',
  )
  .version(await toolVersion())
  .exitOverride()
  .showHelpAfterError('(greenlight run --help tells the flags)')

program
  .command('run', { isDefault: true })
  .description('rehearse and judge; exit code 0 = go, 1 = no-go, 2 = inconclusive')
  .addOption(new Option('--dump <path>', dumpHelp).argParser(collect))
  .option('--migrations <folder>', 'the pending migrations')
  .option('--baseline <version>', 'last version that production has, when its dump holds no history')
  .option('--functions <folder>', 'the edge functions, one folder each')
  .option('--rollback <folder>', 'the scripts that take the migrations back, named as these')
  .option('--config <file>', 'default: greenlight.config.ts in this folder')
  .option('--engine <name>', `where the throwaway Postgres comes from: ${engineNames.join(', ')}`)
  .option('--image <name>', "image of the engine container (default: the platform's for the version of the dump)")
  .option('--engine-url <url>', 'server of the engine url, without a password (that comes from the environment)')
  .option('--i-know-this-is-not-production', 'rehearse on a server that looks like production')
  .option('--client <name>', 'what restores the dump: own (default), or native, which is pg_restore')
  .addOption(new Option('--suites <glob>', 'suite files of your own, besides the built-in ones').argParser(collect))
  .option('--out <folder>', 'where the reports go (default: reports/out)')
  .option(
    '--live-mail',
    'also hold Resend itself against the double, with its test addresses alone; needs RESEND_API_KEY',
  )
  .option('--keep', 'leave the databases up, and print how to connect')
  .option('--seed <n>', 'seed of every random choice (default: 1)')
  .option('--identities <n|all>', 'users who are asked what they see and may write (default: 200)')
  .option('--logins <n>', 'users to log in for real, or all (default: all up to 500, else some of every kind)')
  .option('--quiet', 'no progress, only the verdict')
  .option('--json', 'the report document on standard output')
  .option('--no-color', 'no colors')
  .action(async (flags: RunFlags) => {
    const { runCommand } = await import('./cli/run.ts')
    process.exitCode = exitCodes[await runCommand(flags, abort.signal)]
  })

program
  .command('inspect')
  .description('what is in a dump, and what a run would restore, stub and refuse; starts nothing')
  .addOption(new Option('--dump <path>', dumpHelp).argParser(collect))
  .option('--all', 'every table, not the largest only')
  .option('--json', 'as a document')
  .action(async (flags: InspectFlags) => {
    const { inspectCommand } = await import('./cli/inspect.ts')
    const { text, outcome } = await inspectCommand(flags, process.cwd(), abort.signal)
    process.stdout.write(text)
    process.exitCode = exitCodes[outcome]
  })

program
  .command('capture')
  .description(
    'take the dump from production, with a fingerprint of every table; read-only; exit code 0 = taken, 2 = not',
  )
  .option('--from <variable|url>', 'the environment variable with the URL of production, or a URL without a password')
  .option('--out <folder>', 'the folder to make')
  .option('--jobs <n>', 'connections that dump at the same time (default: 2)')
  .option('--lock-timeout <seconds>', 'how long to wait for a lock of production (default: 5)')
  .option('--statement-timeout <seconds>', 'when to give up a table whose rows are hashed (default: 1800)')
  .option('--quiet', 'no progress')
  .action(async (flags: CaptureFlags) => {
    const { captureCommand } = await import('./cli/capture.ts')
    process.stdout.write(await captureCommand(flags, process.cwd(), abort.signal))
    process.exitCode = 0
  })

program
  .command('init')
  .description('propose a config from a dump, with reasons; exit code 0 = written, 2 = not')
  .addOption(new Option('--dump <path>', dumpHelp).argParser(collect))
  .option('--config <file>', 'where to write it (default: greenlight.config.ts in this folder)')
  .option('--force', 'write over a config that is there')
  .action(async (flags: InitFlags) => {
    const { initCommand } = await import('./cli/init.ts')
    process.stdout.write(await initCommand(flags, process.cwd(), abort.signal))
    process.exitCode = 0
  })

program
  .command('diff')
  .description('development against production; exit code 0 = the same schema, 1 = they differ, 2 = could not be told')
  .option('--dev <source>', 'development: a dump, a folder of migrations or schema files, a .sql file, or postgres://…')
  .addOption(new Option('--dump <path>', dumpHelp).argParser(collect))
  .option('--config <file>', 'default: greenlight.config.ts in this folder')
  .option('--emit <file>', 'write the part that only adds as a migration; a file that is there is never written over')
  .action(async (flags: DiffFlags) => {
    const { diffCommand } = await import('./cli/diff.ts')
    const { text, same } = await diffCommand(flags, process.cwd(), abort.signal)
    process.stdout.write(text)
    process.exitCode = same ? 0 : 1
  })

program
  .command('doctor')
  .description('what this machine can run; exit code 0 = a rehearsal, 2 = none')
  .action(async () => {
    const { doctorCommand } = await import('./cli/doctor.ts')
    const { text, healthy } = await doctorCommand()
    process.stdout.write(text)
    process.exitCode = healthy ? 0 : exitCodes.inconclusive
  })

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
// A handle that a dependency forgot must not keep a gate waiting.
process.exit()

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** Says what went wrong, once, on stderr, and answers with the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.inconclusive
  if (error instanceof HarnessError)
    process.stderr.write(`\n  ✗ ${error.message}\n    (${error.code}; no verdict was reached, exit code 2)\n`)
  else
    process.stderr.write(
      `\n  ✗ A bug in Greenlight; no verdict was reached, exit code 2. Please report it with this:\n${error instanceof Error ? error.stack : error}\n`,
    )
  return exitCodes.inconclusive
}
