import type { TocEntry } from './dump.ts'

export const realtimePartitionReason = 'Given a default partition: the service that makes one a day does not run here.'

const isDefault = /"?\brealtime"?\."?messages"? ATTACH PARTITION .+ DEFAULT;/

/** Pure: whether `entry` is the `realtime.messages` that a restore into it gives a default partition (`addRealtimePartition`). */
export function wantsRealtimePartition(entry: TocEntry, entries: readonly TocEntry[]): boolean {
  return (
    entry.schema === 'realtime' &&
    entry.name === 'messages' &&
    /\bPARTITION BY /.test(entry.definition) &&
    !entries.some(({ type, definition }) => /^TABLE( ATTACH)?$/.test(type) && isDefault.test(definition))
  )
}
