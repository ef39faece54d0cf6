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

/** One-time tokens and codes in links: values of parameters so named, and long random path segments. */
export function tokensOf(links: readonly string[]): string[] {
  const found = links.flatMap((link) => {
    if (!URL.canParse(link)) return []
    const url = new URL(link)
    const parameters = [...url.searchParams, ...new URLSearchParams(url.hash.replace(/^#/, ''))]
    const named = parameters.filter(([name]) => /token|code|otp|secret|invit/i.test(name)).map(([, value]) => value)
    const segments = url.pathname.split('/').filter((part) => /^[\w-]{20,}$/.test(part) && /\d/.test(part))
    return [...named, ...segments].filter((value) => value !== '')
  })
  return [...new Set(found)]
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
