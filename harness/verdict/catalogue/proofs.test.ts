import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { findingKinds } from '../../model/finding.ts'
import { findProof, type PlaceOfProof } from './test-places.ts'
import { proofs } from './test-proofs.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (file: string) => readFile(`${root}${file}`, 'utf8')

/** Reads the place that a proof names: its test file, and the file of its cases where that is another one. */
async function placeOf(proof: string): Promise<PlaceOfProof> {
  const [, file = '', test = file, name = ''] = /^(\S+)(?: \((\S+)\))? › (.+)$/.exec(proof) ?? []
  expect(test, proof).toMatch(/\.test\.ts$/)
  // Cases are proof only while a test reads them.
  if (test !== file) expect(await read(test), proof).toContain(`/${basename(file)}'`)
  return findProof(await read(file), name, test === file)
}

describe('every kind of finding has what triggers it, and what comes close and must not', () => {
  test.each(findingKinds)('%s', async (kind) => {
    const { trigger, nearMiss } = proofs[kind]
    const bad = await placeOf(trigger)
    const good = await placeOf(nearMiss)
    expect(bad.said, `${trigger} must say that ${kind} is found`).toContain(kind)
    expect(bad.runs && good.runs, 'no test that is skipped is a proof').toBe(true)
    expect(bad.asserts && good.asserts, 'a proof asserts').toBe(true)
    if (trigger === nearMiss) expect(bad.hasNearMiss, `${trigger} must have a near miss of its own`).toBe(true)
    else expect(good.said, `${nearMiss} must not say that ${kind} is found`).not.toContain(kind)
  })
})

describe('a proof is not one', () => {
  const source = `
    test('finds it', () => { expect(look()).toEqual(['data.corrupt people']) })
    test.skip('would find it', () => { expect(look()).toEqual(['data.corrupt people']) })
    describe.skipIf(!docker)('there', () => { test('finds it there', () => { expect(look()).toEqual(['data.corrupt']) }) })
    test('only speaks', () => { say('data.corrupt') })
    test('denies it', () => { expect(look()).not.toContain('data.corrupt') })
    test('leaves it out', () => { expect(look().filter(({ kind }) => kind === 'data.corrupt')).toEqual([]) })
    test.each([['row', 'sql']])('%s blocks', (_, sql) => { expect(look(sql)).toContain('data.corrupt') })
    const cases = { 'a case': { sql: 'x', findings: ['data.corrupt t'] }, 'another': { sql: 'y', findings: [] } }
    const twins = [{ does: 'harm', finds: 'data.corrupt', nearMiss: [] }]`
  const place = (name: string) => findProof(source, name, true)

  test('when its name is not there, or there twice', () => {
    expect(() => place('finds nothing')).toThrow('is not there')
    expect(() => findProof(source + source, 'finds it', true)).toThrow('2 times')
  })

  test('when it is skipped, asserts nothing, says the opposite, or has no near miss', () => {
    expect(place('finds it')).toEqual({ said: ['data.corrupt'], runs: true, asserts: true, hasNearMiss: false })
    expect(place('would find it').runs).toBe(false)
    expect(place('finds it there').runs).toBe(false)
    expect(place('only speaks').asserts).toBe(false)
    expect(place('denies it').said).toEqual([])
    expect(place('leaves it out').said).toEqual([])
    expect(place('row')).toMatchObject({ said: ['data.corrupt'], asserts: true })
    expect(findProof(source, 'a case', false)).toMatchObject({ said: ['data.corrupt'], asserts: true })
    expect(findProof(source, 'another', false).said).toEqual([])
    expect(findProof(source, 'harm', false).hasNearMiss).toBe(false)
  })
})
