/**
 * Prints `N passed, N failed, N skipped` from Vitest's JSON results, and fails when a test that needs Docker was
 * skipped although CI promises a Docker engine.
 */
import { readFileSync } from 'node:fs'

type Results = {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly success: boolean
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

const [, , path = ''] = process.argv
const results: Results = JSON.parse(readFileSync(path, 'utf8'))
const skippedForDocker = results.testResults
  .flatMap(({ assertionResults }) => assertionResults)
  .filter(({ fullName, status }) => status !== 'passed' && status !== 'failed' && /needs docker/i.test(fullName))
for (const { fullName } of skippedForDocker) console.error(`Skipped, although CI has Docker: ${fullName}`)
const skipped = results.numPendingTests + results.numTodoTests
console.log(`${results.numPassedTests} passed, ${results.numFailedTests} failed, ${skipped} skipped`)
process.exitCode = results.success && skippedForDocker.length === 0 && results.numPassedTests > 0 ? 0 : 1
