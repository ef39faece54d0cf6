import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { execa } from 'execa'
import { lackedBy } from './database/engine.ts'
import type { Inputs } from './inputs.ts'
import type { Provenance } from './model/report.ts'
import type { Prepared } from './prepare.ts'
import { toolVersion } from './tool-version.ts'

/** What the verdict of a run was reached on. Call it last: it tells how long the run took. */
export async function provenanceOf(
  inputs: Inputs,
  { cluster, selection }: Prepared,
  startedAt: Date,
): Promise<Provenance> {
  const { options, dump, migrations } = inputs
  const { functions, configSource } = options
  const [version, commit, functionsHash] = await Promise.all([
    toolVersion(),
    gitCommit(migrations.directory),
    functions === undefined ? undefined : folderHash(functions),
  ])
  return {
    tool: { name: 'supabase-greenlight', version },
    startedAt: startedAt.toISOString(),
    milliseconds: Date.now() - startedAt.getTime(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    engine: {
      name: cluster.engine,
      serverVersion: cluster.serverVersion,
      ...(cluster.image === undefined ? {} : { image: cluster.image }),
      capabilities: [...cluster.capabilities].sort(),
      lacks: lackedBy(cluster.capabilities),
    },
    dumps: dump.sources,
    migrations: (selection?.pending ?? migrations.files).map(({ name, sha256 }) => ({ name, sha256 })),
    ...(functions === undefined || functionsHash === undefined
      ? {}
      : { functions: { path: functions, sha256: functionsHash } }),
    ...(configSource === undefined ? {} : { config: configSource }),
    ...(commit === undefined ? {} : { gitCommit: commit }),
    seed: options.seed,
  }
}

/** The commit that `folder` is at, with `-dirty` when files differ from it; absent outside of a git checkout. */
export async function gitCommit(folder: string): Promise<string | undefined> {
  const git = (...args: string[]) => execa('git', args, { cwd: folder, reject: false, stdin: 'ignore' })
  const [head, status] = await Promise.all([
    git('rev-parse', 'HEAD'),
    git('status', '--porcelain', '--untracked-files=no'),
  ])
  if (head.failed || status.failed) return undefined
  return status.stdout === '' ? head.stdout : `${head.stdout}-dirty`
}

/** SHA-256 over the relative path and the content of every file below a folder, in the order of the paths. */
export async function folderHash(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  for (const file of files.sort()) {
    const content = await readFile(file)
    hash.update(`${relative(folder, file)}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}
