// secrets.mjs - what nobody may find again: any part of every key and token that a test used, and of their hashes.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'

const PART = 12 // characters in a row: chance does not repeat so many

const sha256 = text => createHash('sha256').update(text).digest()

export class Secrets {
  #parts = new Map() // a part -> what it is a part of

  #add(what, text) {
    for (let i = 0; i + PART <= text.length; i++) this.#parts.set(text.slice(i, i + PART), what)
  }

  #addHash(what, bytes) {
    for (const form of ['hex', 'base64', 'base64url', 'latin1']) this.#add(`${what}, ${form}`, bytes.toString(form))
    this.#add(`${what}, HEX`, bytes.toString('hex').toUpperCase())
  }

  /** mdk_<id>_<secret>_<crc>: the id is no secret. */
  addKey(key) {
    const secret = key.slice(17, 60)
    this.#add('the secret of a key', secret)
    this.#addHash('the hash of a secret', sha256(secret))
    this.#addHash('the hash of a key', sha256(key))
  }

  /** Its head too: that of any other token begins alike. */
  addToken(token) {
    this.#add('a token', token)
    this.#addHash('the hash of a token', sha256(token))
  }

  get size() { return this.#parts.size }

  /** What of it is in this text (bytes as latin1): undefined, or a sentence that does not say it. */
  find(text) {
    for (let i = 0; i + PART <= text.length; i++) {
      const what = this.#parts.get(text.slice(i, i + PART))
      if (what) return `${what}, at ${i}`
    }
    return undefined
  }
}

/** What redis-cli's MONITOR prints, as the bytes that it stands for. */
const unescaped = text => text.replace(/\\(x([0-9a-f]{2})|.)/g, (_, one, hex) =>
  hex ? String.fromCharCode(parseInt(hex, 16)) : { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' }[one] ?? one)

/** Keeps what passes by from now on: every command that Redis gets, and the command line of every process. */
export async function watch(stack) {
  const commands = []
  const lines = new Set()
  const monitor = net.connect(join(stack.dir, 'redis/redis.sock'))
  await new Promise((resolve, reject) => {
    monitor.once('error', reject)
    monitor.once('data', resolve) // +OK
    monitor.write('MONITOR\r\n')
  })
  monitor.on('data', bytes => commands.push(bytes.toString('latin1')))
  const timer = setInterval(() => {
    for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name)))
      try { lines.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1')) } catch { /* it has ended */ }
  }, 50)
  return {
    redis: () => unescaped(commands.join('')),
    processes: () => [...lines].join('\n'),
    logs: () => readdirSync(join(stack.dir, 'log')).map(name => [name, Buffer.from(stack.log(name)).toString('latin1')]),
    stop() { clearInterval(timer); monitor.destroy() },
  }
}
