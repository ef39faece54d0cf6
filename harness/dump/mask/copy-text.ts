/** Pure: the value behind a field of COPY's text format; `\N` alone is not one. */
export function unescapeField(field: string): string {
  if (!field.includes('\\')) return field
  return field.replace(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|[\s\S])/g, (_, code: string) => {
    const plain = escapes[code]
    if (plain !== undefined) return plain
    if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff)
    return code
  })
}

/** Pure: a value as COPY's text format holds it. */
export function escapeField(value: string): string {
  if (!/[\b\f\n\r\t\v\\]/.test(value)) return value
  return value.replace(/[\b\f\n\r\t\v\\]/g, (char) => `\\${escapeOf[char] ?? char}`)
}

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }
const escapeOf: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(escapes).map(([letter, char]) => [char, letter]),
)
