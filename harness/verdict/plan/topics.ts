/** Things that a migration does which the plan has a checkbox for, told by its SQL. */
const patterns = {
  'adds-column': /\balter\s+table\b[^;]*\badd\s+column\b/i,
  'creates-table': /\bcreate\s+(?:unlogged\s+)?table\b/i,
  'creates-index': /\bcreate\s+(?:unique\s+)?index\b/i,
  'changes-policy': /\b(?:create|alter|drop)\s+policy\b/i,
  'schedules-job': /\bcron\s*\.\s*schedule(?:_in_database)?\s*\(/i,
}

/** A glance, not a parse: comments are left out, the body of a function counts as done. */
export function topicsOf(sql: string): ReadonlySet<string> {
  const bare = sql.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/--[^\n]*/g, ' ')
  return new Set(
    Object.entries(patterns)
      .filter(([, pattern]) => pattern.test(bare))
      .map(([topic]) => topic),
  )
}
