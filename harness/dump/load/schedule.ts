import { conflict, type Task } from '../dependencies.ts'

/**
 * Runs tasks on several workers, each as soon as what it needs is done and nobody locks its tables, heaviest first.
 * `run` reports its own failures as data; what it throws stops the rest and is thrown here, once all workers rest.
 */
export async function runTasks<Worker>(
  tasks: readonly Task[],
  workers: readonly Worker[],
  run: (task: Task, worker: Worker) => Promise<void>,
): Promise<void> {
  // Heaviest first, otherwise in the archive's order.
  const waiting = tasks.toSorted((a, b) => b.weight - a.weight)
  const open = new Map(tasks.map((task) => [task, new Set(task.needs)]))
  const running = new Map<Task, Promise<void>>()
  const idle = [...workers]
  let failure: { readonly error: unknown } | undefined

  const start = (task: Task, worker: Worker) => {
    waiting.splice(waiting.indexOf(task), 1)
    const done = run(task, worker)
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .then(() => {
        running.delete(task)
        idle.push(worker)
        for (const needs of open.values()) for (const { id } of task.entries) needs.delete(id)
      })
    running.set(task, done)
  }

  while (waiting.length > 0 || running.size > 0) {
    while (!failure && idle.length > 0) {
      const ready = waiting.find(
        (task) => open.get(task)?.size === 0 && [...running.keys()].every((other) => !conflict(task, other)),
      )
      // A circle of dependencies has no first one: take them in order.
      const next = ready ?? (running.size === 0 ? waiting[0] : undefined)
      const worker = next && idle.pop()
      if (!next || worker === undefined) break
      start(next, worker)
    }
    if (running.size === 0) break
    await Promise.race(running.values())
  }
  if (failure) throw failure.error
}
