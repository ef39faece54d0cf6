/** What a string of a JSON text is: the key of the member that it is the value of, or that its array is. */
export type Leaf = { readonly key: string; readonly value: string }

/**
 * Pure: a JSON text with the strings (never the names of members) that `mask` gives another value for. Everything else
 * stays byte for byte: numbers of any size, spaces, the order of members. What is no JSON comes back as it is, masked as
 * far as it could be read.
 */
export function maskLeaves(json: string, mask: (leaf: Leaf) => string): string {
  const keys: string[] = []
  let key = ''
  let result = ''
  let written = 0
  tokens.lastIndex = 0
  for (let token = tokens.exec(json); token !== null; token = tokens.exec(json)) {
    const [text, colon] = token
    if (text === '{' || text === '[') keys.push(key)
    else if (text === '}' || text === ']') key = keys.pop() ?? ''
    else if (colon !== undefined) key = parsed(text.slice(0, -colon.length))
    else {
      const { index } = token
      const value = parsed(text)
      const masked = mask({ key, value })
      // Masks of what is in here may have read other JSON meanwhile.
      tokens.lastIndex = index + text.length
      if (masked === value) continue
      result += json.slice(written, index) + JSON.stringify(masked)
      written = index + text.length
    }
  }
  return written === 0 ? json : result + json.slice(written)
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/gs

function parsed(text: string): string {
  if (!text.includes('\\')) return text.slice(1, -1)
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : text
  } catch {
    return text.slice(1, -1)
  }
}
