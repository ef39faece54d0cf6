import type { Contracts } from '../model/config.ts'
import type { Side } from '../model/suite-run.ts'

/** What Vitest hands to the workers of one project. Plain data. */
export type Injected = {
  readonly side: Side
  readonly controlUrl: string
  readonly controlToken: string
  readonly contracts: Contracts
  readonly canaries: readonly { readonly email: string; readonly password: string }[]
  readonly seed: number
}

declare module 'vitest' {
  interface ProvidedContext {
    greenlight: Injected
  }
  interface TaskMeta {
    /** Answers that must be the same on both sides: name → SHA-256 of the canonical JSON. */
    observations?: Record<string, string>
    /** Of a test that failed: what of its stack broke off while it ran, one line each. */
    broken?: readonly string[]
    /** For the report: a sentence with counts. */
    remark?: string
  }
}
