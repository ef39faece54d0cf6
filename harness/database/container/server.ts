import type { StartedTestContainer } from 'testcontainers'
import { HarnessError, messageOf, throwIfAborted } from '../../errors.ts'
import { neededBytes } from '../room.ts'
import type { ContainerClient, Containers } from './client.ts'
import { localImages } from './image.ts'
import { noServer, serverCommand, socketFolder } from './scripts.ts'

export type ContainerOptions = {
  readonly name: string
  readonly image: string
  readonly labels: Record<string, string>
  /** Holds the server's socket. */
  readonly volume: string
  readonly signal?: AbortSignal | undefined
}

const startTimeoutMs = 120_000
const memoryFolder = '/greenlight-data'

/** Starts the server's container and waits until it takes connections. Throws `engine.start-failed`, `engine.unavailable`. */
export async function startServer(
  { library, client }: Containers,
  options: ContainerOptions & { readonly password: string; readonly databaseBytes?: number },
): Promise<StartedTestContainer> {
  const { image } = options
  const user = await userOf({ library, client }, options)
  const inMemory = client.info.containerRuntime.memory >= 2 * neededBytes(options.databaseBytes)
  const said: string[] = []
  const container = new library.GenericContainer(image)
    .withName(options.name)
    .withLabels(options.labels)
    .withUser(user)
    .withNetworkMode('none')
    .withDroppedCapabilities('ALL')
    .withSecurityOpt('no-new-privileges')
    .withBindMounts([{ source: options.volume, target: socketFolder }])
    // PGHOSTADDR: what dblink, a foreign server or a subscription of the dump names is never looked up.
    .withEnvironment({ GREENLIGHT_PASSWORD: options.password, LC_ALL: 'C', TZ: 'UTC', PGHOSTADDR: '127.0.0.1' })
    .withEntrypoint([])
    .withCommand([...serverCommand(inMemory ? `${memoryFolder}/data` : '/tmp/greenlight-data')])
    .withLogConsumer((stream) => stream.on('data', (line) => said.push(String(line))))
    .withWaitStrategy(library.Wait.forLogMessage(/database system is ready to accept connections/))
    .withStartupTimeout(startTimeoutMs)
    // Removed by their label, at the latest at the next start: a reaper of testcontainers' own would need its image.
    .withAutoCleanup(false)
  if (inMemory) container.withTmpFs({ [memoryFolder]: 'rw,mode=1777' })
  try {
    return await container.start()
  } catch (cause) {
    throwIfAborted(options.signal, 'starting the container')
    const words = said.join('').trim().split('\n').slice(-6).join('\n  ')
    throw new HarnessError(
      words.includes('no initdb') ? 'engine.unavailable' : 'engine.start-failed',
      `Postgres did not start in a container of ${image}: ${words === '' ? messageOf(cause) : `it says\n  ${words}`}`,
      { cause, facts: { image, exitCode: noServer } },
    )
  }
}

/** Pulls the image when it is not at hand. Postgres refuses to run as root: images that would are run as postgres. */
async function userOf({ library, client }: Containers, { image, signal }: ContainerOptions): Promise<string> {
  const found = client.container.dockerode.getImage(image)
  const facts = await found.inspect().catch(async () => {
    throwIfAborted(signal, `pulling the image ${image}`)
    try {
      await client.image.pull(library.ImageName.fromString(image))
    } catch (cause) {
      throw new HarnessError(
        'engine.unavailable',
        `The image ${image} is not on this machine and cannot be pulled: ${messageOf(cause).trim()}. ${await otherImage(client)}, or use --engine embedded.`,
        { cause, facts: { image } },
      )
    }
    return found.inspect()
  })
  const user = facts.Config.User.split(':')[0] ?? ''
  return user === '' || user === 'root' || user === '0' ? 'postgres' : facts.Config.User
}

async function otherImage(client: ContainerClient): Promise<string> {
  const [image] = (await localImages(client).catch(() => [])).toReversed()
  return image === undefined
    ? 'Name another with --image, make one (fixtures/images/build.sh, docker load)'
    : `Name another with --image (${image} is at hand)`
}
