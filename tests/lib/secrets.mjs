// secrets.mjs - what nobody may find again: any part of every key and token that a test used, and of their hashes.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { metricsText } from './prometheus.mjs'

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

  /** Whatever is secret from its first letter to its last. */
  addText(what, text) {
    this.#add(what, text)
    for (const form of ['hex', 'base64', 'base64url']) this.#add(`${what}, ${form}`, Buffer.from(text).toString(form))
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
  find(text, counts = () => true) {
    for (let i = 0; i + PART <= text.length; i++) {
      const what = this.#parts.get(text.slice(i, i + PART))
      if (what && counts(what)) return `${what}, at ${i}`
    }
    return undefined
  }

  /** The same but for hashes: where these belong. */
  findInClear(text) { return this.find(text, what => !what.startsWith('the hash')) }
}

/** What redis-cli's MONITOR prints, as the bytes that it stands for. */
const unescaped = text => text.replace(/\\(x([0-9a-f]{2})|.)/g, (_, one, hex) =>
  hex ? String.fromCharCode(parseInt(hex, 16)) : { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' }[one] ?? one)

/** Of this test, or of its stack: other tests run beside it, and their documents' commands show tokens of their own. */
function isOurs(pid, stack) {
  for (let at = pid; at > 1;) {
    if (at === process.pid || readFileSync(`/proc/${at}/cmdline`, 'latin1').includes(stack.dir)) return true
    at = Number(readFileSync(`/proc/${at}/stat`, 'latin1').replace(/.*\) . (\d+) .*/s, '$1'))
  }
  return false
}

/** Keeps what passes by from now on: every command that Redis gets, and the command line of every process of ours. */
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
  let timer
  const look = () => {
    const began = performance.now()
    for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name)))
      try { if (isOurs(Number(pid), stack)) lines.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1')) } catch { /* it has ended */ }
    timer = setTimeout(look, Math.max(50, 3 * (performance.now() - began))) // where there are many processes, the test has its turn, too
  }
  look()
  return {
    redis: () => unescaped(commands.join('')),
    processes: () => [...lines].join('\n'),
    logs: () => readdirSync(join(stack.dir, 'log')).map(name => [name, Buffer.from(stack.log(name)).toString('latin1')]),
    stop() { clearTimeout(timer); monitor.destroy() },
  }
}

const secretOf = file => /secret-key = "(.*)"/.exec(readFileSync(file, 'utf8'))[1]

/** What `make up` made: passwords of the database, the file key, the processes' secret keys, the key of the certificate. */
export function addSecretsOfStack(stack, secrets) {
  for (const name of readdirSync(join(stack.dir, 'secrets')).filter(name => name.endsWith('.password')))
    secrets.addText(`the database password ${name}`, readFileSync(join(stack.dir, 'secrets', name), 'utf8').trim())
  for (const line of readFileSync(join(stack.dir, 'keys/file.key'), 'utf8').trim().split('\n')) secrets.addText('the file key', line)
  for (const name of readdirSync(join(stack.dir, 'keys')).filter(name => name.endsWith('.key_secret')))
    secrets.addText(`the secret key ${name}`, secretOf(join(stack.dir, 'keys', name)))
  const pem = readFileSync(join(stack.dir, 'tls/server.key'), 'utf8').split('\n').filter(line => line && !line.startsWith('-----'))
  secrets.addText('the key of the certificate', pem.slice(1).join(''))
}

/** Of every process of the stack: its supervisors, its services, the databases. */
function environments(stack) {
  const own = pid => { try { return readFileSync(`/proc/${pid}/cmdline`, 'latin1') + readFileSync(`/proc/${pid}/environ`, 'latin1') } catch { return '' } }
  return readdirSync('/proc').filter(name => /^\d+$/.test(name) && name !== String(process.pid)).map(own).filter(text => text.includes(stack.dir))
}

function database(stack) {
  const dir = readdirSync('/usr/lib/postgresql').sort((a, b) => b - a)[0]
  return execFileSync(`/usr/lib/postgresql/${dir}/bin/pg_dump`, ['-h', join(stack.dir, 'pg-socket'), '-U', 'madang_admin', '--inserts', 'madang'],
    { maxBuffer: 1 << 28 }).toString('latin1')
}

/** None of them is where anybody reads who should not; `refusals`: what clients were answered that got nothing. */
export async function areNowhere(stack, secrets, watched, refusals) {
  for (const [name, text] of watched.logs()) assert.equal(secrets.find(text), undefined, `the log of ${name}`)
  for (const text of refusals) assert.equal(secrets.find(Buffer.from(text).toString('latin1')), undefined, 'a refusal')
  assert.equal(secrets.find(watched.processes()), undefined, 'a command line')
  const own = environments(stack)
  assert.ok(own.length >= 8 && own.some(text => text.includes('MADANG_AUTH_DB=')), `${own.length} environments`)
  for (const text of own) assert.equal(secrets.find(text), undefined, 'an environment')
  assert.equal(secrets.find(watched.redis()), undefined, 'Redis')
  assert.equal(secrets.find(await metricsText(stack.healthPort)), undefined, 'the metrics')
  // A database has hashes of keys, and nothing with which anybody is somebody.
  const dump = database(stack)
  assert.match(dump, /canary@example\.org/)
  assert.equal(secrets.findInClear(dump), undefined, 'the database')
}
