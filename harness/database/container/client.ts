import { HarnessError, messageOf } from '../../errors.ts'

type Testcontainers = typeof import('testcontainers')
export type ContainerClient = Awaited<ReturnType<Testcontainers['getContainerRuntimeClient']>>
export type Containers = { readonly library: Testcontainers; readonly client: ContainerClient }

/**
 * The container engine that testcontainers finds: DOCKER_HOST, the socket of Docker, rootless Docker or Podman, its
 * Desktop, Testcontainers Cloud. Loaded when it is wanted. Throws `engine.unavailable`.
 */
export async function findContainers(): Promise<Containers> {
  const library = await import('testcontainers').catch((cause) => {
    throw new HarnessError(
      'engine.unavailable',
      'The container engine needs the package "testcontainers", which is not installed. Run npm install without --omit=optional, or use --engine embedded.',
      { cause },
    )
  })
  try {
    return { library, client: await library.getContainerRuntimeClient() }
  } catch (cause) {
    throw new HarnessError(
      'engine.unavailable',
      `No container engine answers (${messageOf(cause)}). Start Docker, or name its address in DOCKER_HOST, or use --engine embedded, which needs none.`,
      { cause },
    )
  }
}
