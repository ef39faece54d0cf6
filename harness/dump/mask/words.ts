/** What masks are made of. Every list is free of duplicates and never empty. */
export type MaskWords = {
  readonly firstNames: readonly string[]
  readonly lastNames: readonly string[]
  readonly streets: readonly string[]
  /** Some 64 KB of sentences. */
  readonly prose: string
}

/** The same words for every run: which of them a value gets is for the keyed hash to say. Loads the library for them. */
export async function maskWords(): Promise<MaskWords> {
  const { faker } = await import('@faker-js/faker/locale/en')
  faker.seed(1)
  const several = (make: () => string) => [...new Set(Array.from({ length: 1024 }, make))]
  return {
    firstNames: several(() => faker.person.firstName()),
    lastNames: several(() => faker.person.lastName()),
    streets: several(() => faker.location.street()),
    prose: faker.lorem.sentences(1024, ' '),
  }
}
