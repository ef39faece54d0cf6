import { isUtf8 } from 'node:buffer'

/** Offset of the first byte that does not belong to valid UTF-8, from 0. */
export function firstInvalidByte(bytes: Uint8Array): number | undefined {
  if (isUtf8(bytes)) return undefined
  let at = 0
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0
    const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
    if (!isUtf8(bytes.subarray(at, at + length))) return at
    at += length
  }
  return undefined
}
