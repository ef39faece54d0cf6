import { describe, expect, needs } from '#suite'

const test = needs('accessCodes')

describe('access codes', () => {
  test('a valid code is accepted, with a JSONB object as the answer', async ({ app, anon }) => {
    const { function: name, argument, validCode, validKey } = app.accessCodes
    const { data, error } = await anon.rpc(name, { [argument]: validCode })
    expect(error?.code, 'SQLSTATE of the call').toBeUndefined()
    expect(shapeOf(data)).toBe('object')
    expect(data[validKey] === true, `"${validKey}" in the answer`).toBe(true)
  })

  test('an unknown code is refused without an error', async ({ app, anon, seed }) => {
    const { function: name, argument, validKey } = app.accessCodes
    const { data, error } = await anon.rpc(name, { [argument]: `no-such-code-${seed}` })
    expect(error?.code, 'SQLSTATE of the call').toBeUndefined()
    // One row of a table, or the object itself: only the refusal matters here.
    const answer = Array.isArray(data) ? data[0] : data
    expect(answer?.[validKey] === true, `"${validKey}" in the answer`).toBe(false)
  })

  test('an empty code and a code of odd characters are refused without an error', async ({ app, anon }) => {
    const { function: name, argument, validKey } = app.accessCodes
    for (const code of ['', ' ', "'; --", '\u{1F511}']) {
      const { data, error } = await anon.rpc(name, { [argument]: code })
      expect(error?.code, 'SQLSTATE of the call').toBeUndefined()
      const answer = Array.isArray(data) ? data[0] : data
      expect(answer?.[validKey] === true, `"${validKey}" in the answer`).toBe(false)
    }
  })
})

function shapeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
}
