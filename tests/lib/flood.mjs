// flood.mjs - clients that make a gateway hold bytes: each a raw socket, from an address of loopback that the test chooses.
import { once } from 'node:events'
import { connect } from 'node:net'
import { until } from './wait.mjs'

const HANDSHAKE = 'EIO=4&transport='
const head = (method, path, more = '') => `${method} ${path} HTTP/1.1\r\nHost: gateway\r\n${more}\r\n`

/** One client of a gateway at `port`, from `address`; `closed` once the gateway has had enough. */
export async function dial(port, address) {
  const socket = connect({ port, host: '127.0.0.1', localAddress: address })
  const client = { socket, heard: '', closed: false }
  socket.setEncoding('latin1')
  socket.on('data', text => { client.heard += text })
  socket.on('error', () => {})
  socket.on('close', () => { client.closed = true })
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  return client
}

const hears = (client, text) => until(text, () => client.closed || client.heard.includes(text), 20000)

async function session(client) {
  client.socket.write(head('GET', `/socket.io/?${HANDSHAKE}polling`))
  await hears(client, '"sid"')
  const sid = /"sid":"([^"]+)"/.exec(client.heard)?.[1]
  client.heard = ''
  return sid
}

/** A frame of a client; the mask is zero, so that the payload is as it is. */
export function frame(opcode, payload, last = true) {
  const bytes = Buffer.from(payload)
  const length = bytes.length < 126 ? Buffer.from([0x80 | bytes.length])
    : bytes.length < 65536 ? Buffer.from([0x80 | 126, bytes.length >> 8, bytes.length & 255])
      : Buffer.from([0x80 | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map(bits => bytes.length >> bits & 255)])
  return Buffer.concat([Buffer.from([(last ? 0x80 : 0) | opcode]), length, Buffer.alloc(4), bytes])
}

async function webSocket(client) {
  client.socket.write(head('GET', `/socket.io/?${HANDSHAKE}websocket`,
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'))
  await hears(client, '"sid"')
}

async function inNamespace(client) {
  await webSocket(client)
  client.socket.write(frame(1, '40'))
  await hears(client, '40{')
}

/** A way for somebody with a token: a message in /chat whose last fragment never comes. */
export const unfinishedMessageOf = token => async client => {
  await webSocket(client)
  client.socket.write(frame(1, `40/chat,${JSON.stringify({ token })}`))
  await hears(client, '40/chat,{')
  client.socket.write(frame(1, 'x'.repeat(900000), false))
}

const ATTACHMENTS = 9
const announced = `45${ATTACHMENTS + 1}-["x",${Array.from({ length: ATTACHMENTS + 1 }, (_, num) => `{"_placeholder":true,"num":${num}}`)}]`

async function post(client, sid, body) {
  client.heard = ''
  client.socket.write(head('POST', `/socket.io/?${HANDSHAKE}polling&sid=${sid}`, `Content-Length: ${body.length}\r\n`) + body)
  await hears(client, '\r\n\r\nok')
}

/** A session on polling for which some 1.8 MB wait. */
async function filledQueue(client) {
  const sid = await session(client)
  await post(client, sid, '40')
  for (let i = 0; i < 2 && !client.closed; i++) await post(client, sid, `42["message","${'x'.repeat(900000)}"]`)
  return sid
}

/** Ways to make a gateway hold bytes: each is given a client, and leaves it holding. */
export const ways = {
  /** 128 KiB behind a poll that waits. */
  async behindAPoll(client) {
    const sid = await session(client)
    client.socket.write(head('GET', `/socket.io/?${HANDSHAKE}polling&sid=${sid}`) + 'x'.repeat(131072))
  },
  /** All of a body but its last byte. */
  async unfinishedBody(client) {
    const sid = await session(client)
    client.socket.write(head('POST', `/socket.io/?${HANDSHAKE}polling&sid=${sid}`, 'Content-Length: 60000\r\n') + 'x'.repeat(59999))
  },
  /** A head without its end. */
  async unfinishedHead(client) {
    client.socket.write(`GET /socket.io/ HTTP/1.1\r\nHost: gateway\r\nX-Filler: ${'x'.repeat(15000)}`)
  },
  /** Nine of ten attachments. */
  async attachments(client) {
    await inNamespace(client)
    client.socket.write(frame(1, announced))
    for (let i = 0; i < ATTACHMENTS; i++) client.socket.write(frame(2, Buffer.alloc(400000, i)))
  },
  /** A message whose last fragment never comes. */
  async unfinishedMessage(client) {
    await inNamespace(client)
    client.socket.write(frame(1, 'x'.repeat(900000), false))
  },
  /** What comes back to it, behind a poll that it never sends. */
  async absentPoll(client) {
    await filledQueue(client)
  },
  /** The same as an answer that it does not read. */
  async unreadAnswer(client) {
    const sid = await filledQueue(client)
    client.socket.pause()
    client.socket.write(head('GET', `/socket.io/?${HANDSHAKE}polling&sid=${sid}`))
  },
}

/** `n` clients go one way, `atOnce` at a time, from the given addresses in turn; those that were let in or refused. */
export async function flood(port, way, { n, addresses, atOnce = 50 }) {
  const clients = []
  for (let i = 0; i < n; i += atOnce)
    await Promise.all(Array.from({ length: Math.min(atOnce, n - i) }, async (_, k) => {
      const client = await dial(port, addresses[(i + k) % addresses.length])
      clients.push(client)
      if (!client.closed) await way(client).catch(() => {})
    }))
  await Promise.all(clients.map(c => until('the flood is written', () => c.closed || c.socket.writableLength === 0 || c.socket.isPaused(), 20000)))
  return {
    clients,
    end() { for (const client of clients) client.socket.destroy() },
  }
}
