import { HarnessError, messageOf } from './errors.ts'
import type { Check } from './model/check.ts'
import type { Finding } from './model/finding.ts'
import type { StageRun } from './model/stage-run.ts'

/** What a stage saw. Checks overwrite their planned row by id. */
export type Evidence = { readonly findings: readonly Finding[]; readonly checks: readonly Check[] }

export type StageEvents = {
  onStart?(stage: string): void
  onProgress?(stage: string, text: string): void
  onEnd?(stage: StageRun, failure?: StageFailure): void
}

/** What a failed stage threw. What ends the run is told at its end. */
export type StageFailure = { readonly error: unknown; readonly endsRun: boolean }

/**
 * The stages of a run, each with a row from the start. A stage that throws is recorded as failed with its reason and
 * the ones that need it stay `not run`; only bad input and an abort end the run at once.
 */
export class Stages {
  #rows: Map<string, StageRun>
  readonly #events: StageEvents
  readonly #evidence: { findings: Finding[]; checks: Map<string, Check> }

  constructor(names: readonly string[], planned: readonly Check[], events: StageEvents) {
    this.#rows = new Map(names.map((name) => [name, { name, status: 'not run', reason: 'the run ended before it' }]))
    this.#events = events
    this.#evidence = { findings: [], checks: new Map(planned.map((check) => [check.id, check])) }
  }

  get rows(): StageRun[] {
    return [...this.#rows.values()]
  }

  get findings(): readonly Finding[] {
    return this.#evidence.findings
  }

  get checks(): readonly Check[] {
    return [...this.#evidence.checks.values()]
  }

  add({ findings, checks }: Evidence): void {
    this.#evidence.findings.push(...findings)
    for (const check of checks) this.#evidence.checks.set(check.id, check)
  }

  /** Puts other findings in the place of those so far: the same ones, better known. */
  replaceFindings(findings: readonly Finding[]): void {
    this.#evidence.findings = [...findings]
  }

  /**
   * Runs lanes of stages side by side. Each sees the evidence from before them and its own; afterwards their evidence
   * stands in the order of the lanes, whichever was first. What one throws is thrown once all have ended.
   */
  async together<T extends readonly unknown[]>(
    lanes: {
      readonly [K in keyof T]: (stages: Stages) => Promise<T[K]>
    },
  ): Promise<T> {
    const known = new Map(this.#evidence.checks)
    const views = lanes.map(() => this.#lane())
    const ended = await Promise.allSettled(lanes.map((lane, index) => lane(views[index] ?? this)))
    const start = this.findings.length
    for (const view of views) {
      this.add({
        findings: view.findings.slice(start),
        checks: view.checks.filter((check) => known.get(check.id) !== check),
      })
    }
    return ended.map((one) => {
      if (one.status === 'rejected') throw one.reason
      return one.value
    }) as unknown as T
  }

  #lane(): Stages {
    const lane = new Stages([], this.checks, this.#events)
    lane.#rows = this.#rows
    lane.#evidence.findings = [...this.findings]
    return lane
  }

  /**
   * Runs one stage. `undefined` when it failed: its row says why, and what it was to check stays `not run`. Throws what
   * `endsRun`, as an abort does.
   */
  async run<T>(
    name: string,
    work: (progress: (text: string) => void) => Promise<T>,
    endsRun: (error: unknown) => boolean = () => false,
  ): Promise<T | undefined> {
    const ends = (error: unknown) => (error instanceof HarnessError && error.code === 'aborted') || endsRun(error)
    try {
      return await this.#time(name, work, ends)
    } catch (error) {
      if (ends(error)) throw error
      return undefined
    }
  }

  /** Runs a stage that the run cannot go on without: throws what it throws. */
  async need<T>(name: string, work: (progress: (text: string) => void) => Promise<T>): Promise<T> {
    return this.#time(name, work, () => true)
  }

  async #time<T>(
    name: string,
    work: (progress: (text: string) => void) => Promise<T>,
    ends: (error: unknown) => boolean,
  ): Promise<T> {
    const started = performance.now()
    this.#events.onStart?.(name)
    const elapsed = () => Math.round(performance.now() - started)
    const end = (row: StageRun, failure?: StageFailure) => {
      this.#rows.set(name, row)
      this.#events.onEnd?.(row, failure)
    }
    try {
      const result = await work((text) => this.#events.onProgress?.(name, text))
      end({ name, status: 'done', milliseconds: elapsed() })
      return result
    } catch (error) {
      const row: StageRun = { name, status: 'failed', milliseconds: elapsed(), reason: messageOf(error) }
      end(row, { error, endsRun: ends(error) })
      throw error
    }
  }

  /** Runs a stage whose result is evidence, and adds it. */
  async look(name: string, work: (progress: (text: string) => void) => Promise<Evidence>): Promise<void> {
    await this.run(name, async (progress) => {
      const evidence = await work(progress)
      this.add(evidence)
      const [check] = evidence.checks
      progress(check?.summary ?? check?.reason ?? '')
    })
  }

  /** Notes that a stage was left out, and why. */
  skip(name: string, reason: string): void {
    this.#rows.set(name, { name, status: 'not run', reason })
  }
}
