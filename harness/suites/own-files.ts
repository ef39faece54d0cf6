import { stat } from 'node:fs/promises'
import { isAbsolute, join, relative } from 'node:path'
import { glob as filesOf } from 'tinyglobby'
import { HarnessError } from '../errors.ts'

/** One glob of the customer's own suite files: the folder in front of its first wildcard, and the rest of it. */
export type OwnGlob = { readonly folder: string; readonly include: string }

/** Takes an absolute glob. Throws `suites.not-found` for another. */
export function ownGlob(glob: string): OwnGlob {
  if (!isAbsolute(glob))
    throw new HarnessError('suites.not-found', `The suites "${glob}" must be named by an absolute path.`)
  const parts = glob.split('/')
  const wild = parts.findIndex((part) => /[*?{[]/.test(part))
  const folder = parts.slice(0, wild === -1 ? -1 : wild).join('/') || '/'
  return { folder, include: relative(folder, glob) }
}

/**
 * Refuses globs (absolute) that no file fits, as Vitest would look for them: what was meant to be tried would be left
 * out without a word. `base` is the folder that they were written for. Throws `suites.not-found` with all of them.
 */
export async function checkOwnSuites(globs: readonly string[], base: string): Promise<void> {
  const found = await Promise.all(globs.map(hasFile))
  const missing = globs.filter((_, at) => !found[at])
  if (missing.length === 0) return
  const lines = await Promise.all(missing.map(async (glob) => `  - ${await sayMissing(glob, base)}`))
  throw new HarnessError(
    'suites.not-found',
    `No file fits these suites, looked for from ${base} on:\n${lines.join('\n')}\nCorrect --suites, or "suites" in the config; nothing was judged.`,
    { facts: { suites: missing, folder: base } },
  )
}

async function hasFile(glob: string): Promise<boolean> {
  const { folder, include } = ownGlob(glob)
  // As Vitest does.
  const options = { cwd: folder, dot: true, expandDirectories: false, ignore: ['**/node_modules/**', '**/.git/**'] }
  return (await filesOf([include], options)).length > 0
}

async function sayMissing(glob: string, base: string): Promise<string> {
  const written = relative(base, glob)
  const name = written === '' || written.startsWith('..') ? glob : written
  const isFolder = await stat(glob).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return isFolder ? `"${name}" is a folder; name the files in it: "${join(name, '**/*.suite.ts')}"` : `"${name}"`
}
