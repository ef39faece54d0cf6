import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Cluster } from './database/engine.ts'
import { forgetKept, keepFailure, keptAdvice } from './kept.ts'
import { keepMails, readKeptMails } from './kept-mails/keep.ts'
import { keptMail } from './kept-mails/test-mails.ts'
import { writeKeptMails } from './kept-mails/write-page.ts'

const cluster = {
  removal: 'rm -r /tmp/cluster',
  database: (name: string) => ({ url: () => `postgres://kept/${name}` }),
} as unknown as Cluster

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kept here-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

test('what was written while tests failed is kept for one reader, told with how to remove it, and goes with the next run', async () => {
  const folder = await makeFolder()
  const path = join(folder, 'kept-failures.txt')
  expect(keptAdvice(cluster, folder, false)).not.toContain('kept-failures')
  keepFailure(folder, '')
  keepFailure(folder, 'mail#2 error: no key\n')
  keepFailure(folder, 'auth: refused\n')
  expect(await readFile(path, 'utf8')).toBe('mail#2 error: no key\nauth: refused\n')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const advice = keptAdvice(cluster, folder, false)
  expect(advice).toContain(`${path}    (what functions, Auth and the Data API wrote while tests failed)`)
  expect(advice).toContain(`Remove it with: rm -r /tmp/cluster; rm -f '${path}'\n`)
  await forgetKept(folder)
  expect(keptAdvice(cluster, folder, false)).toContain('Remove it with: rm -r /tmp/cluster\n')
})

test('mails are kept whatever stands in them, and read again', async () => {
  const folder = await makeFolder()
  const odd = keptMail({ subject: 'a\u2028b\u2029c\r\nd\u0085e', html: '<p>\u2028</p>' })
  await keepMails(folder, [odd, keptMail()])
  const read = []
  for await (const mail of readKeptMails(folder)) read.push(mail)
  expect(read).toEqual([odd, keptMail()])
  expect((await writeKeptMails(folder))?.mails).toBe(2)
})

test('mails are told and removed with it, and forgotten with it', async () => {
  const folder = await makeFolder()
  for (const name of ['kept-mails.html', 'kept-mails.jsonl']) await writeFile(join(folder, name), '')
  const advice = keptAdvice(cluster, folder, true)
  expect(advice).toContain('kept-mails.html    (the mails that the suites sent, for a browser)')
  expect(advice).toMatch(/rm -f '[^']+kept-mails\.html' '[^']+kept-mails\.jsonl'/)
  await forgetKept(folder)
  await expect(stat(join(folder, 'kept-mails.jsonl'))).rejects.toThrow('ENOENT')
})
