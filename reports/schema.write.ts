import { writeFile } from 'node:fs/promises'
import { reportJsonSchema } from './schema.ts'

// By hand, after the schema changed: node reports/schema.write.ts && npx biome format --write reports
await writeFile(new URL('report.schema.json', import.meta.url), reportJsonSchema())
