/** Where the lines of a text begin, to turn offsets into lines and columns. */
export type Lines = { readonly text: string; readonly starts: readonly number[] }

export function linesOf(text: string): Lines {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return { text, starts }
}

/** Line and column from 1 of an offset in UTF-16 units; the column counts UTF-16 units, as editors do. */
export function placeAt({ starts }: Lines, offset: number): { readonly line: number; readonly column: number } {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
}

/** Text of a line, from 1, without its end. */
function lineText({ text, starts }: Lines, line: number): string {
  const start = starts[line - 1]
  if (start === undefined) return ''
  return text.slice(start, starts[line] ?? text.length).replace(/\r?\n$/, '')
}

/** The offset, in UTF-16 units, of the character that Postgres counts as `position` (from 1, in code points). */
export function offsetOfPosition(text: string, position: number): number {
  let offset = 0
  for (let count = 1; count < position && offset < text.length; count++) {
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1
  }
  return offset
}

const widest = 100
const linesBefore = 2
const linesAfter = 1

/** The line with a caret under the column, and the lines around it. Long lines are cut to the part around the caret. */
export function excerpt(lines: Lines, line: number, column: number): string {
  const first = Math.max(1, line - linesBefore)
  const last = Math.min(lines.starts.length, line + linesAfter)
  const width = String(last).length
  const cut = column > widest - 20 ? column - Math.floor(widest / 2) : 0
  const rows: string[] = []
  for (let number = first; number <= last; number++) {
    const text = lineText(lines, number)
    const shown = text.slice(cut, cut + widest)
    const gutter = `${number === line ? '>' : ' '} ${String(number).padStart(width)} | `
    rows.push(`${gutter}${shown}${text.length > cut + widest ? ' …' : ''}`.trimEnd())
    // Tabs are kept, so that the caret stands under its character whatever a tab is wide.
    const indent = shown.slice(0, column - 1 - cut).replace(/[^\t]/g, ' ')
    if (number === line) rows.push(`  ${' '.repeat(width)} | ${indent}^`)
  }
  return rows.join('\n')
}
