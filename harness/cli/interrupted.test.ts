import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identify, isRunning } from '../database/process-identity.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { runGreenlight, workspacesOf } from './run-greenlight.ts'

const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
const repository = fileURLToPath(new URL('../..', import.meta.url))
const inputs = ['--dump', 'fixtures/planner/production.dump', '--migrations', 'fixtures/planner/migrations']
let out = ''

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'interrupted-'))
})
afterAll(() => rm(out, { recursive: true, force: true }))

/** Starts a run, and waits until it tells of a stage: unless another is named, its server is up and the restore is under way. */
async function startedRun(stage = 'start the server', flags: readonly string[] = []) {
  const run = execa(process.execPath, [cli, 'run', ...inputs, ...flags, '--out', out], {
    cwd: repository,
    reject: false,
    stdin: 'ignore',
    env: { NO_COLOR: '1' },
  })
  await new Promise<void>((resolve, reject) => {
    let seen = ''
    run.stderr?.on('data', (chunk: Buffer) => {
      seen += chunk
      if (seen.includes(stage)) resolve()
    })
    run.then(() => reject(new Error(`ended too soon: ${seen}`)))
  })
  const [name] = workspacesOf(run.pid)
  const workspace = (await Promise.all([tmpdir(), '/dev/shm'].map((root) => pidFile(join(root, name ?? ''))))).find(
    (found) => found !== undefined,
  )
  const server = identify(workspace?.pid ?? 0)
  if (workspace === undefined || server === undefined) throw new Error('no server was found')
  return { run, server }
}

async function pidFile(path: string): Promise<{ path: string; pid: number } | undefined> {
  const text = await readFile(join(path, 'data/postmaster.pid'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : { path, pid: Number(text.split('\n')[0]) }
}

describe('a run that is cut off', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('by %s takes its server down, says so, and ends with 2', async (signal) => {
    const { run, server } = await startedRun()
    run.kill(signal)
    const { exitCode, stderr } = await run
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`Stopped by ${signal}`)
    expect(isRunning(server)).toBe(false)
    expect(workspacesOf(run.pid)).toEqual([])
  })

  test('after its two sides are made takes them down, also with --keep', async () => {
    const { run, server } = await startedRun('✓ migrate', ['--keep'])
    run.kill('SIGINT')
    expect((await run).stderr).toContain('Stopped')
    expect(isRunning(server)).toBe(false)
    expect(workspacesOf(run.pid)).toEqual([])
  })

  test.each([[[]], [['--keep']]])('by SIGKILL is cleaned up by the next start (%j)', async (flags) => {
    const { run, server } = await startedRun('✓ restore', flags)
    run.kill('SIGKILL')
    await run
    expect(workspacesOf(run.pid)).toHaveLength(1)
    await using _ = await startTestCluster()
    expect(isRunning(server)).toBe(false)
    expect(workspacesOf(run.pid)).toEqual([])
  })

  test('by a contract that names what is not there leaves nothing, also with --keep', async () => {
    const config = join(out, 'greenlight.config.mjs')
    await writeFile(config, `export default { contracts: { profile: { table: 'public.nobody', user: 'id' } } }`)
    const { exitCode, left, stderr } = await runGreenlight([...inputs, '--config', config, '--keep', '--out', out])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('public.nobody')
    expect(left).toEqual([])
    expect(await readFile(join(out, 'kept.json'), 'utf8').catch(() => 'none')).toBe('none')
  })

  test('by bad input that only the restored dump shows leaves nothing, also with --keep', async () => {
    const { exitCode, left } = await runGreenlight([...inputs, '--keep', '--out', out, '--baseline', '999'])
    expect(exitCode).toBe(2)
    expect(left).toEqual([])
  })
})
