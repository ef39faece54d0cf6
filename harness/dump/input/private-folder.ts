import { tmpdir } from 'node:os'
import { makeWorkspace, sweepAbandoned, type Workspace, workspaceRoot } from '../../database/embedded/workspace.ts'

/**
 * Where dumps are unpacked to: a folder of this run's own (0700), made when it is first needed. It goes away with the
 * dump, at the latest with the process, and after `kill -9` at the next start.
 */
export class PrivateFolder implements AsyncDisposable {
  #workspace: Workspace | undefined
  #removeAtExit: (() => void) | undefined

  /** In memory where there is ample room for `bytes`, so that nothing of a packed dump touches a disk. */
  async path(bytes: number | undefined): Promise<string> {
    if (!this.#workspace) {
      await sweepAbandoned()
      const root = bytes === undefined ? tmpdir() : await workspaceRoot(bytes)
      const workspace = await makeWorkspace(root, undefined, false)
      this.#removeAtExit = () => workspace.removeNow()
      process.once('exit', this.#removeAtExit)
      this.#workspace = workspace
    }
    return this.#workspace.path
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const workspace = this.#workspace
    this.#workspace = undefined
    if (this.#removeAtExit) process.off('exit', this.#removeAtExit)
    await workspace?.remove()
  }
}
