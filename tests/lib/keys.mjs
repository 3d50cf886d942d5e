// keys.mjs - API keys that have a key's form and are none.
import { randomBytes } from 'node:crypto'

export function crc32(text) {
  let crc = ~0
  for (const byte of Buffer.from(text)) {
    crc ^= byte
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

/** A key with a secret that nobody gave out; of a key that exists, if its id is given. */
export function wrongKey(id = randomBytes(6).toString('hex')) {
  const text = `mdk_${id}_${randomBytes(32).toString('base64url')}`
  return `${text}_${crc32(text).toString(16).padStart(8, '0')}`
}
