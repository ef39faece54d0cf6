import type { MigrationFailure, MigrationFile, Statement } from '../model/migration-run.ts'
import { leavesNothing, transactionControl } from './statement-kind.ts'

/** Statements that are committed together. */
export type Unit = {
  readonly statements: readonly Statement[]
  /**
   * `ours`: wrapped in BEGIN and COMMIT here. `own`: the file has written both. `none`: one statement, outside of any
   * transaction block.
   */
  readonly transaction: 'ours' | 'own' | 'none'
}

export type TransactionPlan = {
  readonly units: readonly Unit[]
  /** One transaction for the whole file. */
  readonly atomic: boolean
  /** A failure half way leaves a part of the file's work behind. */
  readonly leavesParts: boolean
  /** Why the file cannot run as it is written. */
  readonly problem?: Pick<MigrationFailure, 'sqlstate' | 'message' | 'hint'> & { readonly statement: Statement }
}

/**
 * How a file is committed, as Supabase's CLI does it: in one transaction; around statements that cannot run in one, in
 * several; a file with BEGIN and COMMIT of its own as it is written.
 */
export function planTransactions(file: Pick<MigrationFile, 'statements'>): TransactionPlan {
  const controlled = file.statements.some(({ sql }) => transactionControl(sql) !== undefined)
  const plan = controlled ? ownTransactions(file.statements) : ourTransactions(file.statements)
  const working = plan.units.filter(({ statements }) => statements.some(({ sql }) => !isIdle(sql)))
  return {
    ...plan,
    atomic: working.length <= 1 && working.every(({ transaction }) => transaction !== 'none'),
    leavesParts: working.length > 1,
  }
}

export function isIdle(sql: string): boolean {
  return leavesNothing(sql) || transactionControl(sql) !== undefined
}

type Units = Pick<TransactionPlan, 'units' | 'problem'>

function ourTransactions(statements: readonly Statement[]): Units {
  const units: Unit[] = []
  let together: Statement[] = []
  const close = () => {
    if (together.length > 0) units.push({ statements: together, transaction: 'ours' })
    together = []
  }
  for (const statement of statements) {
    if (!statement.standalone) {
      together.push(statement)
      continue
    }
    // A SET in front of it is for the session: within a transaction of its own it would hold just as well.
    close()
    units.push({ statements: [statement], transaction: 'none' })
  }
  close()
  return { units }
}

function ownTransactions(statements: readonly Statement[]): Units {
  const units: Unit[] = []
  let open: Statement[] | undefined
  for (const statement of statements) {
    const control = transactionControl(statement.sql)
    if (control === 'rollback') return { units, problem: { ...takesBack, statement } }
    if (control === 'commit' && !open) return { units, problem: { ...endsOurs, statement } }
    if (open) open.push(statement)
    else if (control === 'begin') open = [statement]
    else units.push({ statements: [statement], transaction: 'none' })
    if (control === 'commit' && open) {
      units.push({ statements: open, transaction: 'own' })
      open = undefined
    }
  }
  const [begin] = open ?? []
  return begin ? { units, problem: { ...staysOpen, statement: begin } } : { units }
}

const takesBack = {
  sqlstate: '40000',
  message: 'The file rolls back its own work, and would be recorded as applied all the same. None of it was run.',
  hint: 'Remove the ROLLBACK, or the file.',
}

const endsOurs = {
  sqlstate: '25P01',
  message: 'COMMIT without BEGIN: it would end the transaction that the file runs in half way. None of it was run.',
  hint: 'Remove the COMMIT, or put BEGIN in front of what belongs together.',
}

const staysOpen = {
  sqlstate: '25001',
  message: 'The file ends while the transaction that begins here is open: its work would be lost. None of it was run.',
  hint: 'Add COMMIT at the end, or remove the BEGIN: each file runs in a transaction anyway.',
}
