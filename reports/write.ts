import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HarnessError, messageOf } from '../harness/errors.ts'

/** Folder of Allure's result files, in the folder of the reports. */
const allureFolder = 'allure-results'
const reportNames = ['report.json', 'report.md', 'report.html', 'junit.xml']
const allureFile = /^[\w-]+-(?:result\.json|container\.json|attachment\.\w+)$/

/**
 * Shows before a run that its reports can be written, and removes those of an earlier run: a run that is cut off must
 * not leave yesterday's GO to be read as its own, nor Allure mix the two. A folder that is not there is not made yet.
 * Throws `report.unwritable`.
 */
export async function clearReports(folder: string): Promise<void> {
  try {
    if (await probe(folder)) return
    for (const name of reportNames) await rm(join(folder, name), { force: true })
    for (const name of await readdir(join(folder, allureFolder)).catch(() => []))
      if (allureFile.test(name)) await rm(join(folder, allureFolder, name), { force: true })
  } catch (error) {
    throw unwritable(folder, error)
  }
}

/** Writes a file and takes it away again; true when the folder had to be made for it, and is gone again, too. */
async function probe(folder: string, attempts = 20): Promise<boolean> {
  const path = join(folder, `.greenlight-probe-${randomBytes(6).toString('hex')}`)
  let made: string | undefined
  try {
    made = await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeWhole(path, '')
  } catch (error) {
    // Another run made the folder, and has just taken it away.
    if (isCode(error, 'ENOENT') && attempts > 1) return probe(folder, attempts - 1)
    throw error
  }
  await rm(path)
  if (made !== undefined) await unmake(folder, made)
  return made !== undefined
}

/** Removes the empty folders from `folder` up to `top`; one that another run uses by now stays. */
async function unmake(folder: string, top: string): Promise<void> {
  try {
    for (let path = folder; path.length >= top.length; path = dirname(path)) await rmdir(path)
  } catch (error) {
    if (!isCode(error, 'ENOTEMPTY') && !isCode(error, 'ENOENT')) throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

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
    throw unwritable(folder, error)
  }
  return paths
}

function unwritable(folder: string, cause: unknown): HarnessError {
  return new HarnessError(
    'report.unwritable',
    `The reports could not be written to ${folder}: ${messageOf(cause)}. Choose a folder that can be written with --out.`,
    { facts: { folder }, cause },
  )
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
