import { linksInText, targetsOf } from '../model/mail-text.ts'
import type { Mail } from '../model/stack.ts'
import type { Problem } from './problem.ts'

export type Sites = {
  /** Hosts of the app's own pages, with their port. Empty: not known, and no link is foreign. */
  readonly own: readonly string[]
  /** Host of the Supabase project, that is of the stack, with its port. */
  readonly project: string
}

const local =
  /^(localhost|.*\.localhost|.*\.local|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1\]|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+)$/
const unfilled =
  /(^|[/=&?#:])(undefined|null|NaN|Invalid(%20|\+| )Date)($|[/&?#])|\[object|%5Bobject|\{\{|%7B%7B|\$\{|\$%7B/i
/** What a mail may point at besides pages. */
const otherSchemes = /^(mailto|tel|sms|cid|data|webcal):/i

/** Links that lead nowhere, or to somebody else. What a person wrote into the data may point anywhere. */
export function badLinks({ html = '', text = '' }: Pick<Mail, 'html' | 'text'>, sites: Sites): Problem[] {
  const targets = [
    ...targetsOf(html).filter(({ url, attribute }) => attribute === 'href' || url !== ''),
    ...linksInText(text).map((url) => ({ attribute: 'href' as const, url })),
  ]
  return targets.flatMap(({ attribute, url }): Problem[] => {
    const detail = whyBroken(url, sites)
    if (detail !== undefined) return [{ kind: 'broken-link', detail, ...(url === '' ? {} : { quote: url }) }]
    // An image may come from anywhere; a page should not.
    if (attribute === 'src' || !/^https?:/i.test(url) || isOwn(new URL(url), sites)) return []
    return [{ kind: 'foreign-link', detail: new URL(url).host, quote: url }]
  })
}

function whyBroken(url: string, { own, project }: Sites): string | undefined {
  if (url === '' || url === '#') return 'without a target'
  if (url.startsWith('#') || otherSchemes.test(url)) return undefined
  if (unfilled.test(url)) return 'with an unfilled placeholder'
  if (/^javascript:/i.test(url)) return 'that run a script'
  if (!/^(https?:)?\/\//i.test(url)) return 'without a host'
  const full = url.startsWith('//') ? `https:${url}` : url
  if (!URL.canParse(full)) return 'that cannot be read'
  const { host, hostname } = new URL(full)
  if (host === project || own.includes(host)) return undefined
  if (local.test(hostname)) return 'to this machine or a private network'
  return hostname.includes('.') ? undefined : 'without a host'
}

/** The app's own host, one below it, or the one above. */
function isOwn({ host, hostname }: URL, { own, project }: Sites): boolean {
  if (own.length === 0 || host === project) return true
  return own.some((site) => {
    const base = site.replace(/:\d+$/, '').replace(/^www\./, '')
    return hostname === base || hostname.endsWith(`.${base}`) || base.endsWith(`.${hostname}`)
  })
}

/** Hosts of all addresses among the values of an environment: what the functions are told of the app's pages. */
export function hostsIn(environment: Readonly<Record<string, string>>): string[] {
  const hosts = Object.values(environment).flatMap((value) =>
    /^https?:\/\//i.test(value) && URL.canParse(value) ? [new URL(value).host] : [],
  )
  return [...new Set(hosts)].sort()
}
