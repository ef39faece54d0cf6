import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { access, chown, cp, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { execa } from 'execa'
import { throwIfAborted } from '../../errors.ts'
import { adminRole } from '../engine.ts'
import type { Binaries } from './binaries.ts'
import type { ServerUser } from './server-user.ts'
import { serverEnvironment, startFailure } from './server-words.ts'
import type { Workspace } from './workspace.ts'

export type DataOptions = { readonly user: ServerUser | undefined; readonly signal?: AbortSignal | undefined }

const initdbFlags: readonly string[] = [
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-sync',
  '--no-instructions',
  ...['-U', adminRole],
  ...['-c', 'scram_iterations=1'],
]

/** Enough for one statement. */
const singleUserFlags: readonly string[] = [
  ...['-c', 'fsync=off'],
  ...['-c', 'shared_buffers=1MB'],
  ...['-c', 'max_connections=5'],
  ...['-c', 'dynamic_shared_memory_type=mmap'],
  ...['-c', 'log_min_messages=fatal'],
  ...['-c', 'log_min_error_statement=panic'],
]

const draftLifeMs = 3_600_000

/**
 * Puts a fresh cluster into the workspace, with `password` for the admin role. The cluster is a copy of one that initdb
 * made once for these binaries and flags: copying takes a tenth of the time. Nobody knows the password of the original,
 * and the copy's own is set before any server listens.
 */
export async function makeData(
  binaries: Binaries,
  workspace: Workspace,
  password: string,
  options: DataOptions,
): Promise<void> {
  const step = 'making the database cluster'
  throwIfAborted(options.signal, step)
  const template = await dataTemplate(binaries, options)
  if (process.platform === 'win32') await cp(template, workspace.data, { recursive: true })
  else await succeed('cp', ['-R', template, workspace.data], workspace.path, options)
  const args = ['--single', '-D', workspace.data, ...singleUserFlags, 'template1']
  const input = `ALTER ROLE ${adminRole} PASSWORD '${password}'\n`
  const advice = `If it comes again, remove the folder ${template}: it is made anew.`
  const { stderr } = await succeed(binaries.postgres, args, workspace.path, options, { input, advice })
  // Single-user mode ends with 0 whatever became of the statement.
  if (/\b(ERROR|FATAL|PANIC):/.test(stderr)) throw startFailure('postgres', `${stderr}\n${advice}`)
}

/** The folder of the original, made when there is none. Two processes may make it at one time. */
export async function dataTemplate(binaries: Binaries, options: DataOptions): Promise<string> {
  const { user, signal } = options
  const cache = dirname(binaries.root)
  // Postgres serves a folder of its own user only.
  const owner = user?.uid ?? process.getuid?.() ?? 0
  const key = createHash('sha256').update([basename(binaries.root), owner, ...initdbFlags].join('\0'))
  const path = join(cache, `data-${key.digest('hex').slice(0, 16)}`)
  if (await exists(path)) return path
  await sweepDrafts(cache)
  const draft = join(cache, `.${basename(path)}-${randomUUID()}`)
  try {
    await mkdir(draft, { mode: 0o700 })
    const passwordFile = join(draft, 'password')
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
    if (user !== undefined) for (const made of [draft, passwordFile]) await chown(made, user.uid, user.gid)
    const data = join(draft, 'data')
    await succeed(binaries.initdb, ['-D', data, `--pwfile=${passwordFile}`, ...initdbFlags], draft, { user, signal })
    await rename(data, path)
  } catch (error) {
    if (!(await exists(path))) throw error
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return path
}

/** Runs a program as the server's user. Throws `engine.start-failed`, `engine.disk-full`, `aborted`. */
async function succeed(
  file: string,
  args: readonly string[],
  cwd: string,
  { user, signal }: DataOptions,
  { input = '', advice = '' }: { readonly input?: string; readonly advice?: string } = {},
): Promise<{ readonly stderr: string }> {
  const run = await execa(file, args, {
    ...(user ?? {}),
    cwd,
    input,
    env: serverEnvironment(),
    extendEnv: false,
    reject: false,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  })
  throwIfAborted(signal, 'making the database cluster')
  if (run.failed)
    throw startFailure(basename(file), `${run.stderr}\n${run.stdout}\n${run.shortMessage}\n${advice}`, run)
  return { stderr: run.stderr }
}

/** What a run that was killed left half made. */
async function sweepDrafts(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith('.')) continue
    const made = await stat(join(cache, name)).catch(() => undefined)
    if (made === undefined || Date.now() - made.mtimeMs < draftLifeMs) continue
    await rm(join(cache, name), { recursive: true, force: true }).catch(() => {})
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
