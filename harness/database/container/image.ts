import type { ContainerClient } from './client.ts'

/** Images of the platform by major version: the newest that its own command line starts. */
const platformImages: Readonly<Record<number, string>> = {
  15: 'supabase/postgres:15.8.1.085',
  17: 'supabase/postgres:17.6.1.132',
}

/** What `fixtures/images/build.sh` makes from Debian's packages, where no registry is to be had. */
export const localImage = (major: number | '') => `greenlight/postgres:${major}`

/**
 * Images for a dump of PostgreSQL `major`, the best first: the platform's own, one made on this machine, a plain one.
 * Pure: whether one is at hand is for the caller to see.
 */
export function imagesFor(major: number): readonly string[] {
  const platform = platformImages[major]
  return [...(platform === undefined ? [] : [platform]), localImage(major), `postgres:${major}`]
}

/**
 * The image to start: the one named; else the first of `imagesFor` that is at hand, a plain one excepted: it is no
 * match for the platform's, which is then pulled.
 */
export async function chooseImage(
  client: ContainerClient,
  { named, major }: { readonly named: string | undefined; readonly major: number },
): Promise<string> {
  if (named !== undefined) return named
  const candidates = imagesFor(major)
  const preferred = candidates[0] ?? localImage(major)
  for (const image of candidates.filter((name) => name === preferred || name === localImage(major))) {
    if (await hasImage(client, image)) return image
  }
  return platformImages[major] ?? `postgres:${major}`
}

export async function hasImage(client: ContainerClient, image: string): Promise<boolean> {
  return client.container.dockerode
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    )
}

/** What `fixtures/images/build.sh` made here, of any version, sorted. */
export async function localImages(client: ContainerClient): Promise<readonly string[]> {
  const images = await client.container.dockerode.listImages()
  return images
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((name) => name.startsWith(localImage('')))
    .sort()
}
