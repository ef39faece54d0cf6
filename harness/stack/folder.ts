import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identify } from '../database/process-identity.ts'

/** A private folder of one stack, for sockets and files of its programs; made when it is first needed. */
export type StackFolder = {
  /** A new folder in it, mode 0700. */
  make(name: string): Promise<string>
  remove(): Promise<void>
}

/**
 * It carries the same lock as a cluster's workspace (`owner.json`), so that what a killed run leaves behind is swept with
 * its cluster at the next start. It lies in the temp folder, since a socket's path must be short.
 */
export function stackFolder(): StackFolder {
  let path: string | undefined
  const removeNow = () => {
    if (path !== undefined) rmSync(path, { recursive: true, force: true })
  }
  return {
    async make(name) {
      if (path === undefined) {
        const made = join(tmpdir(), `greenlight-${process.pid}-${randomBytes(4).toString('hex')}`)
        mkdirSync(made, { mode: 0o700 })
        path = made
        process.once('exit', removeNow)
        writeFileSync(join(made, 'owner.json'), JSON.stringify({ owner: identify(process.pid), kept: false }), {
          mode: 0o600,
        })
      }
      return mkdtemp(join(path, `${name}-`))
    },
    async remove() {
      process.off('exit', removeNow)
      if (path !== undefined) await rm(path, { recursive: true, force: true })
    },
  }
}
