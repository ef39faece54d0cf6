import type { Database } from '../../database/engine.ts'
import { type Identity, pickIdentities } from '../identities.ts'
import { compareAccess } from './compare.ts'
import { takeAccessDifferences } from './differences.ts'
import type { AccessFacts } from './facts.ts'
import { takeAccess } from './take.ts'
import { makeProject, migrate, plannerContracts } from './test-project.ts'

export type AccessProject = {
  readonly before: Database
  readonly identities: readonly Identity[]
  readonly facts: AccessFacts
  /** Compares access before and after `sql`, run as a migration on a clone. */
  rehearse(sql: string, options?: { rowsRead?: number }): Promise<ReturnType<typeof compareAccess>>
}

/** The planner app with 40 users, twelve of whom are asked, in a database that has the platform's schemas. */
export async function accessProject(before: Database, setUp: string): Promise<AccessProject> {
  await makeProject(before, { users: 40 })
  await migrate(before, setUp)
  const identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 12 })
  const facts = await takeAccess(before, identities)
  return {
    before,
    identities,
    facts,
    async rehearse(sql, options = {}) {
      await using after = await before.clone('after')
      await migrate(after, sql)
      const now = await takeAccess(after, identities, { like: facts })
      const sides = [
        { database: before, facts },
        { database: after, facts: now },
      ] as const
      return compareAccess(facts, now, await takeAccessDifferences(...sides, options))
    },
  }
}
