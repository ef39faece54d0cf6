/** Every http(s) link, in order, once each: as attribute in HTML (entities undone), as it stands in text. */
export function linksOf(html: string | undefined, text: string | undefined): string[] {
  const inHtml = targetsOf(html ?? '')
    .map(({ url }) => url)
    .filter((url) => /^https?:/i.test(url))
  return [...new Set([...inHtml, ...linksInText(text ?? '')])]
}

/** What the tags of an HTML mail point at, whatever its form, in order. */
export function targetsOf(html: string): { readonly attribute: 'href' | 'src'; readonly url: string }[] {
  const attributes = /\s(href|src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi
  return [...html.matchAll(attributes)].map((match) => ({
    attribute: match[1]?.toLowerCase() === 'src' ? 'src' : 'href',
    url: unescapeHtml(match[2] ?? match[3] ?? match[4] ?? '').trim(),
  }))
}

export function linksInText(text: string): string[] {
  return [...text.matchAll(/https?:\/\/[^\s<>"')\]]+/gi)].map((match) => match[0].replace(/[.,;:!?]+$/, ''))
}

export function unescapeHtml(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Math.min(Number(code), 0x10ffff)))
    .replace(/&#x([0-9a-f]+);/gi, (_, code: string) =>
      String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10ffff)),
    )
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&nbsp;', ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

/** What a reader sees of an HTML mail: no tags, styles, scripts and comments; entities undone; white space as one. */
export function visibleText(html: string): string {
  const shown = html
    .replace(/<!--[\s\S]*?-->/g, ' ')
    .replace(/<(style|script|head|title)\b[\s\S]*?<\/\1\s*>/gi, ' ')
    .replace(/<[a-z/!][^>]*>/gi, ' ')
  return unescapeHtml(shown).replace(/\s+/g, ' ').trim()
}
