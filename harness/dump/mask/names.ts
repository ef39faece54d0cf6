import type { MaskKind } from '../../model/config.ts'

/** What a column or a member of JSON holds, by its name alone; undefined where the name does not tell. */
export function kindOfName(name: string): MaskKind | undefined {
  if (known.has(name)) return known.get(name)
  const kind = askName(name)
  if (known.size >= 10_000) known.clear()
  known.set(name, kind)
  return kind
}

/** Members of JSON have the same few names in every row. */
const known = new Map<string, MaskKind | undefined>()

function askName(name: string): MaskKind | undefined {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[\s-]+/g, '_')
    .toLowerCase()
  return namesOfKinds.find(([, names, except]) => names.test(words) && !except?.test(words))?.[0]
}

/** In the order in which they are asked. */
const namesOfKinds: readonly (readonly [MaskKind, RegExp, RegExp?])[] = [
  ['email', /^(.+_)?e_?mails?(_addr(ess(es)?)?)?(_(old|new|lower|normali[sz]ed|change|canonical))?$/],
  ['phone', /^(.+_)?(phone|mobile|cellphone|fax|tel|telephone|msisdn|whatsapp)s?(_?(number|num|no|nr|change))?$/],
  ['ip', /^(.+_)?ip(_?addr(ess)?)?$|^(.+_)?(remote|client)_addr(ess)?$/],
  [
    'token',
    /^(.+_)?(token|secret|secret_key|api_?key|access_?key|private_?key|signing_?key|password|passwd|pwd|otp|otp_code|credential|auth_?code)s?(_(hash|encrypted|new|current))?$/,
  ],
  [
    'name',
    /^(.+_)?((first|last|full|display|middle|maiden|given|family|sur|nick|user)_?name|surname|(contact|guest|customer|person|recipient|sender|author|owner)_name)$/,
    /^(host|file|domain|db|database|table)_/,
  ],
  [
    'address',
    /^(.+_)?(street|address|addr)(_?(line)?_?[1-3])?$/,
    /^(.+_)?(ip|e?mail|mac|wallet|web|url|contract|host|network|server|from|to|remote|client)_addr/,
  ],
]

/**
 * What the value of a JSON member holds, by its name and by its looks; undefined where neither tells. `ofUser`: the JSON
 * describes a person, so that what is called just "name" is one.
 */
export function kindOfKey(key: string, value: string, ofUser: boolean): MaskKind | 'subject' | undefined {
  if (ofUser && namesOfUser.has(key)) return namesOfUser.get(key)
  const named = kindOfName(key)
  if (named === 'email') return value.includes('@') ? 'email' : undefined
  if (named === 'phone') return /\d{4}/.test(value) ? 'phone' : undefined
  const looks = named ?? kindOfValue(value)
  // Many a version number looks like an address of a network.
  return named === undefined && looks === 'ip' ? undefined : looks
}

/** Whether the name of a JSON member may be why `kindOfKey` tells a kind: where it is not, only the looks of the value are. */
export function isTold(key: string, ofUser: boolean): boolean {
  return (ofUser && namesOfUser.has(key)) || kindOfName(key) !== undefined
}

const namesOfUser: ReadonlyMap<string, 'subject' | 'name'> = new Map([
  ['sub', 'subject'],
  ['provider_id', 'subject'],
  ['name', 'name'],
  ['preferred_username', 'name'],
  ['nickname', 'name'],
  ['bio', 'name'],
])

/** What a value is, by its looks alone. */
export function kindOfValue(value: string): MaskKind | undefined {
  const [first = ''] = value
  if (value.length > 4096 || !(value.includes('@') || /[+e$\d]/.test(first))) return undefined
  if (/^\s*[^\s@<>,;"]+@[^\s@<>,;"]+\.[^\s@<>,;".\d]{2,}\s*$/.test(value)) return 'email'
  if (/^\+[1-9](?:[ ()./-]{0,2}\d){7,14}$/.test(value)) return 'phone'
  if (/^eyJ[\w-]{8,}\.eyJ[\w-]+\.[\w-]*$/.test(value)) return 'token'
  if (/^[$]2[abxy]?[$]\d\d[$][./A-Za-z0-9]{53}$/.test(value)) return 'token'
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(\/\d+)?$/.exec(value)
  if (octets?.slice(1, 5).every((octet) => Number(octet) <= 255)) return 'ip'
  return undefined
}
