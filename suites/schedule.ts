const names = {
  month: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  day: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
}

/**
 * Whether a schedule of pg_cron is once on every day: one minute of one hour, on all days of all months. Understands
 * what pg_cron does: five fields with lists, ranges, steps and names, and `@daily`, `@midnight`; its intervals
 * (`30 seconds`) and other words are not daily. Source: https://github.com/citusdata/pg_cron, `src/entry.c`.
 */
export function isDaily(schedule: string): boolean {
  const fields = schedule.trim().toLowerCase().split(/\s+/)
  if (fields.length === 1) return fields[0] === '@daily' || fields[0] === '@midnight'
  if (fields.length !== 5) return false
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = ''] = fields
  const minutes = valuesOf(minute, 0, 59)
  const hours = valuesOf(hour, 0, 23)
  const months = valuesOf(month, 1, 12, names.month)
  const monthDays = valuesOf(dayOfMonth, 1, 31)
  // 0 and 7 are Sunday.
  const weekDays = valuesOf(dayOfWeek, 0, 7, names.day)
  if (!minutes || !hours || !months || !monthDays || !weekDays) return false
  const everyMonthDay = monthDays.size === 31
  const everyWeekDay = new Set([...weekDays].map((day) => day % 7)).size === 7
  // Where one of the two begins with `*`, a day must fit both; else one is enough.
  const both = dayOfMonth.startsWith('*') || dayOfWeek.startsWith('*')
  const everyDay = both ? everyMonthDay && everyWeekDay : everyMonthDay || everyWeekDay
  return minutes.size === 1 && hours.size === 1 && months.size === 12 && everyDay
}

/** Names of the vault's secrets that the SQL of a job reads, in order, once each. */
export function secretsIn(command: string): string[] {
  if (!/\bvault\s*\./i.test(command)) return []
  const compared = [...command.matchAll(/\bname"?\s*(?:=\s*|in\s*\()('(?:[^']|'')*'(?:\s*,\s*'(?:[^']|'')*')*)/gi)]
  const texts = compared.flatMap(([, list = '']) => [...list.matchAll(/'((?:[^']|'')*)'/g)])
  return [...new Set(texts.map(([, text = '']) => text.replaceAll("''", "'")))]
}

/** The values of a field; `undefined` for what pg_cron does not take. */
function valuesOf(field: string, least: number, most: number, words: readonly string[] = []): Set<number> | undefined {
  const values = new Set<number>()
  for (const part of field.split(',')) {
    const [, from, to, every = '1'] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? []
    const number = (text: string) => (words.includes(text) ? words.indexOf(text) + least : Number(text))
    const first = from === '*' ? least : number(from ?? 'none')
    const last = from === '*' ? most : to === undefined ? first : number(to)
    const step = Number(every)
    // No range of one value has steps, and `*` is a range already.
    if (from === '*' ? to !== undefined : to === undefined && part.includes('/')) return undefined
    const inside = [first, last].every((value) => Number.isInteger(value) && value >= least && value <= most)
    if (!inside || first > last || step < 1) return undefined
    for (let value = first; value <= last; value += step) values.add(value)
  }
  return values
}
