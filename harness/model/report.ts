import type { MigrationRun, RollbackRun } from './migration-run.ts'
import type { RestoreRun } from './restore-run.ts'
import type { StageRun } from './stage-run.ts'
import type { SuiteRun } from './suite-run.ts'
import type { Verdict } from './verdict.ts'

/** Everything a run found out, as the pipeline hands it to `reports/`, which makes the versioned, redacted document of it. */
export type Rehearsal = Verdict & {
  readonly restore?: RestoreRun
  readonly migrations?: MigrationRun
  readonly rollback?: RollbackRun
  readonly suites?: SuiteRun
  readonly stages: readonly StageRun[]
  readonly provenance: Provenance
}

/** What the verdict was reached on. Paths are as given; hashes are SHA-256 in hex. */
export type Provenance = {
  readonly tool: { readonly name: 'supabase-greenlight'; readonly version: string }
  readonly startedAt: string
  readonly milliseconds: number
  readonly node: string
  readonly platform: string
  readonly engine?: {
    readonly name: string
    readonly serverVersion: string
    readonly image?: string
    readonly capabilities: readonly string[]
    /** Capabilities that it does not have, each with what that means. */
    readonly lacks: readonly string[]
  }
  readonly dumps: readonly { readonly path: string; readonly sha256: string; readonly bytes: number }[]
  readonly migrations: readonly { readonly name: string; readonly sha256: string }[]
  readonly functions?: { readonly path: string; readonly sha256: string }
  readonly config?: { readonly path: string; readonly sha256: string }
  readonly gitCommit?: string
  readonly seed: number
}
