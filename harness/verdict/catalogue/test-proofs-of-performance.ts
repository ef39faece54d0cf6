import type { FindingKind } from '../../model/finding.ts'
import { of, type Proof } from './test-proof.ts'

const queries = 'harness/snapshot/queries/queries.test.ts'
const storage = 'harness/snapshot/storage/storage.test.ts'
const trace = 'harness/migrations/trace.test.ts'
const shortLocks = 'are no alarm when they end before the long work, are on new tables, or let users work'

/** What a migration costs, while it runs and later. */
export const performanceProofs = {
  'query.costlier': of(queries, 'an index that is gone makes a read costlier', 'a renamed index'),
  'query.slower': of(
    queries,
    'a function in a policy that takes its time makes reads slower',
    'an index that is made anew',
  ),
  'storage.bloat': of(
    storage,
    'an UPDATE of every row of a large table leaves as much room behind as the rows take',
    'an UPDATE of the few rows that need it',
  ),
  'storage.grown': of(
    storage,
    'a table that grew by its rows, or that is new and large, is told as information',
    'a column with a default',
  ),
  'index.dropped': of(
    queries,
    'an index that reads used and that is gone is told by itself, too',
    'an index in the place of another one',
  ),
  'index.abandoned': of(
    'harness/snapshot/queries/index-use.test.ts',
    'one that stays, and that nothing uses any more, is told with what took its place',
    'is not told where another read uses it, a function does, or the table is small',
  ),
  'index.unused': of(queries, 'a new index that nothing asks for is information', 'an index that a read uses'),
  'lock.blocks-reads': of(
    trace,
    'of reads, when held longer than allowed, are told with table, place, time and what they waited for',
    shortLocks,
  ),
  'lock.blocks-writes': of(trace, 'of writes are told apart from those of reads', shortLocks),
  'traffic.blocked': of(
    'harness/migrations/traffic.test.ts',
    'wait as long as a lock is held: a sleep of known length is measured within 20 %',
    'feel nothing of short locks, concurrent builds, and locks on other tables',
  ),
} satisfies Partial<Record<FindingKind, Proof>>
