/** Minutes of the day, by a clock on the wall. */
type Wall = { readonly day: number; readonly minutes: number }

/** What a clock on the wall says in a time zone (IANA name). */
export function wallClock(moment: Date, timeZone: string): Wall {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  })
  const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]))
  return { day: parts.get('day') ?? 0, minutes: (parts.get('hour') ?? 0) * 60 + (parts.get('minute') ?? 0) }
}

/** `16:22`, `16.22`, `16h22`, `4:22 pm`, with or without seconds; no date with dots. */
const times = /(?<![\d.])(\d{1,2})[:.h](\d{2})(?::\d{2})?(?!\.?\d)(?:\s*([ap])\.?m\b)?/gi

/**
 * Whether a text tells the moment as a clock in the time zone does: its day of the month, and where the text tells times,
 * one of them is its time. In any language that writes Western digits.
 */
export function tells(text: string, moment: Date, timeZone: string): boolean {
  const { day, minutes } = wallClock(moment, timeZone)
  const told = [...text.matchAll(times)].map(([, hour, minute, half]) => {
    const hours = half === undefined ? Number(hour) : (Number(hour) % 12) + (half.toLowerCase() === 'p' ? 12 : 0)
    return hours * 60 + Number(minute)
  })
  const days = (text.replace(times, ' ').match(/\d+/g) ?? []).map(Number)
  return days.includes(day) && (told.length === 0 || told.includes(minutes))
}
