import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { HarnessError, messageOf, throwIfAborted } from '../errors.ts'

/** Beside the files of the dump in the folder of a capture. */
export const manifestName = 'greenlight-capture.json'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().min(0)

/** What a capture says of itself. Holds no value of a row: names, counts, hashes, settings and the texts of queries without their constants. */
const manifestSchema = z.strictObject({
  format: z.literal('greenlight capture 1'),
  tool: z.string(),
  /** ISO 8601, UTC: when the snapshot was taken. */
  takenAt: z.iso.datetime(),
  server: z.strictObject({ version: z.string(), versionNum: count, database: z.string(), encoding: z.string() }),
  pgDump: z.string(),
  /** By name, without those of extensions and apps, which may hold secrets. */
  settings: z.record(z.string(), z.string()),
  /** Of `supabase_migrations.schema_migrations`; absent where there is no such table. */
  migrations: z.array(z.strictObject({ version: z.string(), name: z.string().nullable() })).optional(),
  /** The costliest of pg_stat_statements; absent where it is not installed or not to be read. */
  queries: z
    .array(
      z.strictObject({
        query: z.string(),
        /** Who sent it; captures of before this was noted do not say. */
        role: z.string().optional(),
        calls: z.number(),
        milliseconds: z.number(),
        rows: z.number(),
      }),
    )
    .optional(),
  tables: z.array(
    z.strictObject({ table: z.string(), columns: z.array(z.string()), rows: count, hash: z.string().regex(/^-?\d+$/) }),
  ),
  files: z.record(z.string(), z.strictObject({ bytes: count, sha256 })),
})
export type Manifest = z.infer<typeof manifestSchema>

/**
 * The manifest of a captured dump, every file of which is held against it; undefined: the path is no capture. Throws
 * `dump.corrupt`, naming each file that is missing, other than it was, or not of the capture.
 */
export async function readManifest(path: string, signal?: AbortSignal): Promise<Manifest | undefined> {
  const text = await readFile(join(path, manifestName), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const manifest = parse(text, join(path, manifestName))
  const found = await hashFiles(path, signal)
  const names = new Set([...Object.keys(manifest.files), ...Object.keys(found)])
  const wrong = [...names].sort().flatMap((name) => {
    const [was, is] = [manifest.files[name], found[name]]
    if (was === undefined) return [`${name} is not of the capture`]
    if (is === undefined) return [`${name} is missing`]
    return was.sha256 === is.sha256 ? [] : [`${name} is not what it was`]
  })
  if (wrong.length === 0) return manifest
  throw new HarnessError(
    'dump.corrupt',
    `${path} is no longer the capture that it was:\n${wrong.map((line) => `  - ${line}`).join('\n')}\nCopy it again, or capture again.`,
    { facts: { path, complaints: wrong } },
  )
}

function parse(text: string, path: string): Manifest {
  const refuse = (cause: unknown) =>
    new HarnessError('dump.corrupt', `${path} is no manifest of a capture: ${messageOf(cause)}. Capture again.`, {
      cause,
    })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw refuse(cause)
  }
  const parsed = manifestSchema.safeParse(json)
  if (parsed.success) return parsed.data
  throw refuse(new Error(parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`).join('; ')))
}

/** Size and SHA-256 of every file of a folder but the manifest, by name. */
export async function hashFiles(folder: string, signal?: AbortSignal): Promise<Manifest['files']> {
  const files: Manifest['files'] = {}
  for (const name of (await readdir(folder)).sort()) {
    if (name === manifestName) continue
    throwIfAborted(signal, `hashing ${name}`)
    const path = join(folder, name)
    if (!(await lstat(path)).isFile()) {
      throw new HarnessError('dump.corrupt', `${path} is no file: a capture holds files only.`, { facts: { path } })
    }
    const hash = createHash('sha256')
    let bytes = 0
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
      hash.update(piece)
      bytes += piece.length
    }
    files[name] = { bytes, sha256: hash.digest('hex') }
  }
  return files
}
