import type { Problem } from './problem.ts'

/** Letters on each side that must be the same for two texts to be one. */
const enough = 12
/** The same for a text that the mail cut short. */
const cut = 4

/**
 * Whether somebody wrote what looks like a problem: the quote stands in a value of the data. A value that is the
 * leftover alone (a user by the name of "null") excuses it anywhere, since nobody could tell.
 */
export function isExcused({ kind, quote, detail }: Problem, values: readonly string[]): boolean {
  if (quote === undefined) return false
  if (kind !== 'placeholder') return values.some((value) => value.includes(quote.replace(/\/$/, '')))
  const shown = spaced(quote)
  return values.some((value) => isPartOf(shown, spaced(value), leftoverIn(shown, detail)))
}

/** Whether both texts go on alike on either side of a leftover, as far as each goes. */
function isPartOf(shown: string, value: string, leftover: string): boolean {
  for (let at = shown.indexOf(leftover); at !== -1; at = shown.indexOf(leftover, at + 1)) {
    for (let of = value.indexOf(leftover); of !== -1; of = value.indexOf(leftover, of + 1)) {
      const left = [shown.slice(0, at), value.slice(0, of)].map((text) => [...text].reverse().join(''))
      const right = [shown.slice(at + leftover.length), value.slice(of + leftover.length)]
      if (goesOnAlike(left[0] ?? '', left[1] ?? '') && goesOnAlike(right[0] ?? '', right[1] ?? '')) return true
    }
  }
  return false
}

/** A value that ends here goes on as anything; a longer one must show its next letters, or enough of them before the mail cuts it. */
function goesOnAlike(shown: string, value: string): boolean {
  if (value === '') return true
  const wanted = value.slice(0, enough)
  if (shown.startsWith(wanted)) return true
  let same = 0
  while (same < wanted.length && shown[same] === wanted[same]) same += 1
  return same >= cut && /^(…|\.\.\.|$)/.test(shown.slice(same).trimStart())
}

/** The leftover as the quote has it: `{{name}}` for `{{…}}`. */
function leftoverIn(quote: string, detail: string): string {
  const shape: Readonly<Record<string, RegExp>> = {
    '{{…}}': /\{\{[^{}]*\}\}|\{\{/,
    ['$' + '{…}']: /\$\{[\w.]+\}/,
    '<%…%>': /<%[=-]?[^%]*%>/,
    '[object Object]': /\[object [A-Z]\w*\]/,
  }
  return shape[detail]?.exec(quote)?.[0] ?? detail
}

function spaced(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/** What a value must hold to excuse a problem: searched in the data. */
export function excuseKey({ kind, detail, quote = '' }: Problem): string {
  return kind === 'placeholder' ? leftoverIn(quote, detail) : quote.replace(/\/$/, '')
}
