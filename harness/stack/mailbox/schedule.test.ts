import { expect, test } from 'vitest'
import { readSchedule } from './schedule.ts'

/** A Wednesday. */
const now = new Date('2026-11-25T12:00:00Z')

test.each([
  ['2026-11-25T13:00:00.000Z', '2026-11-25T13:00:00.000Z'],
  ['2026-11-25T13:00:00+02:00', '2026-11-25T11:00:00.000Z'],
  ['2026-11-25T13:00:00', '2026-11-25T13:00:00.000Z'],
  ['in 1 min', '2026-11-25T12:01:00.000Z'],
  ['In 30 days', '2026-12-25T12:00:00.000Z'],
  ['in an hour', '2026-11-25T13:00:00.000Z'],
  ['tomorrow at 9am', '2026-11-26T09:00:00.000Z'],
  ['Friday at 3pm ET', '2026-11-27T20:00:00.000Z'],
  ['next Wednesday at 08:30', '2026-12-02T08:30:00.000Z'],
  ['today at noon PST', '2026-11-25T20:00:00.000Z'],
])('%s is %s', (text, expected) => {
  expect(readSchedule(text, now)?.toISOString()).toBe(expected)
})

test.each(['', 'soon', 'in 3 fortnights', '2026-13-45', 'tomorrow at 25:00', 'friday at 3pm XYZ', 'undefined'])(
  'does not understand "%s"',
  (text) => expect(readSchedule(text, now)).toBeUndefined(),
)

test('keeps the hour over a change of the clocks', () => {
  const before = new Date('2026-03-07T12:00:00Z')
  expect(readSchedule('tomorrow at 9am ET', before)?.toISOString()).toBe('2026-03-08T13:00:00.000Z')
})
