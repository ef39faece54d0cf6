/** The initial state of BLAKE2s-256 without a key (RFC 7693). */
export function startState(): Int32Array {
  const state = Int32Array.from(initial)
  state[0] = (state[0] ?? 0) ^ 0x01010020
  return state
}

const initial = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]

/** The order in which each of the ten rounds takes the words of a block. */
const order = Uint8Array.from(
  [
    '0123456789abcdef',
    'ea489fd61c02b753',
    'b8c052fdae367194',
    '7931dcbe265a40f8',
    '905724afe1bc683d',
    '2c6a0b834d75fe19',
    'c51fed4a0763928b',
    'db7ec13950f4862a',
    '6fe9b308c2d714a5',
    'a2847615fb9e3cd0',
  ].join(''),
  (digit) => Number.parseInt(digit, 16),
)

function turned(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}

/**
 * BLAKE2s' compression (RFC 7693, section 3.2) of the 16 words of `block` from `at` on, into `state`. `bytes`: of the
 * message up to the end of the block, below 2³². In plain JavaScript, because a call of OpenSSL takes three times as long
 * for a value as short as most are.
 */
export function compress(state: Int32Array, block: Int32Array, at: number, bytes: number, last: boolean): void {
  let v0 = state[0] ?? 0
  let v1 = state[1] ?? 0
  let v2 = state[2] ?? 0
  let v3 = state[3] ?? 0
  let v4 = state[4] ?? 0
  let v5 = state[5] ?? 0
  let v6 = state[6] ?? 0
  let v7 = state[7] ?? 0
  let v8 = 0x6a09e667 | 0
  let v9 = 0xbb67ae85 | 0
  let v10 = 0x3c6ef372 | 0
  let v11 = 0xa54ff53a | 0
  let v12 = 0x510e527f ^ bytes
  let v13 = 0x9b05688c | 0
  let v14 = last ? ~0x1f83d9ab : 0x1f83d9ab
  let v15 = 0x5be0cd19 | 0
  for (let row = 0; row < order.length; row += 16) {
    v0 = (v0 + v4 + (block[at + (order[row] ?? 0)] ?? 0)) | 0
    v12 = turned(v12 ^ v0, 16)
    v8 = (v8 + v12) | 0
    v4 = turned(v4 ^ v8, 12)
    v0 = (v0 + v4 + (block[at + (order[row + 1] ?? 0)] ?? 0)) | 0
    v12 = turned(v12 ^ v0, 8)
    v8 = (v8 + v12) | 0
    v4 = turned(v4 ^ v8, 7)
    v1 = (v1 + v5 + (block[at + (order[row + 2] ?? 0)] ?? 0)) | 0
    v13 = turned(v13 ^ v1, 16)
    v9 = (v9 + v13) | 0
    v5 = turned(v5 ^ v9, 12)
    v1 = (v1 + v5 + (block[at + (order[row + 3] ?? 0)] ?? 0)) | 0
    v13 = turned(v13 ^ v1, 8)
    v9 = (v9 + v13) | 0
    v5 = turned(v5 ^ v9, 7)
    v2 = (v2 + v6 + (block[at + (order[row + 4] ?? 0)] ?? 0)) | 0
    v14 = turned(v14 ^ v2, 16)
    v10 = (v10 + v14) | 0
    v6 = turned(v6 ^ v10, 12)
    v2 = (v2 + v6 + (block[at + (order[row + 5] ?? 0)] ?? 0)) | 0
    v14 = turned(v14 ^ v2, 8)
    v10 = (v10 + v14) | 0
    v6 = turned(v6 ^ v10, 7)
    v3 = (v3 + v7 + (block[at + (order[row + 6] ?? 0)] ?? 0)) | 0
    v15 = turned(v15 ^ v3, 16)
    v11 = (v11 + v15) | 0
    v7 = turned(v7 ^ v11, 12)
    v3 = (v3 + v7 + (block[at + (order[row + 7] ?? 0)] ?? 0)) | 0
    v15 = turned(v15 ^ v3, 8)
    v11 = (v11 + v15) | 0
    v7 = turned(v7 ^ v11, 7)
    v0 = (v0 + v5 + (block[at + (order[row + 8] ?? 0)] ?? 0)) | 0
    v15 = turned(v15 ^ v0, 16)
    v10 = (v10 + v15) | 0
    v5 = turned(v5 ^ v10, 12)
    v0 = (v0 + v5 + (block[at + (order[row + 9] ?? 0)] ?? 0)) | 0
    v15 = turned(v15 ^ v0, 8)
    v10 = (v10 + v15) | 0
    v5 = turned(v5 ^ v10, 7)
    v1 = (v1 + v6 + (block[at + (order[row + 10] ?? 0)] ?? 0)) | 0
    v12 = turned(v12 ^ v1, 16)
    v11 = (v11 + v12) | 0
    v6 = turned(v6 ^ v11, 12)
    v1 = (v1 + v6 + (block[at + (order[row + 11] ?? 0)] ?? 0)) | 0
    v12 = turned(v12 ^ v1, 8)
    v11 = (v11 + v12) | 0
    v6 = turned(v6 ^ v11, 7)
    v2 = (v2 + v7 + (block[at + (order[row + 12] ?? 0)] ?? 0)) | 0
    v13 = turned(v13 ^ v2, 16)
    v8 = (v8 + v13) | 0
    v7 = turned(v7 ^ v8, 12)
    v2 = (v2 + v7 + (block[at + (order[row + 13] ?? 0)] ?? 0)) | 0
    v13 = turned(v13 ^ v2, 8)
    v8 = (v8 + v13) | 0
    v7 = turned(v7 ^ v8, 7)
    v3 = (v3 + v4 + (block[at + (order[row + 14] ?? 0)] ?? 0)) | 0
    v14 = turned(v14 ^ v3, 16)
    v9 = (v9 + v14) | 0
    v4 = turned(v4 ^ v9, 12)
    v3 = (v3 + v4 + (block[at + (order[row + 15] ?? 0)] ?? 0)) | 0
    v14 = turned(v14 ^ v3, 8)
    v9 = (v9 + v14) | 0
    v4 = turned(v4 ^ v9, 7)
  }
  state[0] = (state[0] ?? 0) ^ v0 ^ v8
  state[1] = (state[1] ?? 0) ^ v1 ^ v9
  state[2] = (state[2] ?? 0) ^ v2 ^ v10
  state[3] = (state[3] ?? 0) ^ v3 ^ v11
  state[4] = (state[4] ?? 0) ^ v4 ^ v12
  state[5] = (state[5] ?? 0) ^ v5 ^ v13
  state[6] = (state[6] ?? 0) ^ v6 ^ v14
  state[7] = (state[7] ?? 0) ^ v7 ^ v15
}
