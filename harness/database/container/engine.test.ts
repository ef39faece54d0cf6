import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { extensionFiles, preloadedExtensions } from '../../platform/extension-files.ts'
import { connect } from '../connection.ts'
import type { Cluster } from '../engine.ts'
import { containerEngine } from './engine.ts'
import { sweepAbandoned } from './reap.ts'
import { leftBy, testContainers, testImage } from './test-containers.ts'

const containers = await testContainers()
const start = (options: { signal?: AbortSignal; image?: string } = {}): Promise<Cluster> =>
  containerEngine.start({ image: testImage, extensionFiles, preloadedExtensions, ...options })
const left = (pid = process.pid) => (containers === undefined ? [] : leftBy(containers.client, pid))

describe.skipIf(containers === undefined)(`container engine (${testImage})`, () => {
  test('starts, makes databases, clones them, and leaves nothing behind', async () => {
    const cluster = await start()
    expect(await left()).toHaveLength(3)
    const before = await cluster.createDatabase('before')
    {
      await using session = await before.connect()
      await session.query('create table t as select generate_series(1, 10) n')
      await using after = await before.clone('after')
      await using reader = await after.connect({ readOnly: true })
      expect((await reader.query('select count(*)::int as n from t')).rows).toEqual([{ n: 10 }])
      expect((await reader.query('show fsync')).rows).toEqual([{ fsync: 'off' }])
    }
    await cluster.stop()
    await cluster.stop()
    expect(await left()).toEqual([])
  })

  test('has the real extensions of its image, and stubs of what would act on its own', async () => {
    await using cluster = await start()
    await using session = await (await cluster.createDatabase('extended')).connect()
    const { rows } = await session.query(
      `select name, comment like 'STUB of %' as stub from pg_available_extensions
       where name in ('vector', 'pgtap', 'pg_cron', 'pg_net', 'pg_stat_statements') order by 1`,
    )
    expect(rows).toEqual([
      { name: 'pg_cron', stub: true },
      { name: 'pg_net', stub: true },
      { name: 'pg_stat_statements', stub: false },
      { name: 'pgtap', stub: false },
      { name: 'vector', stub: false },
    ])
    await session.query('create extension pg_cron; create extension pg_net; create extension vector')
    expect((await session.query(`select '[1,2,3]'::vector <-> '[1,2,5]' as distance`)).rows).toEqual([{ distance: 2 }])
    expect((await session.query(`select cron.schedule('j', '* * * * *', 'select 1') as job`)).rows).toEqual([
      { job: '1' },
    ])
  })

  test('compares and sorts text as the embedded engine does', async () => {
    await using cluster = await start()
    await using session = await (await cluster.createDatabase('texts')).connect()
    const { rows } = await session.query(
      `select (select string_agg(v, ' ' order by v) from unnest(array['b', 'B', 'ä', 'a', 'Z', '_']) v) as sorted,
              upper('äß') as upper, datlocprovider as provider, datlocale as locale
       from pg_database where datname = current_database()`,
    )
    expect(rows).toEqual([{ sorted: 'B Z _ a b ä', upper: 'Äß', provider: 'b', locale: 'C.UTF-8' }])
  })

  test('reaches nothing outside, and is reached on loopback alone, with its password', async () => {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal)?.address
    if (address === undefined) throw new Error('this machine has no address but loopback')
    let calls = 0
    const listener = createServer((socket) => {
      calls += 1
      socket.end()
    }).listen(0, '0.0.0.0')
    await once(listener, 'listening')
    const { port } = listener.address() as { port: number }
    const call = `bash -c 'exec 3<>/dev/tcp/${address}/${port}'`
    try {
      // The listener is there, and a container with a network does reach it.
      await execa('docker', ['run', '--rm', testImage, 'sh', '-c', call])
      expect(calls).toBe(1)
      await using cluster = await start()
      await using session = await cluster.database('template1').connect()
      await session.query('create table lines (line text)')
      await expect(session.query(`copy lines from program $cmd$${call}$cmd$`)).rejects.toMatchObject({
        message: expect.stringContaining('program'),
      })
      await session.query('create extension dblink')
      await expect(
        session.query(`select dblink_connect('hostaddr=${address} port=${port} connect_timeout=2')`),
      ).rejects.toThrow()
      expect(calls).toBe(1)
      expect((await session.query('select count(*)::int as n from lines')).rows).toEqual([{ n: 0 }])

      const config = cluster.database('template1').config()
      await expect(connect({ ...config, host: address })).rejects.toThrow('ECONNREFUSED')
      await expect(connect({ ...config, password: 'wrong' })).rejects.toThrow('password authentication failed')
    } finally {
      listener.close()
    }
  })

  test('a start that is aborted, and one that fails, take down what was half built', async () => {
    const abort = new AbortController()
    const refused = expect(start({ signal: abort.signal })).rejects.toMatchObject({ code: 'aborted' })
    await expect.poll(() => left(), { timeout: 30_000 }).not.toEqual([])
    abort.abort()
    await refused
    expect(await left()).toEqual([])
    await using cluster = await start()
    await expect(containerEngine.start({ image: testImage, port: cluster.port })).rejects.toMatchObject({
      code: 'engine.port-taken',
      message: expect.stringContaining(String(cluster.port)),
    })
    expect(await left()).toHaveLength(3)
  })

  test('an image that is nowhere, and one without a server, are refused with what to do', async () => {
    await expect(start({ image: 'localhost:9/greenlight/absent:1' })).rejects.toMatchObject({
      code: 'engine.unavailable',
      message: expect.stringMatching(
        /^The image localhost:9\/greenlight\/absent:1 .*\S\. Name another .*postgres:17 is at hand/,
      ),
    })
    expect(await left()).toEqual([])
  })

  test('what a killed run left is removed by the next start, and a living one keeps its own', async () => {
    if (containers === undefined) return
    const module = fileURLToPath(new URL('./engine.ts', import.meta.url))
    const script = `const { containerEngine } = await import(${JSON.stringify(module)})
      await containerEngine.start({ image: '${testImage}' })
      console.log('up')
      setInterval(() => {}, 1000)`
    const run = execa(process.execPath, ['--input-type=module', '-e', script], { reject: false })
    await once(run.stdout, 'data')
    expect(await left(run.pid)).toHaveLength(3)
    await using own = await start()
    expect(await left(run.pid)).toHaveLength(3)
    run.kill('SIGKILL')
    await run
    expect(await left(run.pid)).toHaveLength(3)
    expect(await sweepAbandoned(containers.client)).toBe(2)
    expect(await left(run.pid)).toEqual([])
    await using session = await own.database('template1').connect()
    await session.query('select 1')
  })
})
