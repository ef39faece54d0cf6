import { type AccessFacts, type Relation, setsOf } from '../facts.ts'
import { grantsOf, maskOf } from '../probe-sql.ts'

export const writeCommands = ['update', 'delete', 'insert'] as const
export type WriteCommand = (typeof writeCommands)[number]

/** One write that is tried on both sides. */
export type Attempt = {
  readonly relation: string
  /** Index into the identities of the facts. */
  readonly identity: number
  /** Hash of the row's key, as the probes tell it. */
  readonly row: string
  readonly command: WriteCommand
}

/** Users who try each relation, besides anon and service_role, and rows of each. */
const mostUsers = 16
const rowsEach = 2

/**
 * A few rows of each identity and relation, those first that it may write with most commands: what the policies allow is
 * then tried with all that comes behind them. Of views every row seen may be tried. Users come in the order of the
 * sample, of which every beginning is spread over the kinds.
 */
export function chooseAttempts(before: AccessFacts, after: AccessFacts): Attempt[] {
  const later = new Set(after.relations.map(({ name }) => name))
  return before.relations
    .filter(({ name }) => later.has(name))
    .flatMap((relation) => {
      let users = 0
      return before.probes
        .filter((probe) => probe.relation === relation.name)
        .flatMap((probe) => {
          const identity = before.identities[probe.identity]
          if (identity === undefined || users >= mostUsers) return []
          const attempts = attemptsOf(relation, identity.role, probe.identity, rowsOf(probe.outcome))
          if (attempts.length > 0 && identity.userId !== undefined) users += 1
          return attempts
        })
    })
}

function rowsOf(outcome: AccessFacts['probes'][number]['outcome']): { hash: string; mask: number }[] {
  if (outcome.state !== 'read' || setsOf(outcome).seen.count === 0) return []
  return (outcome.rows ?? outcome.some ?? '')
    .split(',')
    .filter((row) => row !== '')
    .map((row) => row.split(':'))
    .map(([hash = '', mask]) => ({ hash, mask: Number(mask) }))
}

function attemptsOf(
  relation: Relation,
  role: string,
  identity: number,
  rows: readonly { hash: string; mask: number }[],
): Attempt[] {
  const grants = grantsOf(relation, role)
  const granted = {
    update: grants.update.length > 0,
    delete: grants.delete,
    insert: grants.insert.length > 0 && relation.kind === 'table',
  }
  const bits = { update: maskOf.updatable, delete: maskOf.deletable, insert: maskOf.insertable }
  const can = (command: WriteCommand, mask: number) =>
    granted[command] && (relation.kind === 'view' || (mask & bits[command]) !== 0)
  const writable = rows.filter(({ mask }) => writeCommands.some((command) => can(command, mask)))
  const chosen = writable.toSorted((a, b) => b.mask - a.mask || (a.hash < b.hash ? -1 : 1)).slice(0, rowsEach)
  return chosen.flatMap(({ hash, mask }) =>
    writeCommands
      .filter((command) => can(command, mask))
      .map((command) => ({ relation: relation.name, identity, row: hash, command })),
  )
}
