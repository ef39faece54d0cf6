import type { Cloner } from './clones.ts'
import type { Database } from './database/engine.ts'
import type { Inputs } from './inputs.ts'
import type { Side } from './model/suite-run.ts'
import { compareAccess } from './snapshot/access/compare.ts'
import { takeAccessDifferences } from './snapshot/access/differences.ts'
import { confirmed, tellEveryone } from './snapshot/access/everyone/tell.ts'
import type { AccessFacts } from './snapshot/access/facts.ts'
import { lookAtDefiners } from './snapshot/access/look-at-definers.ts'
import { tellMadeUp } from './snapshot/access/made-up/tell-made-up.ts'
import { tryMadeUp } from './snapshot/access/made-up/try-made-up.ts'
import { takeEverybody } from './snapshot/access/sampled.ts'
import { compareWrites } from './snapshot/access/writes/compare-writes.ts'
import { tryWrites } from './snapshot/access/writes/try-writes.ts'
import { type Identity, pickIdentities } from './snapshot/identities.ts'
import type { Stages } from './stages.ts'

export type AccessLook = {
  /** Who was asked. Absent when nobody could be picked: the stage's row says why. */
  readonly identities?: readonly Identity[]
  /** What they saw before. Absent when it could not be read. */
  readonly access?: AccessFacts
  /** What they saw after the migrations. */
  readonly later?: AccessFacts
}

/** The stages `row sets`, `writes` and `functions`: who reaches what, on both sides. */
export async function lookAtAccess(
  sides: Readonly<Record<Side, Database>>,
  { options }: Inputs,
  clone: Cloner,
  stages: Stages,
  signal: AbortSignal,
): Promise<AccessLook> {
  const { before, after } = sides
  const { contracts = {}, usersPerKind = 2 } = options.config
  let identities: readonly Identity[] | undefined
  let access: AccessFacts | undefined
  let later: AccessFacts | undefined
  await stages.look('row sets', async () => {
    const picked = await pickIdentities(before, {
      contracts,
      seed: options.seed,
      after,
      usersPerKind,
      maxUsers: options.identities,
    })
    identities = picked
    const all = options.identities === 'all'
    const { was, is, everyone } = await takeEverybody(sides, picked, clone, { signal, all })
    access = was
    later = is
    const differences = await takeAccessDifferences(
      { database: before, facts: was },
      { database: after, facts: is },
      { signal },
    )
    const users = picked.filter(({ userId }) => userId !== undefined).length
    const told = tellEveryone(compareAccess(was, is, differences), everyone && confirmed(everyone, differences), users)
    const madeUp = await tryMadeUp({ database: before, facts: was }, { database: after, facts: is }, clone, { signal })
    return tellMadeUp(told, was, is, madeUp)
  })
  if (identities === undefined) {
    stages.skip('functions', 'nobody could be picked to call them')
    return {}
  }
  const asked = identities
  const [was, is] = [access, later]
  if (was === undefined || is === undefined) stages.skip('writes', 'what may be written could not be read')
  else {
    await stages.look('writes', async () => {
      await using old = await clone(before)
      await using now = await clone(after)
      const tried = await tryWrites({ database: old, facts: was }, { database: now, facts: is }, { signal })
      return compareWrites(is, tried, stages.findings)
    })
  }
  await stages.look('functions', () => lookAtDefiners(before, after, asked, { signal }))
  return {
    identities,
    ...(access === undefined ? {} : { access }),
    ...(later === undefined ? {} : { later }),
  }
}
