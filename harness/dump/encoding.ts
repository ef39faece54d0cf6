import { isUtf8 } from 'node:buffer'

/**
 * Encodings of Postgres that dumps in practice have, with the label by which `TextDecoder` knows them. Those that it
 * does not know (`MULE_INTERNAL`, `EUC_TW`, `JOHAB` …) cannot be read here.
 */
const labels: Readonly<Record<string, string>> = {
  UTF8: 'utf-8',
  // Bytes of whatever kind; the copy is in UTF-8, so they must be that.
  SQL_ASCII: 'utf-8',
  LATIN2: 'iso-8859-2',
  LATIN3: 'iso-8859-3',
  LATIN4: 'iso-8859-4',
  LATIN6: 'iso-8859-10',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  ISO_8859_5: 'iso-8859-5',
  ISO_8859_6: 'iso-8859-6',
  ISO_8859_7: 'iso-8859-7',
  ISO_8859_8: 'iso-8859-8',
  WIN866: 'ibm866',
  WIN874: 'windows-874',
  WIN1250: 'windows-1250',
  WIN1251: 'windows-1251',
  WIN1252: 'windows-1252',
  WIN1253: 'windows-1253',
  WIN1254: 'windows-1254',
  WIN1255: 'windows-1255',
  WIN1256: 'windows-1256',
  WIN1257: 'windows-1257',
  WIN1258: 'windows-1258',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  EUC_JP: 'euc-jp',
  EUC_KR: 'euc-kr',
  EUC_CN: 'gbk',
  GBK: 'gbk',
  GB18030: 'gb18030',
  BIG5: 'big5',
  SJIS: 'shift_jis',
}

/** From bytes of an encoding to text: undefined for bytes that are none. */
export type Decode = (bytes: Buffer) => string | undefined

/** By the encoding's name in Postgres; undefined for one that cannot be read. */
export function decoderOf(encoding: string): Decode | undefined {
  // For browsers, latin1 is another name of windows-1252.
  if (encoding === 'LATIN1') return (bytes) => bytes.toString('latin1')
  const label = labels[encoding]
  if (label === undefined) return undefined
  if (label === 'utf-8') return (bytes) => (isUtf8(bytes) ? bytes.toString('utf8') : undefined)
  const decoder = new TextDecoder(label, { fatal: true })
  return (bytes) => {
    try {
      return decoder.decode(bytes)
    } catch {
      return undefined
    }
  }
}

/** `SET client_encoding = 'latin1';` → `LATIN1`, as Postgres calls it. */
export function encodingOf(definition: string): string {
  const name = /'([^']*)'/.exec(definition)?.[1]?.toUpperCase().replaceAll('-', '_') ?? 'UTF8'
  const aliases: Readonly<Record<string, string>> = {
    UTF_8: 'UTF8',
    UNICODE: 'UTF8',
    ISO_8859_1: 'LATIN1',
    ALT: 'WIN866',
    WIN: 'WIN1251',
  }
  return aliases[name] ?? name
}
