// totp.mjs - codes of an authenticator app: RFC 6238 by Node's own crypto.
// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto'

export const stepNow = () => Math.floor(Date.now() / 30000)

export function codeOf(secret, at) {
  const bits = [...secret].map(c => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map(byte => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(at))
  const mac = createHmac('sha1', key).update(step).digest()
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0')
}
