import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { HarnessError, messageOf, throwIfAborted } from '../../errors.ts'
import { startedCluster } from '../cluster.ts'
import { connect } from '../connection.ts'
import { adminRole, type Cluster, type Engine, type StartOptions } from '../engine.ts'
import { type Containers, findContainers } from './client.ts'
import { installExtensions } from './extensions.ts'
import { chooseImage } from './image.ts'
import { ownerLabels } from './owner.ts'
import { type Made, removeMade, sweepAbandoned } from './reap.ts'
import { startRelay } from './relay.ts'
import { startServer } from './server.ts'

/** Of a dump whose version is not told. */
const usualMajor = 17

const offers = ['template-clones', 'extension-files', 'superuser', 'settings', 'statement-statistics'] as const

/**
 * A Postgres server in a container without a network. A second container, beside it, passes connections on from a
 * loopback port to the server's socket, the one thing that both share. Works with any image of Postgres, and with every
 * engine that testcontainers reaches.
 */
export const containerEngine: Engine = {
  name: 'container',
  offers,
  async available() {
    return findContainers().then(
      () => ({ ok: true as const }),
      (error) => ({ ok: false as const, reason: messageOf(error) }),
    )
  },
  async start(options) {
    throwIfAborted(options.signal, 'looking for a container engine')
    const containers = await findContainers()
    await sweepAbandoned(containers.client)
    const image = await chooseImage(containers.client, {
      named: options.image,
      major: Math.floor((options.dumpedFrom ?? usualMajor * 10_000) / 10_000),
    })
    const id = randomBytes(6).toString('hex')
    const made: Made = { containers: [`greenlight-${id}-relay`, `greenlight-${id}`], volume: `greenlight-${id}` }
    // Last resort, when the process ends without disposal; where there is no such program, the next start removes it.
    const atExit = () => {
      for (const args of [
        ['rm', '-f', '-v', ...made.containers],
        ['volume', 'rm', '-f', made.volume],
      ]) {
        try {
          execFileSync('docker', args, { stdio: 'ignore' })
        } catch {}
      }
    }
    process.once('exit', atExit)
    const remove = async () => {
      await removeMade(containers.client, made)
      process.off('exit', atExit)
    }
    const keep = async () => void process.off('exit', atExit)
    try {
      return await startIn(containers, made, image, options, { remove, keep })
    } catch (error) {
      await remove()
      throwIfAborted(options.signal, 'starting the container')
      if (error instanceof HarnessError) throw error
      throw new HarnessError('engine.start-failed', `The container with ${image} did not start: ${messageOf(error)}`, {
        cause: error,
      })
    }
  },
}

async function startIn(
  containers: Containers,
  made: Made,
  image: string,
  options: StartOptions,
  { remove, keep: stay }: { readonly remove: () => Promise<void>; readonly keep: () => Promise<void> },
): Promise<Cluster> {
  const { client } = containers
  const { signal, keep = false } = options
  const password = randomBytes(24).toString('base64url')
  const labels = ownerLabels(keep)
  const [relayName = '', serverName = ''] = made.containers
  const shared = { image, labels, volume: made.volume, signal }
  await client.container.dockerode.createVolume({
    Name: made.volume,
    Driver: 'local',
    DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'mode=1777,size=1m' },
    Labels: labels,
  })
  const server = await startServer(containers, { ...shared, name: serverName, password, ...options })
  throwIfAborted(signal, 'starting the container')
  const address = await startRelay(containers, server, { ...shared, name: relayName, port: options.port })
  await using session = await connect({ ...address, user: adminRole, password, database: 'template1' })
  if (options.extensionFiles !== undefined) {
    await installExtensions(session, server, options.extensionFiles, options.preloadedExtensions ?? [])
  }
  const { rows } = await session.query(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS text, current_setting('server_version_num')::int AS num`,
  )
  return startedCluster(
    {
      engine: 'container',
      capabilities: offers,
      serverVersion: rows[0].text,
      serverVersionNum: rows[0].num,
      image,
      ...address,
      password,
      location: serverName,
      removal: `docker rm -f -v ${made.containers.join(' ')}; docker volume rm ${made.volume}`,
    },
    remove,
    stay,
  )
}
