import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from './engine.ts'

/** Of the children that the server has had, in milliseconds: sessions and what builds indexes beside them. Linux only. */
export async function serverCpu({ location }: Cluster): Promise<number> {
  const [pid] = (await readFile(join(location, 'data', 'postmaster.pid'), 'utf8')).split('\n')
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // In hundredths of a second.
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * 10
}
