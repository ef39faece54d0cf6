/** `npm run build`: compiles to `dist/`, and puts beside the modules the files that they read when they run. */
import { cp, rm } from 'node:fs/promises'
import { execa } from 'execa'

const readAtRunTime = ['harness/platform/sql', 'harness/platform/extensions', 'harness/stack/functions/runtime']

await rm('dist', { recursive: true, force: true })
await execa('tsc', ['-p', 'tsconfig.build.json'], { preferLocal: true, stdio: 'inherit' })
for (const folder of readAtRunTime) await cp(folder, `dist/${folder}`, { recursive: true })
