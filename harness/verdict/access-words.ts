import type { Check } from '../model/check.ts'

/**
 * What `access.everyone`, `access.row-sets` and `access.writes` looked at, as the rest of one sentence; undefined where
 * nobody's row sets were compared. A check that gave no answer is not spoken of.
 */
export function accessInWords(checks: readonly Check[]): string | undefined {
  const figures = (id: string): Readonly<Record<string, number>> => {
    const check = checks.find((one) => one.id === id)
    return check?.status === 'passed' || check?.status === 'failed' ? (check.numbers ?? {}) : {}
  }
  const {
    users,
    usersFewest = users,
    tables = 0,
    policies = 0,
    policiesExercised = 0,
    policiesExercisedMadeUp = 0,
  } = figures('access.row-sets')
  const { usersAll, tablesExhaustive = 0, tablesSampled = 0 } = figures('access.everyone')
  const { writesTried } = figures('access.writes')
  if (users === undefined) return undefined
  const who =
    users === 0
      ? 'only anon and service_role'
      : `${usersFewest !== undefined && usersFewest < users ? `${number(usersFewest)} to ` : ''}${count(users, 'sampled user')}`
  const parts = [
    usersAll !== undefined &&
      `all ${number(usersAll)} users compared at ${number(tablesExhaustive)} of ${count(tablesExhaustive + tablesSampled, 'table or view', 'tables and views')}`,
    `${who} asked one by one at ${count(tables, 'table or view', 'tables and views')}`,
    policies > 0 &&
      `${number(policiesExercised)} of ${count(policies, 'policy', 'policies')} seen to let somebody through and to refuse somebody${policiesExercisedMadeUp > 0 ? ` (${number(policiesExercisedMadeUp)} more on made-up rows)` : ''}`,
    writesTried !== undefined && `${count(writesTried, 'write')} tried for real`,
  ]
  return parts.filter((part) => part !== false).join(', ')
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`
}
