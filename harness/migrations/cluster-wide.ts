import type { MigrationFile } from '../model/migration-run.ts'
import { plainSql } from './statement-kind.ts'

/** Roles belong to the cluster: those that the migrations make are there since after was made, and cannot be made again. */
export function withoutRoles(file: MigrationFile): MigrationFile {
  return {
    ...file,
    statements: file.statements.filter(
      ({ sql }) => !/^\s*create\s+(role|user|group)\b(?!\s+mapping)/i.test(plainSql(sql)),
    ),
  }
}
