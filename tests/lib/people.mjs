// people.mjs - who uses the product: the real socket.io-client behind verbs that read like a sentence.
import assert from 'node:assert/strict'
import https from 'node:https'
import { randomUUID } from 'node:crypto'
import { io } from 'socket.io-client'
import { until, pause } from './wait.mjs'

/** One HTTPS request, `from` an address of this machine, over a connection of its own if no `agent` has one; the answer's status, headers and parsed body. */
export function request(stack, method, path, { body, token, headers = {}, raw, from, agent = false } = {}) {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const req = https.request(stack.url + path, {
      method, ca: stack.ca, agent, localAddress: from,
      ...(headers.host ? { servername: 'localhost' } : {}), // the certificate's, whatever the header says
      headers: {
        ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
        ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers,
      },
    }, res => {
      const chunks = []
      res.on('data', chunk => chunks.push(chunk))
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        let json
        try { json = JSON.parse(text) } catch { json = undefined }
        resolve({ status: res.statusCode, headers: res.headers, text, json })
      })
    })
    req.on('error', reject)
    req.end(payload)
  })
}

export async function tokenFor(stack, key, subject, more = {}) {
  const answer = await request(stack, 'POST', '/auth/token', { body: { api_key: key, subject, ...more } })
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data.token
}

const everybody = new Set()

/** Disconnect whoever is still there, so that a failed test does not keep its file from ending. */
export function everybodyLeaves(stack) {
  for (const person of everybody) if (person.stack === stack) person.leaves()
}

/** What comes of one's own rooms, joined or not, whatever else happens: kept apart from other events. */
const OF_OWN_ROOMS = ['room:added', 'room:changed', 'read:changed']

/** Somebody with a token, a socket and ears. */
export class Person {
  constructor(stack, name, token) {
    Object.assign(this, { stack, name, token, heard: [], events: [], own: [], receipts: [] })
    everybody.add(this)
  }

  static async arrives(stack, key, name, { namespace = '/chat', token, ...options } = {}) {
    const person = new Person(stack, name, token ?? await tokenFor(stack, key, name))
    await person.connects({ namespace, ...options })
    return person
  }

  /** Connect; resolves when the namespace is joined, rejects with the connect_error. */
  connects({ namespace = '/chat', ...options } = {}) {
    this.socket = io(this.stack.url + namespace, {
      ca: this.stack.ca, auth: callback => callback({ token: this.token }), transports: ['websocket'],
      reconnectionDelay: 50, reconnectionDelayMax: 300, forceNew: true, ...options,
    })
    this.socket.on('message', (...args) => this.heard.push(args[0]))
    this.socket.on('receipts', change => this.receipts.push(change)) // of what others read, whatever else happens
    this.socket.onAny((event, ...args) => event !== 'receipts' && (OF_OWN_ROOMS.includes(event) ? this.own : this.events).push([event, ...args]))
    return new Promise((resolve, reject) => {
      this.socket.once('connect', () => resolve(this))
      this.socket.once('connect_error', error => reject(error))
    })
  }

  /** Emit and get what is acknowledged, refusals included. */
  emits(event, ...args) { return this.socket.timeout(30000).emitWithAck(event, ...args) }

  async calls(event, ...args) {
    const answer = await this.emits(event, ...args)
    assert.ok(!answer?.error, `${event} was refused: ${JSON.stringify(answer?.error)}`)
    return answer
  }

  async isRefused(event, arg, code, message) {
    const answer = await this.emits(event, arg)
    assert.equal(answer?.error?.code, code, `${event} answered ${JSON.stringify(answer)}`)
    if (message) assert.match(answer.error.message, message)
    return answer.error
  }

  makesRoom(more = {}) { return this.calls('room:create', { name: 'a room', open: true, ...more }) }
  joins(room, since) { return this.calls('room:join', since === undefined ? { room } : { room, since }) }
  says(room, body, id = randomUUID()) { return this.calls('message:send', { room, id, body }) }

  rest(method, path, body) { return request(this.stack, method, path, { body, token: this.token }) }

  /** The whole log of a room, page by page. */
  async reads(room) {
    const all = []
    for (;;) {
      const after = all.length ? all[all.length - 1].seq : 0
      const answer = await this.rest('GET', `/api/v1/rooms/${room}/messages?after=${after}&limit=200`)
      assert.equal(answer.status, 200, answer.text)
      all.push(...answer.json.data.messages)
      if (answer.json.data.messages.length < 200) return all
    }
  }

  /** Until a message with this body was heard. */
  hears(body, ms) { return until(`${this.name} hears ${body}`, () => this.heard.find(m => m.body === body), ms) }
  hearsEvent(event, ms) { return until(`${this.name} hears ${event}`, () => this.events.find(e => e[0] === event), ms) }
  async hearsNothing(ms = 150) {
    const before = this.heard.length
    await pause(ms)
    assert.deepEqual(this.heard.slice(before), [])
  }

  /** The connection ends without a word of Socket.IO. */
  async losesConnection() {
    if (!this.socket.connected) return
    const gone = new Promise(resolve => this.socket.once('disconnect', resolve))
    this.socket.io.engine.close()
    await gone
  }

  /** Connect again; true if the server took the connection up. */
  async comesBack() {
    const back = new Promise((resolve, reject) => {
      this.socket.once('connect', resolve)
      this.socket.once('connect_error', reject)
    })
    this.socket.connect()
    await back
    return this.socket.recovered
  }

  leaves() {
    everybody.delete(this)
    this.socket?.disconnect()
  }
}

/** Every seq from 1 on, once and in order. */
export function isGapless(messages, from = 1) {
  messages.forEach((message, i) => assert.equal(message.seq, from + i, `seq ${message.seq} at place ${i}`))
}
