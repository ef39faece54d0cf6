import type { MetricName, Severity } from '../../model/finding.ts'

/** What is known of a kind of finding, whatever the case. Sentences are for the report; none names a case. */
export type FindingRecord = {
  readonly severity: Severity
  /** The success metric that an uncovered blocking finding of this kind breaks. */
  readonly metric: MetricName
  readonly meaning: string
  readonly why: string
  /** What to do about it, in the imperative. */
  readonly advice: string
  /**
   * Whether the author of a migration can mean it, and how exactly it must be declared. `object`: kind and object (and
   * role, where the finding has one). `columns`: each column by name. `never`: only a waiver in the config covers it.
   */
  readonly declared: 'object' | 'columns' | 'never'
  readonly bad: string
  readonly good: string
}
