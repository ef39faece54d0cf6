/** A part of the stack that starts when it is first asked for. */
export type LazyPart<Part> = {
  /** The running part. Calls at one time share one start; after a failed start, or once it has died, the next call starts anew. */
  get(): Promise<Part>
  /** The part, when it runs. */
  running(): Part | undefined
  /** Stops it, if it runs; the next call of `get` starts it anew. */
  reset(): Promise<void>
  /** Stops it, if it was ever started; later calls of `get` fail. */
  stop(): Promise<void>
}

type Startable = { stop(): Promise<void>; running(): boolean }

export function lazyPart<Part extends Startable>(start: () => Promise<Part>): LazyPart<Part> {
  let current: Part | undefined
  let starting: Promise<Part> | undefined
  let stopped = false
  const begin = async (): Promise<Part> => {
    const dead = current
    current = undefined
    await dead?.stop()
    if (stopped) throw new Error('The stack is stopped.')
    const part = await start()
    if (stopped) {
      await part.stop()
      throw new Error('The stack is stopped.')
    }
    current = part
    return part
  }
  return {
    async get() {
      if (current?.running()) return current
      starting ??= begin().finally(() => {
        starting = undefined
      })
      return starting
    },
    running: () => (current?.running() ? current : undefined),
    async reset() {
      await starting?.catch(() => undefined)
      const old = current
      current = undefined
      await old?.stop()
    },
    async stop() {
      stopped = true
      await starting?.catch(() => undefined)
      await current?.stop()
    },
  }
}
