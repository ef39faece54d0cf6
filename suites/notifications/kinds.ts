import type { Contracts } from '../../harness/model/config.ts'

export type Kind = NonNullable<NonNullable<Contracts['notifications']>['kinds']>[string]

/** Every kind of notification that the contracts name, in one shape; a chat message where they say where messages are. */
export function kindsOf({ notifications, rateLimit }: Contracts): readonly (readonly [string, Kind])[] {
  if (notifications === undefined) return []
  const { resourceUpdated, chatMessage, kinds } = notifications
  const message = rateLimit && {
    table: rateLimit.table,
    key: 'id',
    values: { [rateLimit.resource]: '{resource}', [rateLimit.user]: '{actor}', [rateLimit.text]: 'a message' },
  }
  return Object.entries({
    'resource-updated': resourceUpdated,
    ...(chatMessage && message && { 'chat-message': { ...chatMessage, row: message } }),
    ...kinds,
  })
}
