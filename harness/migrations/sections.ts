import { type ScanProblem, scan } from './scan.ts'

/** A file that holds the way up and the way down. Each part is as long as the file: what is not its own is blank, so that places stay right. */
export type Sections = {
  readonly up: string
  readonly down?: string
  /** dbmate's `transaction:false`, of each part. */
  readonly alone: { readonly up: boolean; readonly down: boolean }
}

/** dbmate's `-- migrate:up`, node-pg-migrate's `-- Up Migration`, goose's `-- +goose Up`. */
const marker = /^--[\s-]*(?:migrate:(up|down)\b(.*)|(up|down)\s+migration\b|\+goose\s+(up|down)\b)/is

/**
 * The parts of a migration that goes both ways; undefined for a file without such marks. Only comments count: a mark in a
 * string is none. A part that comes twice, SQL before the first mark, or no way up is a problem.
 */
export function readSections(sql: string): Sections | { readonly problem: ScanProblem } | undefined {
  const { tokens } = scan(sql)
  const marks = tokens.flatMap((token) => {
    if (token.type !== 'comment') return []
    const found = marker.exec(sql.slice(token.start, token.end))
    if (!found) return []
    const way = (found[1] ?? found[3] ?? found[4] ?? '').toLowerCase() === 'up' ? 'up' : 'down'
    return [{ way, start: token.start, alone: /\btransaction\s*:\s*false\b/i.test(found[2] ?? '') } as const]
  })
  const [first] = marks
  if (!first) return undefined
  const meant = tokens.find(({ type }) => type !== 'space' && type !== 'comment')
  if (meant && meant.start < first.start) {
    const message = 'This statement stands before the mark of the way up: it belongs to neither part. Move it below.'
    return { problem: { message, offset: meant.start } }
  }
  const twice = marks.find((mark, index) => marks.findIndex(({ way }) => way === mark.way) < index)
  if (twice) return { problem: { message: `The way ${twice.way} is marked a second time.`, offset: twice.start } }
  const part = (way: 'up' | 'down') => {
    const index = marks.findIndex((mark) => mark.way === way)
    const start = marks[index]?.start
    if (start === undefined) return undefined
    const end = marks[index + 1]?.start ?? sql.length
    return blank(sql.slice(0, start)) + sql.slice(start, end) + blank(sql.slice(end))
  }
  const up = part('up')
  const down = part('down')
  if (up === undefined) {
    return { problem: { message: 'This file has a way down and no way up.', offset: first.start } }
  }
  const isAlone = (way: 'up' | 'down') => marks.some((mark) => mark.way === way && mark.alone)
  return {
    up: up.trimEnd(),
    ...(down === undefined ? {} : { down: down.trimEnd() }),
    alone: { up: isAlone('up'), down: isAlone('down') },
  }
}

/** Spaces in the place of everything but line ends. */
const blank = (text: string) => text.replace(/[^\r\n]/g, ' ')
