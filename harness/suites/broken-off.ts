import type { SideTest } from './join.ts'

/**
 * A test that failed while its stack broke off, as what it is: whether the app fails there is not known. It counts as
 * not run, which blocks, and neither as harm nor as fine; a test that passed all the same passed.
 */
export function toldOfBreak(test: SideTest, broken: readonly string[] = []): SideTest {
  if (test.state !== 'failed' || broken.length === 0) return test
  const { message, where: _, finding: __, ...others } = test
  const failure = message === undefined ? '' : `: ${message}`
  const reason = `its stack broke off (${broken[0]}), so that its failure does not tell of the app${failure}`
  return { ...others, state: 'not run', reason }
}
