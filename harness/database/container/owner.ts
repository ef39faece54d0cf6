import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { identify, isRunning, type ProcessIdentity } from '../process-identity.ts'

/** Label of everything that we make in a container engine; its value is an `Owner`. */
export const ownerLabel = 'greenlight.owner'
export const keptLabel = 'greenlight.kept'

/** Who made a container. A process number means something on its own machine, in its own namespace, alone. */
type Owner = ProcessIdentity & { readonly machine: string }

/** `kept`: it outlives its maker until somebody removes it. */
export function ownerLabels(kept: boolean): Record<string, string> {
  const self = identify(process.pid)
  if (self === undefined) throw new Error(`process ${process.pid} cannot be identified`)
  const owner: Owner = { ...self, machine: thisMachine() }
  return { [ownerLabel]: JSON.stringify(owner), ...(kept ? { [keptLabel]: 'true' } : {}) }
}

/** Whether whoever made it is known to be gone: only a process of this very machine can be. */
export function isAbandoned(labels: Readonly<Record<string, string>> | null | undefined): boolean {
  if (labels?.[keptLabel] !== undefined) return false
  try {
    const owner: Owner = JSON.parse(labels?.[ownerLabel] ?? '')
    return owner.machine === thisMachine() && !isRunning(owner)
  } catch {
    return false
  }
}

function thisMachine(): string {
  if (process.platform !== 'linux') return hostname()
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${hostname()} ${boot} ${readlinkSync('/proc/self/ns/pid')}`
}
