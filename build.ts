/** `npm run build`: compiles to `dist/` (or the folder named), and puts beside the modules the files that they read when they run. */
import { cp, rm } from 'node:fs/promises'
import { execa } from 'execa'

const readAtRunTime = [
  'harness/platform/sql',
  'harness/platform/extensions',
  'harness/stack/functions/runtime',
  'harness/kept-mails/browser',
]
const out = process.argv[2] ?? 'dist'

await rm(out, { recursive: true, force: true })
await execa('tsc', ['-p', 'tsconfig.build.json', '--outDir', out], { preferLocal: true, stdio: 'inherit' })
for (const folder of readAtRunTime) await cp(folder, `${out}/${folder}`, { recursive: true })
