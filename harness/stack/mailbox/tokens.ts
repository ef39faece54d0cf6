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
