/** Milliseconds by step, for the report. */
export class Stopwatch {
  readonly laps: { readonly name: string; readonly milliseconds: number }[] = []
  readonly #start = performance.now()
  #last = this.#start

  get total(): number {
    return Math.round(performance.now() - this.#start)
  }

  lap(name: string): void {
    const now = performance.now()
    this.laps.push({ name, milliseconds: Math.round(now - this.#last) })
    this.#last = now
  }

  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const result = await work()
    this.lap(name)
    return result
  }
}
