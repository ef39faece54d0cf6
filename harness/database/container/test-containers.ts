import { type ContainerClient, type Containers, findContainers } from './client.ts'
import { hasImage, localImage } from './image.ts'
import { ownerLabel } from './owner.ts'

/** The image that tests use; made by `fixtures/images/build.sh`. */
export const testImage = localImage(17)

/** The engine of this machine with the tests' image; undefined where tests that need it are skipped. */
export async function testContainers(): Promise<Containers | undefined> {
  const containers = await findContainers().catch(() => undefined)
  return containers !== undefined && (await hasImage(containers.client, testImage)) ? containers : undefined
}

/** Names of the containers and volumes that process `pid` made and that are still there. */
export async function leftBy(client: ContainerClient, pid: number | undefined): Promise<readonly string[]> {
  const { dockerode } = client.container
  const filters = { label: [ownerLabel] }
  const isOf = (labels: Readonly<Record<string, string>> | null) => JSON.parse(labels?.[ownerLabel] ?? '{}').pid === pid
  const containers = await dockerode.listContainers({ all: true, filters })
  const { Volumes } = await dockerode.listVolumes({ filters })
  return [
    ...containers.filter(({ Labels }) => isOf(Labels)).flatMap(({ Names }) => Names),
    ...(Volumes ?? []).filter(({ Labels }) => isOf(Labels)).map(({ Name }) => Name),
  ]
}
