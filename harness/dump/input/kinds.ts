/** What a dump is, by its bytes; its name tells nothing (the dashboard's `.backup` is SQL text). */
export type DumpKind = 'custom' | 'directory' | 'tar' | 'plain' | 'cluster' | 'supabase-cli'

/** What can be around a dump. */
export type Wrapping = 'gzip' | 'zstd' | 'lz4'

export type Kind = DumpKind | Wrapping | 'zip' | 'text' | 'unknown'

/** How much of a file is looked at to tell what it is: a script's first statements may come late. */
export const headBytes = 64 * 1024

/** Pure: what the first bytes of a file say. */
export function kindOf(head: Buffer): Kind {
  const latin = head.toString('latin1', 0, 512)
  if (latin.startsWith('PGDMP')) return 'custom'
  if (latin.startsWith('\x1f\x8b')) return 'gzip'
  if (latin.startsWith('\x28\xb5\x2f\xfd')) return 'zstd'
  if (latin.startsWith('\x04\x22\x4d\x18')) return 'lz4'
  if (latin.startsWith('PK\x03\x04')) return 'zip'
  if (latin.slice(257, 262) === 'ustar') return 'tar'
  if (head.includes(0)) return 'unknown'
  return kindOfText(head.toString('latin1'))
}

export function isWrapping(kind: Kind): kind is Wrapping {
  return kind === 'gzip' || kind === 'zstd' || kind === 'lz4'
}

function kindOfText(text: string): Kind {
  if (/^-- PostgreSQL database cluster dump/m.test(text)) return 'cluster'
  if (/^-- PostgreSQL database dump/m.test(text)) return 'plain'
  const commandLine = [
    /^SET session_replication_role = replica;/m,
    /^CREATE ROLE "/m,
    /^ALTER ROLE "/m,
    /^SELECT pg_catalog\.set_config\('search_path', '', false\);/m,
    /^CREATE TABLE IF NOT EXISTS "/m,
    /^CREATE SCHEMA IF NOT EXISTS "/m,
    /^CREATE OR REPLACE FUNCTION "/m,
  ]
  return commandLine.some((pattern) => pattern.test(text)) ? 'supabase-cli' : 'text'
}
