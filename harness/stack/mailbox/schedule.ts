const units: Readonly<Record<string, number>> = {
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
}
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']
/** Zones as people write them; without one, UTC. */
const zones: Readonly<Record<string, string>> = {
  utc: 'UTC',
  gmt: 'UTC',
  z: 'UTC',
  et: 'America/New_York',
  est: 'America/New_York',
  edt: 'America/New_York',
  ct: 'America/Chicago',
  cst: 'America/Chicago',
  cdt: 'America/Chicago',
  mt: 'America/Denver',
  mst: 'America/Denver',
  mdt: 'America/Denver',
  pt: 'America/Los_Angeles',
  pst: 'America/Los_Angeles',
  pdt: 'America/Los_Angeles',
  cet: 'Europe/Berlin',
  cest: 'Europe/Berlin',
  bst: 'Europe/London',
}

/**
 * The moment that a `scheduled_at` names: ISO 8601, or words such as "in 1 min", "in an hour", "tomorrow at 9am",
 * "Friday at 3pm ET" (https://resend.com/docs/dashboard/emails/schedule-email). Resend understands more words than
 * these; what is not understood here is `undefined`, and refused.
 */
export function readSchedule(text: string, now: Date): Date | undefined {
  const words = text.trim().toLowerCase().replace(/\s+/g, ' ')
  if (/^\d{4}-\d{2}-\d{2}/.test(words)) return isoMoment(text.trim())
  const later = /^in (a|an|one|\d+) ?([a-z]+?)s?( from now)?$/.exec(words)
  if (later) {
    const count = /^\d+$/.test(later[1] ?? '') ? Number(later[1]) : 1
    const unit = units[later[2] ?? '']
    return unit === undefined ? undefined : new Date(now.getTime() + count * unit)
  }
  const day =
    /^(?:(?:on |next |this )?(today|tomorrow|sunday|monday|tuesday|wednesday|thursday|friday|saturday))?(?: ?(?:at )?(?:(noon|midnight)|(\d{1,2})(?::(\d{2}))? ?(am|pm)?))?(?: ([a-z]{1,4}))?$/.exec(
      words,
    )
  if (!day || words === '' || (day[1] === undefined && day[2] === undefined && day[3] === undefined)) return undefined
  const zone = day[6] === undefined ? 'UTC' : zones[day[6]]
  const clock = clockOf(day)
  return zone === undefined || clock === undefined ? undefined : dayMoment(day[1], clock, zone, now)
}

function isoMoment(text: string): Date | undefined {
  // Without an offset it is UTC, whatever the zone of this machine.
  const plain = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(text)
  const moment = new Date(plain ? `${text.replace(' ', 'T')}Z` : text)
  return Number.isNaN(moment.getTime()) ? undefined : moment
}

/** Hour and minute; `undefined` for 13pm or 9:75. Without a time of day: 9 in the morning. */
function clockOf([, , word, hours, minutes, half]: readonly (string | undefined)[]): [number, number] | undefined {
  if (word !== undefined) return word === 'noon' ? [12, 0] : [0, 0]
  if (hours === undefined) return [9, 0]
  const hour = Number(hours)
  if (Number(minutes ?? 0) > 59 || hour > (half === undefined ? 23 : 12) || (half !== undefined && hour === 0)) return
  return [half === undefined ? hour : (hour % 12) + (half === 'pm' ? 12 : 0), Number(minutes ?? 0)]
}

/** The next such day, at that hour in that zone. */
function dayMoment(
  day: string | undefined,
  [hour, minute]: [number, number],
  zone: string,
  now: Date,
): Date | undefined {
  for (let ahead = 0; ahead <= 8; ahead++) {
    const local = localParts(new Date(now.getTime() + ahead * 86_400_000), zone)
    const moment = instantOf(local, hour, minute, zone)
    const weekday = weekdays[new Date(Date.UTC(local.year, local.month - 1, local.day)).getUTCDay()]
    const fits =
      day === undefined
        ? moment > now
        : day === 'today'
          ? ahead === 0
          : day === 'tomorrow'
            ? ahead === 1
            : weekday === day && moment > now
    if (fits) return moment
  }
  return undefined
}

function localParts(moment: Date, timeZone: string): { year: number; month: number; day: number } {
  const [year, month, day] = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' })
    .format(moment)
    .split('-')
    .map(Number)
  return { year: year ?? 0, month: month ?? 0, day: day ?? 0 }
}

function instantOf(
  { year, month, day }: { year: number; month: number; day: number },
  hour: number,
  minute: number,
  timeZone: string,
): Date {
  const wanted = Date.UTC(year, month - 1, day, hour, minute)
  let moment = new Date(wanted)
  // Twice, since the first guess may lie on the other side of a change of the clocks.
  for (let round = 0; round < 2; round++) {
    const shown = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(moment)
    moment = new Date(moment.getTime() + wanted - new Date(`${shown.replace(' ', 'T')}Z`).getTime())
  }
  return moment
}
