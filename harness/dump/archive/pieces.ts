/** Size of what is read, unpacked and handed on at once: large enough that the cost per piece does not show. */
export const pieceBytes = 256 * 1024

/** Memory that nobody else has, and where its last part ends. */
const owned = new WeakMap<ArrayBufferLike, number>()

/**
 * Says that whoever gets the piece may `release` it: nothing else is read from its memory. `isAll`: no other piece is
 * cut from it; else there is one that ends where it ends.
 */
export function own(piece: Buffer, { isAll }: { readonly isAll: boolean }): Buffer {
  owned.set(piece.buffer, isAll ? piece.byteOffset + piece.length : piece.buffer.byteLength)
  return piece
}

/**
 * Frees the memory of a piece that nobody needs any more, if it is owned and this is the last part of it. The collector
 * of garbage would get to it, too, but it is called after so many megabytes, and each time costs more than unpacking them.
 */
export function release(piece: Buffer): void {
  const { buffer } = piece
  if (owned.get(buffer) === piece.byteOffset + piece.length && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
