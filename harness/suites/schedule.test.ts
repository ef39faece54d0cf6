import { expect, test } from 'vitest'
import { isDaily, secretsIn } from '../../suites/schedule.ts'

test.each([
  '0 9 * * *',
  ' 00 09  * * * ',
  '@daily',
  '@Midnight',
  '0 9 */1 * *',
  '0 9 * */1 */1',
  '0 9 1-31 * *',
  '0 9 * 1-12 0-6',
  '0 9 * * 1-7',
  '0 9 * jan-dec sun-sat',
  '30,30 23 * * *',
  '0 9 1 * 0-6',
])('%s: once a day', (schedule) => expect(isDaily(schedule)).toBe(true))

test.each([
  '@hourly',
  '@weekly',
  '@reboot',
  '30 seconds',
  '* 9 * * *',
  '*/1 9 * * *',
  '0 * * * *',
  '0 */12 * * *',
  '0 9,21 * * *',
  '0 9 */2 * *',
  '0 9 * * 1-5',
  '0 9 * * mon',
  '0 9 1 * *',
  '0 9 1-30 * *',
  '0 9 */1 * 1-5',
  '0 9 * 1-11 *',
  '5/2 9 * * *',
  '60 9 * * *',
  '0 24 * * *',
  '0 9 * *',
  '',
])('%s: not once a day, or no schedule', (schedule) => expect(isDaily(schedule)).toBe(false))

test('the secrets that a job reads are told by their names', () => {
  const read = `(select decrypted_secret from vault.decrypted_secrets where name =`
  expect(secretsIn(`select net.http_post(${read} 'url') || ${read} 'it''s') || ${read} 'url'))`)).toEqual([
    'url',
    "it's",
  ])
  expect(secretsIn(`select 1 from vault.secrets where name in ('a', 'b c')`)).toEqual(['a', 'b c'])
  // Another table's name is none.
  expect(secretsIn(`delete from public.tags where name = 'old'`)).toEqual([])
})
