import { quoteIdentifier, quoteLiteral } from '../../../database/identifiers.ts'
import type { Identity } from '../../identities.ts'
import { relationSql } from '../exposed.ts'
import type { Relation } from '../facts.ts'
import { impersonate } from '../impersonate.ts'
import { grantsOf } from '../probe-sql.ts'
import type { WriteCommand } from './attempts.ts'

/** What is sent for one attempt. `clear` takes the original away and returns it as text, which is `$1` of `sql`. */
export type WriteStatement = { readonly clear?: string; readonly sql: string }

/**
 * The statement of an attempt as the app sent it before the migrations: with the columns that the role could write then
 * and that are still there. An update sets each to itself; an insert puts the row back as it was, after it was taken
 * away without any trigger. Undefined where no column is left.
 */
export function writeStatement(
  was: Relation,
  is: Relation,
  { role, command, where, fixed }: { role: string; command: WriteCommand; where: string; fixed: ReadonlySet<string> },
): WriteStatement | undefined {
  const table = relationSql(is)
  if (command === 'delete') return { sql: `delete from ${table} where ${where}` }
  const columns = grantsOf(was, role)
    [command].filter((column) => is.columns.includes(column) && !fixed.has(`${was.name}\n${column}`))
    .map((column) => quoteIdentifier(column))
  if (columns.length === 0) return undefined
  if (command === 'update') {
    return { sql: `update ${table} set ${columns.map((column) => `${column} = ${column}`).join(', ')} where ${where}` }
  }
  return {
    clear: `delete from ${table} as taken where ${where} returning taken::text`,
    sql: `insert into ${table} (${columns.join(', ')}) select ${columns.map((column) => `(r).${column}`).join(', ')} from (select $1::${table} as r) as original`,
  }
}

/**
 * Makes every attempt and takes it back, as the identity, and leaves an answer for each in `greenlight.answers`: the
 * number of rows, or the SQLSTATE. Constraints that are checked at the end are checked in it.
 */
export function attemptBlock(identity: Identity, statements: readonly WriteStatement[]): string {
  const body = `
declare
  attempt jsonb; answers jsonb := '[]'; original text; affected bigint;
begin
  for attempt in select value from jsonb_array_elements(${quoteLiteral(JSON.stringify(statements))}::jsonb) loop
    begin
      original := null;
      if attempt ? 'clear' then
        perform set_config('session_replication_role', 'replica', true);
        execute attempt ->> 'clear' into original;
        perform set_config('session_replication_role', 'origin', true);
      end if;
      execute ${quoteLiteral(impersonate(identity))};
      execute attempt ->> 'sql' using original;
      get diagnostics affected = row_count;
      set constraints all immediate;
      raise exception using errcode = 'GL000', message = 'rows ' || affected;
    exception when others then
      answers := answers || to_jsonb(case when sqlstate = 'GL000' then sqlerrm else sqlstate end);
    end;
  end loop;
  perform set_config('greenlight.answers', answers::text, true);
end`
  return `do ${quoteLiteral(body)}`
}
