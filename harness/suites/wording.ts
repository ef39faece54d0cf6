import { stripVTControlCharacters } from 'node:util'

type Failure = { readonly name?: string | undefined; readonly message: string }

/**
 * What a failed test may say outside of its worker: the first line of its message. What Vitest quotes from the two
 * values of a failed assertion is left out, since in a suite these are rows of production.
 */
export function failureLine({ name, message }: Failure): string {
  const line = stripVTControlCharacters(message).split('\n')[0] ?? ''
  if (name !== 'AssertionError') return line
  const from = line.search(/\bexpected\b/)
  return from === -1 ? line : line.slice(0, from) + line.slice(from).replace(quoted, (text) => `${text[0]}…${text[0]}`)
}

/** Texts in an assertion's message, also one that was cut off. */
const quoted = /'(?:[^'\\]|\\.)*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|`(?:[^`\\]|\\.)*(?:`|$)/g
