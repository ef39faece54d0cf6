import { readFile } from 'node:fs/promises'
import { adminRole } from '../database/engine.ts'

/** The roles that `preparePlatform` makes, and the admin role, sorted. */
export async function platformRoles(): Promise<string[]> {
  const sql = await readFile(new URL('./sql/roles.sql', import.meta.url), 'utf8')
  const listed = [...sql.matchAll(/^\s+\('(\w+)',\s+'/gm)].map(([, name = '']) => name)
  return [...listed, adminRole].sort()
}
