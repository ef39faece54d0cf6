import { z } from 'zod'
import { nearest } from '../model/nearest.ts'

type JsonSchema = { properties?: Record<string, JsonSchema>; items?: JsonSchema; anyOf?: JsonSchema[] }

/** One line for each thing wrong with a config: where, what, and the nearest known key for an unknown one. */
export function complaints(error: z.ZodError, schema: z.ZodType): string[] {
  const shape = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as JsonSchema
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(shape, issue.path)
      return issue.keys.map((key) => `${pathText([...issue.path, key])}: unknown key${suggestion(key, known)}`)
    }
    if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => `${pathText(issue.path)}: ${message}`)
    return [`${pathText(issue.path) || 'the config'}: ${issue.message}`]
  })
}

function suggestion(key: string, known: readonly string[]): string {
  const found = nearest(key, known)
  return found === undefined ? `; known are ${known.join(', ')}` : `; did you mean "${found}"?`
}

function keysAt(shape: JsonSchema, path: readonly PropertyKey[]): string[] {
  const at = path.reduce<JsonSchema | undefined>(
    (node, step) => (typeof step === 'number' ? node?.items : node?.properties?.[String(step)]),
    shape,
  )
  return Object.keys(at?.properties ?? {})
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? String(step) : `.${String(step)}`))
    .join('')
}
