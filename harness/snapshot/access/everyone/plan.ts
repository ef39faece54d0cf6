import type { Grants, RowSetName } from '../facts.ts'
import { branchesOf } from './branches.ts'
import { rowAlias } from './builtin.ts'
import type { Table } from './catalog.ts'
import type { Context, Expander } from './expand.ts'
import { type Placed, place } from './place.ts'
import { type Node, names, nodesOf, Refusal } from './tree.ts'

/** One condition on a user and a row, as the ways in which it holds. */
export type Condition = { readonly ways: readonly Placed[] }

export type Plan = {
  readonly conditions: readonly Condition[]
  /** The conditions, by index, that a row must meet to be in a set; undefined: nobody has a row in it. */
  readonly sets: Partial<Readonly<Record<RowSetName, readonly number[] | 'never'>>>
  /** Sets that cannot be told for all users at once, and why. */
  readonly refused: Partial<Readonly<Record<RowSetName, string>>>
  /** Columns of the table that the conditions read. */
  readonly columns: readonly string[]
}

/** How the row sets of one table can be told for all users at once. Throws `Refusal` where not even the rows seen can. */
export async function planTable(table: Table, grants: Grants, expander: Expander, context: Context): Promise<Plan> {
  const conditions: Condition[] = []
  const known = new Map<string, number>()
  const add = async (command: string, part: 'using' | 'check'): Promise<number> => {
    // Conditions never meet in one query: with the same names for aliases, equal ones are found to be equal.
    expander.startOver()
    const condition = await expander.policies(table, context, command, part)
    const key = JSON.stringify(condition)
    const index = known.get(key)
    if (index !== undefined) return index
    const ways = branchesOf(condition, expander).map((branch) => place(branch))
    known.set(key, conditions.length)
    conditions.push({ ways })
    return conditions.length - 1
  }
  const seen = [await add('r', 'using')]
  const sets: Record<string, readonly number[] | 'never'> = { seen: grants.select.length > 0 ? seen : 'never' }
  const refused: Partial<Record<RowSetName, string>> = {}
  const write = async (set: RowSetName, granted: boolean, rules: readonly (readonly [string, 'using' | 'check'])[]) => {
    if (!granted || grants.select.length === 0 || table.kind === 'm') {
      sets[set] = 'never'
      return
    }
    try {
      const indexes: number[] = []
      for (const [command, part] of rules) indexes.push(await add(command, part))
      sets[set] = [...new Set([...seen, ...indexes])]
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      refused[set] = error.message
    }
  }
  await write('updatable', grants.update.length > 0, [
    ['w', 'using'],
    ['w', 'check'],
  ])
  await write('deletable', grants.delete, [['d', 'using']])
  await write('insertable', grants.insert.length > 0, [['a', 'check']])
  return { conditions, sets, refused, columns: columnsOf(conditions) }
}

function columnsOf(conditions: readonly Condition[]): string[] {
  const columns = new Set<string>()
  for (const node of nodesOf(conditions as unknown as readonly Node[])) {
    const [alias, name] = names(node.ColumnRef, 'fields')
    if (alias === rowAlias && name !== undefined) columns.add(name)
  }
  return [...columns].toSorted()
}
