import type { MigrationFile } from '../model/migration-run.ts'
import { versionOf } from './order.ts'
import { splitSql } from './split.ts'

/** A migration for tests, from its text. */
export function testFile(name: string, sql: string): MigrationFile {
  const { statements } = splitSql(sql)
  return { name, path: `migrations/${name}`, version: versionOf(name), sql, sha256: '', statements }
}
