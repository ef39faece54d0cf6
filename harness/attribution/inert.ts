import { plainSql } from '../migrations/statement-kind.ts'
import type { MigrationFile } from '../model/migration-run.ts'

/** Changes nothing that a user could see, read or lose. */
const idle = /^(comment|create (unique )?index|drop index|reindex|analyze|vacuum|set|reset|show|begin|commit|start)\b/
/** Leaves the rows of all tables as they are. */
const rowless =
  /^(grant|revoke|(create|create or replace|alter|drop) (policy|function|procedure|trigger|type|view|schema|role|domain)|create table (?!.*\bas\b))\b/s

/** Whether a migration can have no part in a finding of this kind, by its statements alone. In doubt it has one. */
export function isInert({ statements }: Pick<MigrationFile, 'statements'>, kind: string): boolean {
  const isOfRows = /^(data|date)\./.test(kind)
  return statements.every(({ sql }) => {
    const plain = plainSql(sql)
    return idle.test(plain) || (isOfRows && rowless.test(plain))
  })
}
