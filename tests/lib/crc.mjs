// crc.mjs - the CRC of PNG and zip; Node's own came with version 20.15.
const table = Array.from({ length: 256 }, (_, n) => { for (let i = 0; i < 8; i++) n = n & 1 ? 0xedb88320 ^ n >>> 1 : n >>> 1; return n >>> 0 })

export const crc32 = bytes => (bytes.reduce((crc, byte) => table[(crc ^ byte) & 255] ^ crc >>> 8, 0xffffffff) ^ 0xffffffff) >>> 0
