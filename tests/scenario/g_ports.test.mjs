// g_ports - every port of every process: none switches to another protocol, and health answers what is a question.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import net from 'node:net'
import tls from 'node:tls'
import { startStack } from '../lib/stack.mjs'

const services = ['gateway-1', 'auth', 'chat', 'store', 'share']
let stack, ports
before(async () => {
  stack = await startStack()
  ports = [
    { name: 'https', port: stack.port, secure: true },
    { name: 'http', port: stack.port + 1 },
    ...services.map((name, i) => ({ name: `health of ${name}`, port: stack.healthPort + i, health: true })),
  ]
})
after(() => stack?.stop())

/** What a port says to these bytes, up to the end of the connection, or of its patience. */
const hears = ({ port, secure }, bytes, protocols = ['http/1.1']) => new Promise((resolve, reject) => {
  const options = { host: '127.0.0.1', port }
  const socket = secure ? tls.connect({ ...options, ca: stack.ca, ALPNProtocols: protocols }) : net.connect(options)
  let heard = ''
  socket.on(secure ? 'secureConnect' : 'connect', () => socket.write(bytes))
  socket.on('data', data => { heard += data.toString('latin1') })
  socket.on('error', error => heard || error.code === 'ECONNRESET' ? resolve(heard) : reject(error))
  socket.on('close', () => resolve(heard))
  socket.setTimeout(15000, () => socket.destroy())
})

const request = (method, path, ...headers) => [`${method} ${path} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')
const asking = (...headers) => ['/', '/healthz', '/metrics', '/socket.io/?EIO=4&transport=websocket']
  .map(path => request('GET', path, ...headers) + request('GET', '/healthz', 'Connection: close'))

const settings = 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'
const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from('000000040000000000', 'hex')])

const statuses = text => [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(found => Number(found[1]))

/** No answer is a switch, all of them are HTTP/1.1, and the process is the same as before. */
async function neverSwitches(port, bytes) {
  const heard = await hears(port, bytes)
  assert.ok(heard === '' || heard.startsWith('HTTP/1.1 '), `${port.name} says ${JSON.stringify(heard.slice(0, 80))}`)
  assert.ok(!statuses(heard).includes(101), `${port.name} switched for ${bytes}: ${heard.slice(0, 200)}`)
  return heard
}

async function everyPort(visit) {
  const before = services.map(stack.pid)
  for (const port of ports) await visit(port)
  assert.deepEqual(services.map(stack.pid), before, 'nobody died of it')
}

test('no port switches to HTTP/2, however it is asked', () => everyPort(async port => {
  for (const bytes of asking('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', settings)) {
    const heard = await neverSwitches(port, bytes)
    assert.notEqual(heard, '', `${port.name} answers`)
  }
  for (const bytes of asking('Connection: Upgrade', 'Upgrade: h2c')) await neverSwitches(port, bytes)
  await neverSwitches(port, preface)
  await neverSwitches(port, Buffer.concat([Buffer.from(asking('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', settings)[1]), preface]))
}))

test('no port switches to what it does not know', () => everyPort(async port => {
  for (const protocol of ['TLS/1.0', 'foo', 'h2', 'HTTP/3', 'websocket2', '', ','])
    for (const bytes of asking('Connection: Upgrade', `Upgrade: ${protocol}`)) await neverSwitches(port, bytes)
}))

test('only Engine.IO has WebSockets', () => everyPort(async port => {
  const [root, health, metrics] = asking('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
  for (const bytes of [root, health, metrics]) await neverSwitches(port, bytes)
}))

test('TLS is offered HTTP/2 and takes HTTP/1.1', async () => {
  const heard = await hears(ports[0], request('GET', '/healthz', 'Connection: close'), ['h2', 'http/1.1'])
  assert.deepEqual(statuses(heard), [200])
})

test('health and metrics answer GET and HEAD, and all else with what they answer', () => everyPort(async port => {
  if (port.name === 'http') return // it redirects
  const paths = port.health ? ['/healthz', '/readyz', '/metrics'] : ['/healthz']
  for (const path of paths) {
    const got = await hears(port, request('GET', path, 'Connection: close'))
    const [head, body] = got.split('\r\n\r\n')
    assert.deepEqual(statuses(head), [200], port.name)
    assert.ok(body.length > 0)
    const only = await hears(port, request('HEAD', path, 'Connection: close'))
    assert.deepEqual(statuses(only), [200], port.name)
    assert.ok(only.endsWith('\r\n\r\n'), 'HEAD has no body')
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'CONNECT', 'FOO', ...(port.health ? ['OPTIONS'] : [])]) {
      const refused = await hears(port, request(method, path, 'Content-Length: 0', 'Connection: close'))
      assert.deepEqual(statuses(refused), [405], `${method} ${path} at ${port.name}`)
      assert.match(refused, /^Allow: GET, HEAD\r$/m)
      assert.match(refused, /"method_not_allowed"/)
    }
  }
}))
