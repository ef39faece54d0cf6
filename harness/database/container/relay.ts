import { createServer, isIPv4 } from 'node:net'
import type { StartedTestContainer } from 'testcontainers'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import type { ContainerClient, Containers } from './client.ts'
import { port, type RelayProgram, relayCommand, relayPrograms, socketFolder } from './scripts.ts'
import type { ContainerOptions } from './server.ts'

/** For images that can pass nothing on themselves. */
const relayImage = 'alpine/socat:1.7.4.3-r0'

export type Address = { readonly host: string; readonly port: number }

/** Starts the container that listens for the server, and says where. It runs nothing but the relay. */
export async function startRelay(
  { library, client }: Containers,
  server: StartedTestContainer,
  options: ContainerOptions & { readonly port?: number | undefined },
): Promise<Address> {
  throwIfAborted(options.signal, 'starting the container')
  const own = await relayProgram(server)
  const { bind, host } = await placeOf(client)

  class Relay extends library.GenericContainer {
    protected override async beforeContainerCreated() {
      const binding = { HostPort: String(options.port ?? 0), ...(bind === undefined ? {} : { HostIp: bind }) }
      this.hostConfig.PortBindings = { [`${port}/tcp`]: [binding] }
    }
  }
  const relay = new Relay(own === undefined ? relayImage : options.image)
    .withName(options.name)
    .withLabels(options.labels)
    .withUser('65534:65534')
    .withDroppedCapabilities('ALL')
    .withSecurityOpt('no-new-privileges')
    .withBindMounts([{ source: options.volume, target: socketFolder, mode: 'ro' }])
    .withEntrypoint([])
    .withCommand([...relayCommand(own ?? 'socat')])
    .withExposedPorts(port)
    .withWaitStrategy(library.Wait.forLogMessage(/listening/))
    .withAutoCleanup(false)
  const started = await relay.start().catch((cause) => {
    throwIfAborted(options.signal, 'starting the container')
    if (/port is already allocated|address already in use/i.test(String(cause))) {
      throw new HarnessError(
        'engine.port-taken',
        `Port ${options.port} on 127.0.0.1 is taken by another program. Choose another one, or leave the choice to Greenlight.`,
        { cause },
      )
    }
    throw cause
  })
  return { host, port: started.getMappedPort(port) }
}

/** Where the port is opened, and where it is found from here. */
async function placeOf(client: ContainerClient): Promise<{ readonly bind?: string; readonly host: string }> {
  const { host } = client.info.containerRuntime
  if (host === 'localhost' || (await isOwnAddress(host))) return { bind: '127.0.0.1', host: '127.0.0.1' }
  // In a container beside the engine, its bridge is the way; no other address of that machine opens a port.
  if (process.env.DOCKER_HOST === undefined && isIPv4(host)) return { bind: host, host }
  // A remote engine has no loopback of ours: there the password alone guards the port.
  return { host }
}

/** Only a machine's own addresses can be listened on. An interface that is down has one too, yet is not listed. */
async function isOwnAddress(host: string): Promise<boolean> {
  if (!isIPv4(host)) return false
  const probe = createServer()
  const bound = new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen(0, host, () => probe.close(() => resolve(true)))
  })
  return bound
}

async function relayProgram(server: StartedTestContainer): Promise<RelayProgram | undefined> {
  for (const program of relayPrograms) {
    const { exitCode } = await server.exec(['sh', '-c', `command -v ${program}`])
    if (exitCode === 0) return program
  }
  return undefined
}
