import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { type ContainerClient, findContainers } from '../database/container/client.ts'
import { hasImage, imagesFor } from '../database/container/image.ts'
import { type Capability, type Engine, lackedBy } from '../database/engine.ts'
import { neededBytes } from '../database/room.ts'
import { engines } from '../engines.ts'
import { messageOf } from '../errors.ts'
import { postgrestBinary } from '../stack/data-api/binary.ts'
import { denoBinary } from '../stack/functions/deno.ts'

/** One thing that a run needs. `need`: without it nothing runs; `part`: a run goes without, and says so. */
export type Symptom = {
  readonly what: string
  readonly state: 'fine' | 'missing'
  readonly weight: 'need' | 'part'
  readonly detail: string
}

const oldestNode = [22, 22] as const

/** `greenlight doctor`: what this machine can run. Starts no server, pulls nothing, and asks no server of others. */
export async function doctorCommand(): Promise<{ readonly text: string; readonly healthy: boolean }> {
  const symptoms = [
    nodeSymptom(process.versions.node),
    ...(await Promise.all(Object.values(engines).map(engineSymptom))),
    await imagesSymptom(),
    part('Data API (PostgREST)', () => postgrestBinary()),
    part('edge functions (Deno)', () => denoBinary()),
    part('Auth (@supabase/lite)', () => import.meta.resolve('@supabase/lite')),
    await memorySymptom(),
    await diskSymptom(),
  ]
  return { text: doctorText(symptoms), healthy: isHealthy(symptoms) }
}

/** Whether a run can start: everything needed is there. Pure. */
export function isHealthy(symptoms: readonly Symptom[]): boolean {
  return symptoms.every(({ state, weight }) => state === 'fine' || weight === 'part')
}

export function nodeSymptom(version: string): Symptom {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const fits = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  return {
    what: 'Node',
    state: fits ? 'fine' : 'missing',
    weight: 'need',
    detail: fits
      ? version
      : `${version}; ${oldestNode.join('.')} or newer is needed (npm install brings one for npm run)`,
  }
}

/** The default engine is needed, the others are a choice. */
async function engineSymptom(engine: Engine): Promise<Symptom> {
  const weight = engine.name === 'embedded' ? 'need' : 'part'
  const available = await engine.available()
  const what = `engine ${engine.name}`
  if (!available.ok) return { what, state: 'missing', weight, detail: available.reason }
  const version = engine.serverVersionNum === undefined ? [] : [`PostgreSQL ${sayVersion(engine.serverVersionNum)}`]
  return { what, state: 'fine', weight, detail: [...version, ...sayOffers(engine.offers)].join('; ') }
}

export function sayOffers(offers: readonly Capability[]): readonly string[] {
  return [`has ${offers.join(', ')}`, ...lackedBy(offers).map((lack) => `lacks ${lack}`)]
}

function sayVersion(num: number): string {
  return `${Math.floor(num / 10_000)}.${num % 10_000}`
}

async function imagesSymptom(): Promise<Symptom> {
  const what = 'images at hand'
  const client = await findContainers().then(
    (found): ContainerClient | undefined => found.client,
    () => undefined,
  )
  if (client === undefined) return { what, state: 'missing', weight: 'part', detail: 'no container engine to ask' }
  const wanted = [...new Set([18, 17, 16, 15].flatMap(imagesFor))]
  const there = await Promise.all(wanted.map((image) => hasImage(client, image)))
  const found = wanted.filter((_, index) => there[index])
  return {
    what,
    state: found.length > 0 ? 'fine' : 'missing',
    weight: 'part',
    detail: found.length > 0 ? found.join(', ') : `none; ${imagesFor(17)[0]} is pulled when a run wants it`,
  }
}

function part(what: string, find: () => string): Symptom {
  try {
    return { what, state: 'fine', weight: 'part', detail: find() }
  } catch (error) {
    return { what, state: 'missing', weight: 'part', detail: messageOf(error) }
  }
}

async function memorySymptom(): Promise<Symptom> {
  const free = process.availableMemory()
  const enough = free >= neededBytes()
  return {
    what: 'memory',
    state: enough ? 'fine' : 'missing',
    weight: 'part',
    detail: `${sayGibibytes(free)} free${enough ? '' : `; a small copy wants ${sayGibibytes(neededBytes())}`}`,
  }
}

/** Where clusters go that memory does not hold. */
async function diskSymptom(): Promise<Symptom> {
  const folder = tmpdir()
  const { bavail, bsize } = await statfs(folder)
  const enough = bavail * bsize >= neededBytes()
  return {
    what: 'disk',
    state: enough ? 'fine' : 'missing',
    weight: 'need',
    detail: `${sayGibibytes(bavail * bsize)} free in ${folder}${enough ? '' : `; ${sayGibibytes(neededBytes())} are needed: free some, or set TMPDIR`}`,
  }
}

function sayGibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`
}

/** One line for each, for the terminal. Pure. */
export function doctorText(symptoms: readonly Symptom[]): string {
  const width = Math.max(...symptoms.map(({ what }) => what.length))
  const lines = symptoms.map(({ what, state, weight, detail }) => {
    const mark = state === 'fine' ? '✓' : weight === 'need' ? '✗' : '–'
    return `  ${mark} ${what.padEnd(width)}  ${detail}`
  })
  const missing = symptoms.filter(({ state, weight }) => state === 'missing' && weight === 'need')
  const verdict =
    missing.length === 0
      ? 'This machine can rehearse.'
      : `No run can start here: ${missing.map(({ what }) => what).join(', ')}.`
  return `${lines.join('\n')}\n\n  ${verdict}\n`
}
