import { describe, expect, test } from 'vitest'
import { tells, wallClock } from '../../suites/notifications/reader-dates.ts'

const moment = new Date('2027-07-15T10:37:00Z')
const kathmandu = 'Asia/Kathmandu'

describe('the date that a mail tells', () => {
  test.each([
    'It starts on Thursday 15 July 2027 at 16:22 (Asia/Kathmandu).',
    'July 15th, 4:22 PM',
    'July 15, 2027, 4:22 p.m. your time',
    'am 15.07.2027 um 16.22 Uhr',
    'le 15 juillet à 16h22',
    '2027-07-15 16:22:00',
    'on July 15',
    'Thursday 15 July at 16:22, there at 12:37 (Europe/Paris)',
  ])('%s: is the reader’s', (text) => {
    expect(tells(text, moment, kathmandu)).toBe(true)
  })

  test.each([
    'Thursday 15 July 2027 at 10:37 (UTC)',
    'July 15, 4:22 AM',
    'Wednesday 14 July at 16:22',
    'at 16:22',
    '2027-07-15T10:37:00Z',
    'It has no date.',
  ])('%s: is not', (text) => {
    expect(tells(text, moment, kathmandu)).toBe(false)
  })

  test('goes by the day and the summer time of the zone', () => {
    expect(wallClock(moment, 'Pacific/Pago_Pago')).toEqual({ day: 14, minutes: 23 * 60 + 37 })
    expect(wallClock(moment, 'Pacific/Kiritimati')).toEqual({ day: 16, minutes: 37 })
    expect(wallClock(moment, 'America/New_York').minutes).toBe(6 * 60 + 37)
    expect(wallClock(new Date('2027-01-15T10:37:00Z'), 'America/New_York').minutes).toBe(5 * 60 + 37)
  })
})
