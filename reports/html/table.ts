import { html, type Markup } from './template.ts'

export type Column = { readonly title: string; readonly numeric?: boolean }
export type Cell = Markup | string

/** A table whose rows become labelled blocks on a phone. The first cell of a row is its heading. */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): Markup {
  return html`<div class="table"><table class="cells"><caption>${caption}</caption>
<thead><tr>${columns.map(({ title, numeric }) => html`<th scope="col"${numeric === true && html` class="num"`}>${title}</th>`)}</tr></thead>
<tbody>${rows.map(
    (cells) =>
      html`<tr>${cells.map((cell, index) => {
        const column = columns[index]
        if (index === 0) return html`<th scope="row">${cell}</th>`
        return html`<td data-label="${column?.title ?? ''}"${column?.numeric === true && html` class="num"`}>${cell}</td>`
      })}</tr>`,
  )}</tbody></table></div>`
}
