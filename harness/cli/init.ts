import { access, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'
import { loadConfig } from '../config/load.ts'
import { embeddedEngine } from '../database/embedded/engine.ts'
import { readDump } from '../dump/read-dump.ts'
import { restore } from '../dump/restore.ts'
import { checkServerVersion } from '../dump/server-version.ts'
import { HarnessError, messageOf } from '../errors.ts'
import { asking } from '../init/ask.ts'
import { guessedContracts } from '../init/guesses.ts'
import { type Proposal, propose } from '../init/propose.ts'
import { type Places, renderConfig } from '../init/render.ts'
import { takeShape } from '../init/shape.ts'
import { extensionFiles } from '../platform/extension-files.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { discoverFunctions } from '../stack/functions/discover.ts'

/** The flags of `greenlight init`. */
export type InitFlags = { readonly dump?: readonly string[]; readonly config?: string; readonly force?: boolean }

/** Config files that a run finds by itself: a second one beside them would be read by nobody, or in their place. */
const defaultNames = ['greenlight.config.ts', 'greenlight.config.mts', 'greenlight.config.js', 'greenlight.config.mjs']

/** How much larger a database is than its compressed archive; decides where it is put, no more. */
const unpackedRatio = 12

/**
 * `greenlight init`: reads a dump into a throwaway server and writes a config that proposes the contracts, each with its
 * reasons. Hands back what to tell. Throws `usage.invalid` (no dump named, a config that is there already), what reading
 * the dump throws, and `aborted`; nothing is written then.
 */
export async function initCommand(flags: InitFlags, cwd: string, signal: AbortSignal): Promise<string> {
  const path = await freePath(flags, cwd)
  if (flags.dump === undefined) {
    throw new HarnessError('usage.invalid', 'init reads a dump: name it with --dump production.dump.')
  }
  const paths = flags.dump.map((given) => (given === '-' ? given : resolve(cwd, given)))
  await using dump = await readDump(paths, { signal })
  checkServerVersion(dump, embeddedEngine.serverVersionNum ?? 0)
  const folder = dirname(path)
  const places = await placesOf(folder, paths)
  const functions =
    places.functions === undefined
      ? []
      : (await discoverFunctions(resolve(folder, places.functions))).list.map(({ name }) => name)
  const hasAuth = dump.entries.some(
    ({ type, schema, name }) => type === 'TABLE' && schema === 'auth' && name === 'users',
  )
  const proposal: Proposal = hasAuth
    ? await proposeFrom(dump, functions, signal)
    : { shared: [], missing: ['The dump has no table auth.users: without users there is nothing to propose.'] }
  await writeFile(path, renderConfig(proposal, places), { flag: flags.force ? 'w' : 'wx' }).catch((cause) => {
    throw new HarnessError('usage.invalid', `${path} cannot be written: ${messageOf(cause)}`, { cause })
  })
  // What is written is what a run will read: better to know here that it can.
  await loadConfig(path, cwd)
  return said(proposal, path, places, hasAuth)
}

async function freePath(flags: InitFlags, cwd: string): Promise<string> {
  const path = resolve(cwd, flags.config ?? 'greenlight.config.ts')
  if (!/\.m?ts$/.test(path)) {
    throw new HarnessError('usage.invalid', `init writes TypeScript: ${path} must end in .ts or .mts.`)
  }
  const isFolder = await stat(dirname(path)).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isFolder)
    throw new HarnessError('usage.invalid', `There is no folder ${dirname(path)} to write the config into.`)
  const rivals = flags.config === undefined ? defaultNames.map((name) => resolve(cwd, name)) : [path]
  for (const rival of rivals) {
    if (await exists(rival)) {
      if (flags.force && rival === path) continue
      throw new HarnessError(
        'usage.invalid',
        `There is a config already: ${rival}. ${rival === path ? '--force writes over it; --config names another.' : '--config names another.'}`,
      )
    }
  }
  return path
}

async function proposeFrom(
  dump: Awaited<ReturnType<typeof readDump>>,
  functions: readonly string[],
  signal: AbortSignal,
) {
  await using cluster = await embeddedEngine.start({
    signal,
    extensionFiles,
    databaseBytes: dump.facts.bytes * unpackedRatio,
  })
  const database = await cluster.createDatabase('init')
  await preparePlatform(database, { signal })
  await restore(dump, database, { signal })
  await using session = await database.connect({ applicationName: 'greenlight init' })
  return await propose(await takeShape(session), asking(session), functions)
}

/** Folders where Supabase's own command line, and most projects, have them. */
async function placesOf(folder: string, dumps: readonly string[]): Promise<Places> {
  const find = async (names: readonly string[]) => {
    for (const name of names) if (await exists(resolve(folder, name))) return name
    return undefined
  }
  const migrations = await find(['supabase/migrations', 'migrations'])
  const functions = await find(['supabase/functions', 'functions'])
  const rollback = await find(['supabase/rollback', 'rollback'])
  return {
    dumps: dumps.map((dump) => (dump === '-' ? dump : relative(folder, dump))),
    ...(migrations === undefined ? {} : { migrations }),
    ...(functions === undefined ? {} : { functions }),
    ...(rollback === undefined ? {} : { rollback }),
  }
}

function said(proposal: Proposal, path: string, places: Places, hasAuth: boolean): string {
  const parts = [proposal.profile, proposal.resource, proposal.membership]
  const names = ['profile', 'resource', 'membership']
  const sure = [
    ...names.filter((_, index) => parts[index]?.sure),
    ...(proposal.shared.some((one) => one.sure) ? ['shared'] : []),
  ]
  const unsure = [
    ...names.filter((_, index) => parts[index]?.sure === false),
    ...guessedContracts.filter((key) => proposal[key]),
  ]
  return `${[
    `Wrote ${path}.`,
    sure.length > 0 ? `Proposed: ${sure.join(', ')}.` : 'No contract is proposed.',
    ...(unsure.length > 0 ? [`Guessed, as comments for you to decide: ${unsure.join(', ')}.`] : []),
    ...proposal.missing,
    ...(hasAuth ? [] : ['A run needs a dump of the whole database: pg_dump -Fc -f production.dump "$DATABASE_URL".']),
    ...(places.migrations === undefined ? ['No migrations folder was found: name it in the config.'] : []),
    `Read it, then: greenlight run${basename(path) === 'greenlight.config.ts' ? '' : ` --config ${path}`}`,
  ].join('\n')}\n`
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
