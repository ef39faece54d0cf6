/**
 * Adds to package-lock.json the platform packages (optional dependencies with one os and cpu) that npm left out because
 * the registry at hand does not carry them. `npm ci` refuses a lockfile that does not name them, and on those platforms
 * it could not install them. Run it after every change of the dependencies: `npm run lockfile`.
 */
import { readFileSync, writeFileSync } from 'node:fs'

type Entry = {
  version: string
  cpu?: string[]
  dev?: boolean
  libc?: string[]
  optional?: boolean
  os?: string[]
  optionalDependencies?: Record<string, string>
}

const path = 'package-lock.json'
const lock: { packages: Record<string, Entry> } = JSON.parse(readFileSync(path, 'utf8'))
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const processors = ['arm64', 'x64', 'ia32', 'arm', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x']
let added = 0

for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`
    const platform = platformOf(name)
    if (key in lock.packages || platform === undefined) continue
    lock.packages[key] = {
      version,
      ...platform.cpu,
      ...(parent.dev ? { dev: true } : {}),
      ...platform.libc,
      optional: true,
      ...platform.os,
    }
    added += 1
  }
}

lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([one], [other]) => (one < other ? -1 : 1)))
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} platform packages added to ${path}`)

function platformOf(name: string) {
  const words = name.split(/[-/@_]/).map((word) => (word === 'windows' ? 'win32' : word))
  const os = systems.find((system) => words.includes(system))
  const cpu = processors.find((processor) => words.includes(processor))
  if (words.includes('wasm32')) return { cpu: { cpu: ['wasm32'] } }
  if (os === undefined) return undefined
  const libc = words.includes('musl')
    ? 'musl'
    : words.some((word) => word === 'glibc' || word === 'gnu')
      ? 'glibc'
      : undefined
  return {
    cpu: cpu === undefined ? {} : { cpu: [cpu] },
    libc: libc === undefined ? {} : { libc: [libc] },
    os: { os: [os] },
  }
}
