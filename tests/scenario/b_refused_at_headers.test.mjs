// b_refused_at_headers - what the headers decide is decided before one byte of the body is accepted.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tls from 'node:tls'
import { startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, quiet, room, token
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '100' } })
  key = await stack.issueKey()
  const file = join(stack.dir, 'reader.json')
  writeFileSync(file, JSON.stringify({ rules: [
    { effect: 'allow', namespace: '/**', events: ['**'], rooms: ['**'], actions: ['connect'] },
    { effect: 'allow', namespace: '/chat', events: ['**'], rooms: ['**'], actions: ['history'] },
  ] }))
  await stack.authctl('policy', 'put', 'reader', file)
  quiet = await stack.issueKey({ policy: 'reader' })
  const ada = await Person.arrives(stack, key, 'ada')
  room = (await ada.makesRoom()).id
  token = ada.token
  ada.leaves()
})
after(() => stack?.stop())

const wire = () => new Promise((resolve, reject) => {
  const socket = tls.connect({ host: '127.0.0.1', port: stack.port, ca: stack.ca, ALPNProtocols: ['http/1.1'] })
  socket.heard = ''
  socket.on('data', data => { socket.heard += data })
  socket.on('secureConnect', () => resolve(socket)).on('error', reject)
})

const head = (method, path, { bearer, type = 'application/json', length = 300, expect = true, accept } = {}) => [
  `${method} ${path} HTTP/1.1`, 'Host: x', ...(accept ? [`Accept: ${accept}`] : []), ...(bearer ? [`Authorization: Bearer ${bearer}`] : []), ...(type ? [`Content-Type: ${type}`] : []),
  length < 0 ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`, ...(expect ? ['Expect: 100-continue'] : []), '', ''].join('\r\n')

async function heard(socket, pattern) {
  for (const end = Date.now() + 15000; !pattern.test(socket.heard);) {
    if (Date.now() > end || socket.destroyed) assert.match(socket.heard, pattern)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return socket.heard
}

const status = text => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)[1])

test('each refusal that the headers allow comes instead of 100 Continue', async () => {
  const messages = `/api/v1/rooms/${room}/messages`
  for (const [code, name, ...words] of [
    [404, 'no_route', 'POST', '/api/v1/nothing', { bearer: token }],
    [405, 'method_not_allowed', 'PUT', messages, { bearer: token }],
    [401, 'unauthenticated', 'POST', messages],
    [401, 'token_invalid', 'POST', messages, { bearer: 'nonsense' }],
    [401, 'key_invalid', 'POST', messages, { bearer: key.slice(0, -4) + 'AAAA' }],
    [403, 'forbidden', 'POST', messages, { bearer: quiet }],
    [403, 'forbidden', 'POST', messages, { bearer: quiet, length: -1 }],
    [415, 'unsupported_media', 'POST', messages, { bearer: token, type: 'text/plain' }],
    [415, 'unsupported_media', 'POST', messages, { bearer: token, type: null, length: -1 }],
    [406, 'not_acceptable', 'POST', messages, { bearer: token, accept: 'text/html, application/json;q=0' }],
    [413, 'too_large', 'POST', messages, { bearer: token, length: 200001 }],
    [413, 'too_large', 'POST', messages, { bearer: token, length: 1e12 }],
    [413, 'too_large', 'POST', '/auth/token', { length: 65537 }],
    [413, 'too_large', 'DELETE', `/api/v1/rooms/${room}/members/bob`, { bearer: token, length: 4097 }],
  ]) {
    const socket = await wire()
    socket.write(head(...words))
    const answer = await heard(socket, /"code":"\w+"/)
    assert.equal(status(answer), code, `${words[0]} ${words[1]}: ${answer}`)
    assert.match(answer, new RegExp(`"code":"${name}"`))
    socket.destroy()
  }
})

test('nothing is kept by caches but what the row gives to all', async () => {
  for (const [path, caching] of [['/api/v1/rooms', 'no-store'], ['/api/v1/nothing', 'no-store'], ['/.well-known/jwks.json', 'public, max-age=30']])
    for (const method of ['GET', 'HEAD']) {
      const answer = await request(stack, method, path, { token, headers: { accept: 'text/html, */*;q=0.1' } })
      assert.equal(answer.headers['cache-control'], caching, `${method} ${path}`)
      assert.equal(answer.text === '', method === 'HEAD')
    }
})

test('who may send is told to go on, by token and by key', async () => {
  for (const bearer of [token, key]) {
    const socket = await wire()
    const body = JSON.stringify({ id: `go-on-${bearer.length}-${Date.now()}`, body: 'hello' })
    socket.write(head('POST', `/api/v1/rooms/${room}/messages`, { bearer, length: body.length }))
    assert.equal(status(await heard(socket, /\r\n\r\n/)), 100)
    socket.heard = ''
    socket.write(body)
    const answer = await heard(socket, /\r\n\r\n\{/)
    assert.ok([201, 403].includes(status(answer)), answer) // a key is no member
    socket.destroy()
  }
})

test('a key that is taken back while its body comes sends nothing', async () => {
  const { key: brief, id } = await stack.authctl('key', 'issue', '--name', 'brief', '--policy', 'chat-client')
  const socket = await wire()
  const body = JSON.stringify({ name: 'too late' })
  socket.write(head('POST', '/api/v1/rooms', { bearer: brief, length: body.length }))
  assert.equal(status(await heard(socket, /\r\n\r\n/)), 100)
  await stack.authctl('key', 'revoke', id)
  await until('the gateway has heard of it', async () => (await request(stack, 'GET', '/api/v1/rooms', { token: brief })).status === 401)
  await new Promise(resolve => setTimeout(resolve, 1100)) // what comes sooner is of the moment before
  socket.heard = ''
  socket.write(body)
  assert.equal(status(await heard(socket, /"code":"/)), 401)
  socket.destroy()
})

test('who is over a rate is told before the body, and keeps the connection for a small one', async () => {
  const socket = await wire()
  const small = head('POST', '/api/v1/rooms', { bearer: token, length: 2, expect: false }) + '{}'
  const asks = async (bytes, pattern) => {
    socket.heard = ''
    socket.write(bytes)
    return status(await heard(socket, pattern))
  }
  for (let sent = 0; sent < 400 && await asks(small, /\r\n\r\n\{[^]*\}$/) !== 429; sent++);
  assert.match(socket.heard, /"rate_limited"/)
  assert.equal(await asks(head('GET', '/healthz', { length: 0, type: null, expect: false }), /"ok"/), 200)
  const body = '{}'.padEnd(300)
  let answer
  for (let turn = 0; turn < 10 && answer !== 429; turn++) { // one may be sent each second
    answer = await asks(head('POST', '/api/v1/rooms', { bearer: token }), /^HTTP\/1\.1 100|"code":"/)
    if (answer === 100) await asks(body, /\r\n\r\n\{[^]*\}$/)
  }
  assert.equal(answer, 429)
  socket.destroy()
})
