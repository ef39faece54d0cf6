import type { MailKind } from '../model/finding.ts'
import type { JoinedTest, Side, TestOutcome, TestState } from '../model/suite-run.ts'

/** One test as Vitest saw it on one side. */
export type SideTest = {
  readonly side: Side
  readonly file: string
  readonly name: string
  readonly state: TestState
  readonly message?: string
  /** What a check of mails found, when it failed. */
  readonly finding?: MailKind
  readonly where?: { readonly file: string; readonly line: number; readonly column?: number }
  readonly milliseconds?: number
  readonly reason?: string
  /** A sentence for the report. */
  readonly remark?: string
  readonly observations: Readonly<Record<string, string>>
}

/**
 * Joins the tests of both sides by file and full name; sorted by file, then in the order of the file. `unasked` are the
 * files that were left out on before on purpose.
 */
export function joinTests(tests: readonly SideTest[], unasked: ReadonlySet<string> = new Set()): JoinedTest[] {
  const pairs = new Map<string, { before?: SideTest; after?: SideTest }>()
  for (const test of tests) {
    const key = `${test.file}\0${test.name}`
    pairs.set(key, { ...pairs.get(key), [test.side]: test })
  }
  return [...pairs.values()]
    .map(({ before, after }) => joined(before, after, unasked))
    .sort((one, other) => (one.file < other.file ? -1 : one.file > other.file ? 1 : 0))
}

function joined(before: SideTest | undefined, after: SideTest | undefined, unasked: ReadonlySet<string>): JoinedTest {
  const test = after ?? before
  if (test === undefined) throw new Error('a pair without a test')
  const was = before?.state ?? (unasked.has(test.file) ? 'not asked' : 'not run')
  const differing = differingObservations(before, after)
  const outcome = differing.length > 0 ? 'regressed' : outcomeOf(was, after)
  const message =
    differing.length > 0
      ? `the answer is not the same before and after: ${differing.join(', ')}`
      : messageOf(before, after)
  // What fails after is told by how it fails there.
  const finding = (after?.state === 'failed' ? after : before)?.finding
  const where = after?.where ?? before?.where
  const reason = after?.reason ?? before?.reason
  const remark = after?.remark ?? before?.remark
  return {
    suite: suiteOf(test.file),
    file: test.file,
    name: test.name,
    before: was,
    after: after?.state ?? 'not run',
    outcome,
    ...(message === undefined ? {} : { message }),
    ...(finding === undefined ? {} : { finding }),
    ...(where === undefined ? {} : { where }),
    milliseconds: {
      ...(before?.milliseconds === undefined ? {} : { before: before.milliseconds }),
      ...(after?.milliseconds === undefined ? {} : { after: after.milliseconds }),
    },
    ...(reason === undefined ? {} : { reason }),
    ...(remark === undefined ? {} : { remark }),
  }
}

/** What failed; where both sides fail, and differently, both are said: old harm is told apart from new. */
function messageOf(before: SideTest | undefined, after: SideTest | undefined): string | undefined {
  const [was, is] = [before?.message, after?.message]
  return was === undefined || is === undefined || was === is ? (is ?? was) : `${is}; before the migrations: ${was}`
}

function outcomeOf(before: TestState, after: SideTest | undefined): TestOutcome {
  switch (`${before}/${after?.state ?? 'not run'}`) {
    case 'not asked/passed':
      return 'passes'
    case 'passed/passed':
      return 'same'
    case 'passed/failed':
      return 'regressed'
    case 'failed/passed':
      return 'fixed'
    case 'failed/failed':
      return 'fails'
    default:
      // What fails after is harm, whatever became of its twin.
      if (after?.state === 'failed') return 'regressed'
      return after?.reason?.startsWith('not configured') ? 'not configured' : 'not run'
  }
}

function differingObservations(before: SideTest | undefined, after: SideTest | undefined): string[] {
  if (before?.state !== 'passed' || after?.state !== 'passed') return []
  // What was seen on one side only is about rows that are gone or new: the ledger's to judge.
  return Object.keys(before.observations)
    .filter((name) => name in after.observations && before.observations[name] !== after.observations[name])
    .sort()
}

/** The folder that a suite file lies in. */
function suiteOf(file: string): string {
  return file.split('/').at(-2) ?? file
}
