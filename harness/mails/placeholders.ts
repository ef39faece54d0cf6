import type { Problem } from './problem.ts'

/** What a template leaves when a value is missing, each as its runtime prints it: letter case matters. */
const leftovers: readonly { readonly detail: string; readonly pattern: RegExp }[] = [
  { detail: '{{…}}', pattern: /\{\{[^{}]*\}\}|\{\{/gu },
  { detail: '$' + '{…}', pattern: /\$\{[\w.]+\}/gu },
  { detail: '<%…%>', pattern: /<%[=-]?[^%]*%>/gu },
  { detail: '[object Object]', pattern: /\[object [A-Z]\w*\]/gu },
  { detail: 'Invalid Date', pattern: /\bInvalid Date\b/gu },
  { detail: 'undefined', pattern: word('undefined') },
  { detail: 'null', pattern: word('null') },
  { detail: 'NaN', pattern: word('NaN') },
]

/** Letters around a leftover that its quote takes along. */
const around = 24

/**
 * Unfilled placeholders in a text that a reader sees. `quote` is the leftover with the words around it: where it stands
 * like this in the data, somebody wrote it. In a German text "null" is a word.
 */
export function placeholdersIn(text: string, { german = false } = {}): Problem[] {
  return leftovers.flatMap(({ detail, pattern }): Problem[] => {
    if (german && detail === 'null') return []
    return [...text.matchAll(pattern)].map((match) => ({
      kind: 'placeholder',
      detail,
      quote: text.slice(Math.max(0, match.index - around), match.index + match[0].length + around),
    }))
  })
}

/** Whole words alone: no part of an address, a path, a file name or a longer word. */
function word(text: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}_@/.-])${text}(?![\\p{L}\\p{N}_@/-])(?!\\.[\\p{L}\\p{N}])`, 'gu')
}
