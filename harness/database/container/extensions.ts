import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { StartedTestContainer } from 'testcontainers'
import type { Connection } from '../engine.ts'

/**
 * Copies the extension files of `folder` into the server's own folder. What the image really has is kept, but for
 * `preloaded`: extensions whose library must be loaded at the start, act on their own, or serve one database alone.
 */
export async function installExtensions(
  session: Connection,
  server: StartedTestContainer,
  folder: string,
  preloaded: readonly string[],
): Promise<void> {
  const { rows } = await session.query(
    `SELECT (SELECT setting FROM pg_config WHERE name = 'SHAREDIR') AS share,
            (SELECT coalesce(array_agg(name::text), '{}') FROM pg_available_extensions) AS available`,
  )
  const { share, available } = rows[0]
  const has = new Set<string>(available)
  const isWanted = (file: string) => {
    const extension = file.split(/--|\./)[0] ?? ''
    return !has.has(extension) || preloaded.includes(extension)
  }
  const files = (await readdir(folder)).filter((name) => /\.(control|sql)$/.test(name) && isWanted(name))
  await server.copyFilesToContainer(
    files.map((name) => ({ source: join(folder, name), target: `${share}/extension/${name}`, mode: 0o644 })),
  )
}
