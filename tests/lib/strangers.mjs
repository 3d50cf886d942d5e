#!/usr/bin/env node
// strangers - a process full of people whom nobody knows: they reconnect, poll, upgrade and send garbage as fast as they can, from many
// addresses.
//
//   strangers.mjs HTTPS_PORT AT_ONCE     until it is killed; prints how many it was, each second
import { randomBytes, randomInt } from 'node:crypto'
import tls from 'node:tls'

const [port, atOnce] = process.argv.slice(2).map(Number)
const head = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: gateway\r\n${more}\r\n`
const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
const engine = '/socket.io/?EIO=4&transport='
const says = [
  () => head(`${engine}polling`),
  () => head(`${engine}websocket`, upgrade),
  () => head('/api/v1/rooms', 'Authorization: Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA\r\n'),
  () => `POST /auth/token HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n${'['.repeat(2000)}`,
  () => randomBytes(500),
]
let done = 0

function come() {
  const socket = tls.connect({ port, host: '127.0.0.1', localAddress: `127.0.${randomInt(1, 250)}.${randomInt(1, 250)}`, rejectUnauthorized: false })
  socket.on('secureConnect', () => socket.write(says[randomInt(says.length)]()))
  socket.once('data', () => socket.destroy())
  socket.on('error', () => {})
  socket.on('close', () => { done++; setImmediate(come) })
}
for (let i = 0; i < atOnce; i++) come()
setInterval(() => process.stdout.write(`${done}\n`), 1000)
