import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HarnessError, messageOf } from '../harness/errors.ts'

/**
 * Writes rendered reports, by file name (`report.html` → text), into the folder, which is made with mode 0700. Each file
 * appears whole or not at all, with mode 0600, and replaces an older one. Returns the paths in the order given. Throws
 * `report.unwritable`.
 */
export async function writeReports(
  folder: string,
  rendered: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const paths: string[] = []
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const [name, text] of Object.entries(rendered)) {
      const path = join(folder, name)
      await writeWhole(path, text)
      paths.push(path)
    }
  } catch (error) {
    throw new HarnessError(
      'report.unwritable',
      `The reports could not be written to ${folder}: ${messageOf(error)}. Choose a folder that can be written with --out.`,
      { facts: { folder }, cause: error },
    )
  }
  return paths
}

/** The temporary file lies in the same folder, since a rename does not cross file systems. */
async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await using file = await open(temporary, 'wx', 0o600)
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  try {
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
