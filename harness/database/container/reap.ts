import type { ContainerClient } from './client.ts'
import { isAbandoned, ownerLabel } from './owner.ts'

/** Names of what one start makes in the engine. */
export type Made = { readonly containers: readonly string[]; readonly volume: string }

/** Removes containers first: a volume in use cannot be. What is gone already is no failure. */
export async function removeMade(client: ContainerClient, { containers, volume }: Made): Promise<void> {
  const { dockerode } = client.container
  const outcomes = await Promise.allSettled(
    containers.map((name) => dockerode.getContainer(name).remove({ force: true, v: true })),
  )
  outcomes.push(...(await Promise.allSettled([dockerode.getVolume(volume).remove({ force: true })])))
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected' && !isGone(outcome.reason)) throw outcome.reason
  }
}

/** Removes what runs that were killed left in the engine. Ours alone, by its label. Returns how many containers. */
export async function sweepAbandoned(client: ContainerClient): Promise<number> {
  const { dockerode } = client.container
  const filters = { label: [ownerLabel] }
  const containers = (await dockerode.listContainers({ all: true, filters })).filter(({ Labels }) =>
    isAbandoned(Labels),
  )
  await Promise.allSettled(containers.map(({ Id }) => dockerode.getContainer(Id).remove({ force: true, v: true })))
  const { Volumes } = await dockerode.listVolumes({ filters })
  const volumes = (Volumes ?? []).filter(({ Labels }) => isAbandoned(Labels))
  await Promise.allSettled(volumes.map(({ Name }) => dockerode.getVolume(Name).remove({ force: true })))
  return containers.length
}

/** 404: no such thing; 409: its removal is in progress already. */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && (error.statusCode === 404 || error.statusCode === 409)
}
