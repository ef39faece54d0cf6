/** What masks are made of. Every list is free of duplicates and never empty. */
export type MaskWords = {
  readonly firstNames: readonly string[]
  readonly lastNames: readonly string[]
  /** Both as the local part of an address may hold them. */
  readonly localParts: { readonly first: readonly string[]; readonly last: readonly string[] }
  readonly streets: readonly string[]
  /** Some 64 KB of sentences. */
  readonly prose: string
}

/** The same words for every run: which of them a value gets is for the keyed hash to say. Loads the library for them. */
export async function maskWords(): Promise<MaskWords> {
  const { faker } = await import('@faker-js/faker/locale/en')
  faker.seed(1)
  const several = (make: () => string) => [...new Set(Array.from({ length: 1024 }, make))]
  const plain = (names: readonly string[]) => [
    ...new Set(names.map((name) => name.toLowerCase().replace(/[^a-z]/g, ''))),
  ]
  const firstNames = several(() => faker.person.firstName())
  const lastNames = several(() => faker.person.lastName())
  return {
    firstNames,
    lastNames,
    localParts: { first: plain(firstNames), last: plain(lastNames) },
    streets: several(() => faker.location.street()),
    prose: faker.lorem.sentences(1024, ' '),
  }
}
