import { readFile } from 'node:fs/promises'

/** Version of this package, from its manifest. */
export async function toolVersion(): Promise<string> {
  // The manifest is one folder up in a checkout, two in the published package.
  for (const place of ['../package.json', '../../package.json']) {
    const text = await readFile(new URL(place, import.meta.url), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const manifest: { name: string; version: string } = JSON.parse(text)
    if (manifest.name === 'supabase-greenlight') return manifest.version
  }
  return 'unknown'
}
