import { makeWorkspace, sweepAbandoned, type Workspace } from '../../database/embedded/workspace.ts'

/**
 * Where dumps are unpacked to: a folder of this run's own (0700) in memory, on the disk or in both, made when it is first
 * needed. It goes away with the dump, at the latest with the process, and after `kill -9` at the next start.
 */
export class PrivateFolder implements AsyncDisposable {
  readonly #workspaces = new Map<string, Workspace>()
  readonly #removeAtExit = () => {
    for (const workspace of this.#workspaces.values()) workspace.removeNow()
  }

  /** Its path in `root`: see `workspaceRoot`. */
  async path(root: string): Promise<string> {
    const made = this.#workspaces.get(root)
    if (made) return made.path
    if (this.#workspaces.size === 0) {
      await sweepAbandoned()
      process.once('exit', this.#removeAtExit)
    }
    const workspace = await makeWorkspace(root, undefined)
    this.#workspaces.set(root, workspace)
    return workspace.path
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const workspaces = [...this.#workspaces.values()]
    this.#workspaces.clear()
    process.off('exit', this.#removeAtExit)
    for (const workspace of workspaces) await workspace.remove()
  }
}
