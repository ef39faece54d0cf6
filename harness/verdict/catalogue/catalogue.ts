import type { FindingKind } from '../../model/finding.ts'
import { accessFindings } from './access.ts'
import { authFindings } from './auth.ts'
import { dataFindings } from './data.ts'
import { dateFindings } from './date.ts'
import { declarationFindings } from './declaration.ts'
import { featureFindings } from './feature.ts'
import { mailFindings } from './mail.ts'
import { migrationFindings } from './migration.ts'
import { performanceFindings } from './performance.ts'
import type { FindingRecord } from './record.ts'
import { restoreFindings } from './restore.ts'
import { rollbackFindings } from './rollback.ts'
import { schemaFindings } from './schema.ts'
import { storageFindings } from './storage.ts'

/** Every kind of finding, with what a reader should know of it. A kind without a record does not compile. */
export const catalogue: Readonly<Record<FindingKind, FindingRecord>> = {
  ...restoreFindings,
  ...migrationFindings,
  ...schemaFindings,
  ...dataFindings,
  ...authFindings,
  ...accessFindings,
  ...featureFindings,
  ...performanceFindings,
  ...storageFindings,
  ...rollbackFindings,
  ...mailFindings,
  ...dateFindings,
  ...declarationFindings,
}
