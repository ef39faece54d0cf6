/** The five success metrics of the plan, in the order in which every report shows them. */
export const metricNames = ['logins', 'access', 'features', 'data', 'performance'] as const
export type MetricName = (typeof metricNames)[number]

export type Severity = 'blocking' | 'warning' | 'info'

/** Every kind of finding there is. Its meaning, severity, metric and advice are its record in `verdict/catalogue/`. */
export const findingKinds = [
  'restore.entry-failed',
  'restore.entry-refused',
  'restore.rows-missing',
  'restore.differs-from-capture',
  'restore.extension-stubbed',
  'restore.role-created',
  'restore.newer-server',
  'restore.not-in-dump',
  'restore.references-broken',
  'migration.failed',
  'migration.not-atomic',
  'migration.out-of-order',
  'migration.same-number',
  'migration.edited-after-applied',
  'migration.missing-file',
  'migration.not-repeatable',
  'migration.guards-off',
  'migration.lint',
  'schema.object-dropped',
  'schema.column-dropped',
  'schema.type-changed',
  'schema.constraint-not-validated',
  'schema.index-invalid',
  'schema.differs-from-dev',
  'schema.changed',
  'data.rows-deleted',
  'data.values-changed',
  'data.column-lost',
  'data.values-moved',
  'data.values-filled',
  'data.rows-touched',
  'data.rows-inserted',
  'data.orphans',
  'data.sequence-behind',
  'data.corrupt',
  'auth.user-lost',
  'auth.login-fails',
  'auth.password-changed',
  'auth.identity-lost',
  'auth.signup-fails',
  'auth.login-gained',
  'auth.claims-changed',
  'access.rows-lost',
  'access.rows-gained',
  'access.write-lost',
  'access.write-gained',
  'access.rls-disabled',
  'access.role-changed',
  'access.policy-unexercised',
  'feature.regressed',
  'feature.fails',
  'feature.answer-changed',
  'feature.api-removed',
  'feature.api-added',
  'feature.job-removed',
  'feature.job-fails',
  'feature.job-changed',
  'feature.fixed',
  'query.costlier',
  'query.slower',
  'lock.blocks-reads',
  'lock.blocks-writes',
  'traffic.blocked',
  'storage.bloat',
  'storage.grown',
  'index.dropped',
  'index.abandoned',
  'index.unused',
  'rollback.failed',
  'rollback.incomplete',
  'rollback.missing',
  'rollback.loses-new-data',
  'mail.wrong-recipient',
  'mail.missing-recipient',
  'mail.duplicate',
  'mail.over-limit',
  'mail.lost-on-failure',
  'mail.malformed',
  'egress.attempted',
  'secret.exposed',
  'date.shifted',
  'expectation.unmatched',
  'waiver.expired',
  'waiver.unmatched',
] as const
export type FindingKind = (typeof findingKinds)[number]
export type MailKind = Extract<FindingKind, `mail.${string}`>

/**
 * One thing a reader should know, as a stage saw it. Stages make findings; only `verdict/` decides whether one blocks.
 * No field ever holds a row value: keys, counts, hashes, names of columns and objects only.
 */
export type Finding = {
  readonly kind: FindingKind
  /** The object as an expectation writes it, without its column: `public.profiles`, `auth.users`, a migration's or a function's name. */
  readonly object: string
  /** Columns concerned, when the finding is about columns: an expectation names one of them in parentheses. */
  readonly columns?: readonly string[]
  /** The database role that an access finding is about: `anon`, `authenticated`, `service_role`. */
  readonly role?: string
  /** One sentence in plain words, with the numbers: "2,400 rows of public.answers lost their value in column choice". */
  readonly title: string
  /** Lines of proof: counts, keys (at most 20, then "… and 2,380 more"), SQL to repeat it. */
  readonly evidence: readonly string[]
  /** File name of the migration that caused it, where known. */
  readonly migration?: string
  readonly where?: Place
  /** What to do about this very case, when more can be said than the catalogue's general advice. */
  readonly fix?: string
  /** What each mail concerned has, in words that are free of it: `kept-mails.jsonl` has the same at each mail. */
  readonly problem?: string
  /** Overrides the catalogue's severity, for kinds whose severity depends on the case (old orphans: warning). */
  readonly severity?: Severity
  /** Primary keys of the rows concerned, for the predicate of an expectation. Only for data.* kinds; not written to any report. */
  readonly rows?: RowSet
}

/** A place in a source file; `line` and `column` count from 1. */
export type Place = { readonly file: string; readonly line: number; readonly column?: number }

/** Rows of one table on one side, named by key: `keys[i]` holds the text of each of `keyColumns`. */
export type RowSet = {
  readonly side: 'before' | 'after'
  readonly table: string
  readonly keyColumns: readonly string[]
  readonly keys: readonly (readonly string[])[]
  /** False when `keys` is only a part of the rows concerned. A predicate can be proven on a complete set only. */
  readonly complete: boolean
}
