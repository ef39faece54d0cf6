import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { reportJsonSchema } from './schema.ts'

test('the published JSON Schema is that of the document (node reports/schema.write.ts writes it)', async () => {
  const published = await readFile(new URL('report.schema.json', import.meta.url), 'utf8')
  expect(JSON.parse(published)).toEqual(JSON.parse(reportJsonSchema()))
})
