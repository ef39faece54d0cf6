import type { Mail } from '../harness/model/stack.ts'

/** Addresses of everybody that a mail goes to, without display names, in lower case. */
export function recipients(mail: Mail): string[] {
  return [...mail.to, ...mail.cc, ...mail.bcc].map((address) =>
    (/<([^>]+)>$/.exec(address)?.[1] ?? address).toLowerCase(),
  )
}

/** A body of a contract, its `{placeholders}` replaced; one without a value stays. */
export function filled(
  body: Readonly<Record<string, string>>,
  values: Readonly<Record<string, string>>,
): Record<string, string> {
  const replaced = (text: string) => text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
  return Object.fromEntries(Object.entries(body).map(([field, text]) => [field, replaced(text)]))
}
