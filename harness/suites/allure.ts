import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { failureLine } from './wording.ts'

type StatusDetails = { message?: string; trace?: string; actual?: string; expected?: string }
type Result = { statusDetails?: StatusDetails; steps?: Result[] }

/**
 * Allure's reporter, held to what a report may say: by itself it writes every value that an assertion compared, which in a
 * suite are rows of production.
 */
export function allureReporter(resultsDir: string): [string, Record<string, unknown>] {
  const listeners = [{ beforeTestResultWrite: withoutValues }]
  return ['allure-vitest/reporter', { resultsDir, reportMatchers: false, listeners }]
}

/** The same for what went wrong in hooks, which the reporter writes beside the results and tells nobody of. */
export async function withholdValues(resultsDir: string): Promise<void> {
  for (const name of await readdir(resultsDir).catch(() => [])) {
    if (!name.endsWith('-globals.json')) continue
    const path = join(resultsDir, name)
    const globals: { errors?: StatusDetails[] } = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...globals, errors: globals.errors?.map(told) }))
  }
}

function withoutValues(result: Result): void {
  if (result.statusDetails !== undefined) result.statusDetails = told(result.statusDetails)
  result.steps?.forEach(withoutValues)
}

function told({ message, trace, actual: _, expected: __, ...others }: StatusDetails): StatusDetails {
  return {
    ...others,
    ...(message === undefined ? {} : { message: failureLine({ name: 'AssertionError', message }) }),
    ...(trace === undefined ? {} : { trace: frames(trace) }),
  }
}

function frames(trace: string): string {
  return trace
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')
}
