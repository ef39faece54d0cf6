import { quoteIdentifier } from '../../../database/identifiers.ts'
import { type RowSetName, rowSets } from '../facts.ts'
import { keyHash, maskOf } from '../probe-sql.ts'
import type { Table } from './catalog.ts'
import type { Plan } from './plan.ts'
import { expressionSql, fromItemSql } from './sql-text.ts'
import { constantOf, type Node, Refusal } from './tree.ts'
import type { UserColumns } from './user-columns.ts'

/** The temporary tables of one session: who is asked for; the users and rows of one table, and which pairs of them join. */
export const people = 'pg_temp.greenlight_people'
const users = 'pg_temp.greenlight_users'
export const rows = 'pg_temp.greenlight_rows'
export const pairs = 'pg_temp.greenlight_pairs'

export type Statements = {
  /** Make users, rows and pairs, in this order. */
  readonly make: readonly string[]
  /**
   * For each user `n` who sees a row, of each set that rows can be in `…_count`, `…_hash`, and of rows on both sides
   * `…_common_count`, `…_common_hash`.
   */
  readonly totals: string
  /** Rows of the users `$1` that are on both sides: `n`, `mask`, and the numbers of the rows joined by commas. */
  readonly rowsOfUsers: string
  /** Whether every user is held against every row. */
  readonly loose: boolean
}

/** Pairs of a table that are made at most; with more, it is too much to hold. */
export const mostPairs = 4_000_000
const mostApart = 62

/** SQL for a plan. `key`: the columns that tell one row from another. Throws `Refusal`. */
export async function statementsOf(
  table: Table,
  key: readonly string[],
  plan: Plan,
  own: UserColumns,
): Promise<Statements> {
  const apart: { readonly condition: number; readonly user: string; readonly row: string }[] = []
  /** Ways by their SQL, with the conditions that they meet: what several policies ask alike is asked once. */
  const joins = new Map<string, number>()
  let loose = false
  for (const [condition, { ways }] of plan.conditions.entries()) {
    for (const way of ways) {
      if (way.kind === 'apart') {
        const user = constantOf(way.user) === true ? 'true' : await expressionSql(own.hoist(way.user))
        apart.push({ condition, user, row: await expressionSql(way.row) })
        continue
      }
      loose ||= way.loose
      const items: string[] = []
      for (const item of own.hoist(way.from)) items.push(await fromItemSql(lateral(item)))
      const conditions: string[] = []
      for (const one of own.hoist(way.conditions)) conditions.push(await expressionSql(one))
      const sql = `from ${[`${users} as u`, `${rows} as t`, ...items].join(' cross join ')} where ${['true', ...conditions].join(' and ')} limit ${mostPairs + 1}`
      joins.set(sql, (joins.get(sql) ?? 0) | (1 << condition))
    }
  }
  if (apart.length > mostApart) throw new Refusal('it holds in too many ways')
  const bits = (part: 'user' | 'row') =>
    apart.length === 0
      ? '0::bigint'
      : apart
          .map((one, bit) => `(case when ${one[part]} then ${String(1n << BigInt(bit))}::bigint else 0 end)`)
          .join(' | ')
  const columns: string[] = []
  for (const { name, value } of own.all) columns.push(`, ${await expressionSql(value)} as ${name}`)
  const make = [
    `create temporary table greenlight_users on commit drop as select u.*, ${bits('user')} as bits from (select u.*${columns.join('')} from ${people} as u offset 0) as u`,
    `create temporary table greenlight_rows on commit drop as select (row_number() over ())::int as greenlight_n, ${keyHash(key)} as greenlight_h,
       ${bits('row')} as greenlight_bits, true as greenlight_common${plan.columns.map((name) => `, t.${quoteIdentifier(name)}`).join('')}
     from ${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)} as t`,
    `analyze ${users}`,
    `analyze ${rows}`,
    joins.size === 0
      ? 'create temporary table greenlight_pairs (u int, t int, m int) on commit drop'
      : `create temporary table greenlight_pairs on commit drop as select u, t, bit_or(m) as m from (${[...joins].map(([sql, mask]) => `(select u.n as u, t.greenlight_n as t, ${mask} as m ${sql})`).join(' union all ')}) as p group by u, t`,
  ]
  const masks = plan.conditions.map((_, condition) =>
    String(apart.reduce((mask, one, bit) => (one.condition === condition ? mask | (1n << BigInt(bit)) : mask), 0n)),
  )
  return { make, loose, ...readings(plan, masks) }
}

const names = ['count', 'hash', 'common_count', 'common_hash'] as const

function readings(plan: Plan, masks: readonly string[]): Pick<Statements, 'totals' | 'rowsOfUsers'> {
  const byBits = (condition: number) =>
    masks[condition] === '0' ? 'false' : `(u.bits & t.greenlight_bits & ${masks[condition]}) <> 0`
  const inSet = (set: RowSetName, how: (condition: number) => string): string => {
    const conditions = plan.sets[set]
    if (conditions === undefined || conditions === 'never') return 'false'
    return `(${conditions.map((condition) => `(${how(condition)})`).join(' and ')})`
  }
  const byEither = (condition: number) => `${byBits(condition)} or (p.m & ${1 << condition}) <> 0`
  const told = rowSets.filter((set) => set === 'seen' || (plan.sets[set] ?? 'never') !== 'never')
  const numbersOf = (when: (set: RowSetName) => string) =>
    told.flatMap((set) =>
      [when(set), `${when(set)} and t.greenlight_common`].flatMap((condition, index) =>
        ['rows', 'hash'].map(
          (value, which) => `case when ${condition} then t.${value} else 0 end as ${set}_${names[index * 2 + which]}`,
        ),
      ),
    )
  // Rows that are alike to every condition are summed up first, so that little is left to be done for each pair.
  const alike = 'greenlight_bits, greenlight_common, count(*) as rows, sum(greenlight_h) as hash'
  const ofAll = numbersOf((set) => inSet(set, byBits))
  const ofPairs = numbersOf((set) => `${inSet(set, byEither)} and not ${inSet(set, byBits)}`)
  const sums = told.flatMap((set) => names.map((name) => `sum(${set}_${name})::text as ${set}_${name}`))
  const totals = `select n, ${sums.join(', ')} from (
      select u.n, ${ofAll.join(', ')} from ${users} as u cross join (select ${alike} from ${rows} group by 1, 2) as t
      union all select u.n, ${ofPairs.join(', ')} from ${users} as u
        join (select u as user_n, m, ${alike} from ${pairs} join ${rows} on greenlight_n = t group by 1, 2, 3, 4) as t on t.user_n = u.n
        cross join lateral (select t.m) as p
    ) as parts group by n having sum(seen_count) > 0`
  const mask = rowSets
    .filter((set) => set !== 'seen')
    .map((set) => `case when ${inSet(set, byEither)} then ${maskOf[set]} else 0 end`)
  const some = masks.map((_, condition) => `(${byBits(condition)})`).join(' or ') || 'false'
  const columns = `u.n, t.greenlight_n as t, ${mask.join(' + ')} as mask`
  const where = `u.n = any ($1::int[]) and t.greenlight_common and ${inSet('seen', byEither)}`
  const rowsOfUsers = `select n, mask, string_agg(t::text, ',') from (
    select ${columns} from ${users} as u join ${rows} as t on ${some} left join ${pairs} as p on p.u = u.n and p.t = t.greenlight_n where ${where}
    union all select ${columns} from ${pairs} as p join ${users} as u on u.n = p.u join ${rows} as t on t.greenlight_n = p.t
    where ${where} and not (${some})
    ) as r group by n, mask order by n, mask`
  return { totals, rowsOfUsers }
}

/** A sub-query in FROM that names a table beside it has to say so. */
function lateral(item: Node): Node {
  const fields = item.RangeSubselect
  return fields === undefined ? item : { RangeSubselect: { ...fields, lateral: true } }
}
