import { relative } from 'node:path'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { findingKinds, type MailKind } from '../model/finding.ts'
import type { Side } from '../model/suite-run.ts'
import { toldOfBreak } from './broken-off.ts'
import type { SideTest } from './join.ts'
import { failureLine } from './wording.ts'

/** A Vitest reporter that keeps what happened, for the verdict; it prints nothing. */
export type Collector = Reporter & {
  readonly tests: SideTest[]
  /** What went wrong outside of any test: a file that does not load, an unhandled rejection, a stack that broke off. */
  readonly errors: string[]
  files: number
  /** Whether a test of this file failed, or the file itself, by its full path. */
  hasFailed(moduleId: string): boolean
}

export function collector(root: string, onProgress: ((done: number) => void) | undefined): Collector {
  const troubled = new Set<string>()
  const collected: Collector = {
    tests: [],
    errors: [],
    files: 0,
    hasFailed: (moduleId) => troubled.has(moduleId),
    onTestCaseResult(test) {
      const seen = sideTest(test, root)
      const told = toldOfBreak(seen, test.meta().broken)
      collected.tests.push(told)
      if (told !== seen) collected.errors.push(`${place(test.module, root)} > ${told.name}: ${told.reason}`)
      onProgress?.(collected.tests.length)
    },
    onTestModuleEnd(module) {
      collected.files += 1
      if (!module.ok()) troubled.add(module.moduleId)
      for (const error of module.errors()) collected.errors.push(`${place(module, root)}: ${failureLine(error)}`)
      for (const suite of module.children.allSuites()) {
        for (const error of suite.errors())
          collected.errors.push(`${place(module, root)} > ${suite.name}: ${failureLine(error)}`)
      }
    },
    onTestRunEnd(_, unhandled) {
      for (const error of unhandled) collected.errors.push(failureLine(error))
    },
  }
  return collected
}

function sideTest(test: TestCase, root: string): SideTest {
  const result = test.result()
  const error = result.errors?.[0]
  const frame = error?.stacks?.find(({ file }) => !file.includes('/node_modules/'))
  const duration = test.diagnostic()?.duration
  const note = result.state === 'skipped' ? result.note : undefined
  return {
    side: sideOf(test.module),
    file: relative(root, test.module.moduleId),
    name: test.fullName,
    state: result.state === 'pending' ? 'not run' : result.state,
    ...(error === undefined ? {} : { message: failureLine(error) }),
    ...(frame === undefined
      ? {}
      : { where: { file: relative(root, frame.file), line: frame.line, column: frame.column } }),
    ...(duration === undefined ? {} : { milliseconds: Math.round(duration) }),
    ...(note === undefined ? {} : { reason: note }),
    ...(isMailHarm(error?.harm) ? { finding: error.harm } : {}),
    ...(test.meta().remark === undefined ? {} : { remark: test.meta().remark }),
    observations: test.meta().observations ?? {},
  }
}

/** What `suites/harm.ts` notes at an error. */
function isMailHarm(value: unknown): value is MailKind {
  return typeof value === 'string' && value.startsWith('mail.') && (findingKinds as readonly string[]).includes(value)
}

/** Projects are called `before` and `after`, or `before:<number>` for a customer's own suites. */
export function sideOf({ project }: Pick<TestModule, 'project'>): Side {
  return project.name.startsWith('before') ? 'before' : 'after'
}

function place(module: TestModule, root: string): string {
  return `${relative(root, module.moduleId)} (${sideOf(module)})`
}
