import type { TocEntry } from './dump.ts'

/** An entry of schema public before the data, for tests: all that is not named is empty. */
export function testEntry(more: Partial<TocEntry>): TocEntry {
  return {
    id: 1,
    type: 'TABLE',
    section: 'pre-data',
    schema: 'public',
    name: 'n',
    owner: '',
    definition: '',
    dropStatement: '',
    copyStatement: '',
    dependencies: [],
    ...more,
  }
}
