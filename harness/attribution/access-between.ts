import type { Cloner } from '../clones.ts'
import type { Database } from '../database/engine.ts'
import type { Finding } from '../model/finding.ts'
import { compareAccess } from '../snapshot/access/compare.ts'
import { takeAccessDifferences } from '../snapshot/access/differences.ts'
import type { AccessFacts } from '../snapshot/access/facts.ts'
import { lookAtDefiners } from '../snapshot/access/look-at-definers.ts'
import { madeUpFindings } from '../snapshot/access/made-up/tell-made-up.ts'
import { tryMadeUp } from '../snapshot/access/made-up/try-made-up.ts'
import { takeAccess } from '../snapshot/access/take.ts'
import { compareWrites } from '../snapshot/access/writes/compare-writes.ts'
import { tryWrites } from '../snapshot/access/writes/try-writes.ts'
import { keyOf, partsOf } from './finding-key.ts'

/** Compares access between two states, for the findings sought only. Each state is read once for the same objects. */
export function accessBetween({ access, clone, signal }: { access: AccessFacts; clone: Cloner; signal: AbortSignal }) {
  const seen = new Map<string, Promise<AccessFacts>>()
  const accessOf = (database: Database, only: ReadonlySet<string>) => {
    const key = [database.name, ...[...only].sort()].join('\0')
    const known = seen.get(key) ?? takeAccess(database, access.identities, { signal, like: access, only })
    seen.set(key, known)
    return known
  }
  return async (from: Database, to: Database, keys: readonly string[]): Promise<Finding[]> => {
    const objects = new Set(keys.map((key) => partsOf(key).object))
    const was = await accessOf(from, objects)
    const is = await accessOf(to, objects)
    const differences = await takeAccessDifferences(
      { database: from, facts: was },
      { database: to, facts: is },
      { signal },
    )
    const { findings } = compareAccess(was, is, differences)
    const seen = new Set(findings.map(keyOf))
    if (keys.some((key) => partsOf(key).kind.endsWith('-gained') && !seen.has(key))) {
      const madeUp = await tryMadeUp({ database: from, facts: was }, { database: to, facts: is }, clone, { signal })
      if (madeUp) findings.push(...madeUpFindings(was, madeUp))
    }
    if (keys.some((key) => partsOf(key).kind.startsWith('access.write-'))) {
      await using old = await clone(from)
      await using now = await clone(to)
      const tried = await tryWrites({ database: old, facts: was }, { database: now, facts: is }, { signal })
      findings.push(...compareWrites(is, tried).findings)
    }
    const relations = new Set([...was.relations, ...is.relations].map(({ name }) => name))
    if ([...objects].some((object) => !relations.has(object))) {
      findings.push(...(await lookAtDefiners(from, to, access.identities, { signal })).findings)
    }
    return findings
  }
}
