import { expect, test } from 'vitest'
import type { ContainerClient } from './client.ts'
import { chooseImage, imagesFor, localImages } from './image.ts'

/** A container engine that has these images, and no other. */
const having = (...images: readonly string[]) =>
  ({
    container: {
      dockerode: {
        getImage: (name: string) => ({
          inspect: () => (images.includes(name) ? Promise.resolve({}) : Promise.reject(new Error('no such image'))),
        }),
        listImages: () => Promise.resolve(images.map((name) => ({ RepoTags: [name] }))),
      },
    },
  }) as unknown as ContainerClient

const choose = (major: number, images: readonly string[], named?: string) =>
  chooseImage(having(...images), { named, major })

test('the image that is named is taken, at hand or not', async () => {
  expect(await choose(15, ['greenlight/postgres:15'], 'my/postgres:1')).toBe('my/postgres:1')
})

test('for the version of the dump: of the platform, else of this machine, else that of the platform is pulled', async () => {
  const [platform = '', local = ''] = imagesFor(17)
  expect([platform, local]).toEqual([expect.stringMatching(/^supabase\/postgres:17\./), 'greenlight/postgres:17'])
  expect(await choose(17, [platform, local, 'postgres:17'])).toBe(platform)
  expect(await choose(17, [local, 'postgres:17'])).toBe(local)
  expect(await choose(17, ['postgres:17'])).toBe(platform)
  expect(await choose(15, ['greenlight/postgres:17'])).toMatch(/^supabase\/postgres:15\./)
})

test('a version that the platform has no image of gets a plain one', async () => {
  expect(await choose(18, [])).toBe('postgres:18')
  expect(await choose(18, ['greenlight/postgres:18'])).toBe('greenlight/postgres:18')
})

test('images of this machine are told by their names', async () => {
  const client = having(
    'greenlight/postgres:17',
    'postgres:17',
    'greenlight/postgres-tools:1',
    'greenlight/postgres:16',
  )
  expect(await localImages(client)).toEqual(['greenlight/postgres:16', 'greenlight/postgres:17'])
})
