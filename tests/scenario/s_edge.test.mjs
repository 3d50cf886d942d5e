// s_edge - whatever is asked, whoever asks: every answer has its headers, and each question of HTTP the answer that its standard gives.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { brotliCompressSync, brotliDecompressSync, gunzipSync } from 'node:zlib'
import { contract, routeName } from '../matrix/rows.mjs'
import { request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'

const BROWSER = 'text/html,application/xhtml+xml,*/*;q=0.8', ORIGIN = 'https://app.example'
const SCRIPT = 'console.log("one line of many")\n'.repeat(300)
let stack, dir, token, room

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'madang-site-'))
  mkdirSync(join(dir, 'proofs'))
  mkdirSync(join(dir, 'site/guide'), { recursive: true })
  const files = { 'proofs/proof': 'proof.thumbprint', 'site/style.css': 'body { margin: 0 }', 'site/app.js': SCRIPT, 'site/app.js.br': brotliCompressSync(SCRIPT),
    'site/guide/index.html': '<!doctype html><title>guide</title>', 'site/empty.txt': '' }
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, name), bytes)
  stack = await startStack({ env: { MADANG_GATEWAY_ORIGINS: ORIGIN, MADANG_GATEWAY_STATIC_DIR: join(dir, 'site'), MADANG_GATEWAY_ACME_DIR: join(dir, 'proofs'),
    MADANG_GATEWAY_SECURITY_CONTACT: 'mailto:security@example.org' } })
  token = await tokenFor(stack, await stack.issueKey(), 'ada')
  room = (await request(stack, 'POST', '/api/v1/rooms', { token, body: { name: 'a room', open: true } })).json.data.id
})
after(async () => {
  await stack?.stop()
  rmSync(dir, { recursive: true, force: true })
})

const words = text => (text ?? '').toLowerCase().split(',').map(word => word.trim())
/** What every answer over TLS has. */
function isSafe(what, { headers }, { caching, varies = [] }) {
  const says = (name, expected) => assert.equal(headers[name], expected, `${what}: ${name}`)
  says('strict-transport-security', 'max-age=63072000')
  says('x-content-type-options', 'nosniff')
  says('server', undefined)
  says('x-powered-by', undefined)
  assert.match(headers['cache-control'] ?? 'nothing', caching, `${what}: cache-control`)
  for (const each of ['origin', ...varies]) assert.ok(words(headers.vary).includes(each), `${what}: Vary: ${headers.vary} and not ${each}`)
  if (!headers['content-type']?.startsWith('text/html')) return
  assert.match(headers['content-security-policy'] ?? 'nothing', /^default-src '(none|self)'.*frame-ancestors 'none'/, what)
}
/** And what any of our own paths has, which is not Socket.IO. */
function isOurs(what, answer, expected) {
  isSafe(what, answer, expected)
  for (const name of ['referrer-policy', 'cross-origin-resource-policy']) assert.ok(answer.headers[name], `${what}: ${name}`)
  if (answer.headers['content-type']?.startsWith('text/html')) assert.equal(answer.headers['cross-origin-opener-policy'], 'same-origin', what)
}

/** With something in each of its places. */
const pathOf = row => row.path.replace(/\{(\w+)\}/g, (_, name) => name === 'room' ? room : '01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2')
const cachingOf = row => ({ NO_STORE: /^no-store$/, REVALIDATE: /^(private, no-cache|no-store)$/ })[row.cache] ?? new RegExp(`^public, max-age=${/PUBLIC\((\d+)\)/.exec(row.cache)[1]}$`)
const bodyOf = row => ['GET', 'HEAD'].includes(row.http) ? {} : row.body.startsWith('FIELDS') ? { raw: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } } : { body: {} }
/** Each caller, and what they send. */
const callers = { nobody: {}, somebody: { bearer: true }, 'a browser': { accept: BROWSER }, 'a page of elsewhere': { bearer: true, origin: ORIGIN } }

test('every route has its headers, whoever asks, and nothing of it is kept by caches but what its row gives to all', { timeout: 300000 }, async () => {
  const good = new Set()
  for (const row of contract.routes)
    for (const [who, { bearer, accept, origin }] of Object.entries(callers)) {
      const { headers, ...body } = bodyOf(row)
      const answer = await request(stack, row.http, pathOf(row), { ...body, token: bearer ? token : undefined,
        headers: { ...headers, ...(accept ? { accept } : {}), ...(origin ? { origin } : {}) } })
      const what = `${routeName(row)}, ${who}: ${answer.status}`, is = { caching: answer.status < 400 ? cachingOf(row) : /^no-store$/ }
      isOurs(what, answer, { ...is, varies: answer.status < 400 && row.cache.startsWith('PUBLIC') ? [] : ['accept', 'authorization'] })
      assert.match(answer.headers['content-security-policy'], /frame-ancestors 'none'/, what)
      assert.equal(answer.headers['referrer-policy'], 'no-referrer', what)
      assert.equal(answer.headers['access-control-allow-origin'], origin, what)
      if (answer.status < 400) good.add(routeName(row))
      if (row.http !== 'GET' || who === 'a page of elsewhere') continue
      const head = await request(stack, 'HEAD', pathOf(row), { token: bearer ? token : undefined, headers: accept ? { accept } : {} })
      assert.deepEqual([head.status, head.headers['content-type'], head.headers['cache-control'], head.text], [answer.status, answer.headers['content-type'], answer.headers['cache-control'], ''], `HEAD ${what}`)
      if (answer.text !== '') assert.ok(Number(head.headers['content-length']) > 0, `HEAD ${what}`)
    }
  assert.ok(good.size >= 15, `of ${good.size} routes what is good was seen`)
})

test('so has all else that is there, and what is not', async () => {
  const KEPT = /^public, max-age=\d+$/, ASKED_AGAIN = /^no-cache$/, NOT_KEPT = /^no-store$/
  const mounts = {
    '/': ASKED_AGAIN, '/welcome/front.css': ASKED_AGAIN, '/welcome/live.js': ASKED_AGAIN, '/welcome/socket.io.esm.min.js': ASKED_AGAIN, '/robots.txt': KEPT, '/favicon.ico': KEPT,
    '/.well-known/security.txt': KEPT, '/api/docs': ASKED_AGAIN, '/api/docs.css': ASKED_AGAIN, '/api/openapi.json': ASKED_AGAIN, '/api/asyncapi.json': ASKED_AGAIN,
    '/style.css': ASKED_AGAIN, '/app.js': ASKED_AGAIN, '/guide': ASKED_AGAIN, '/guide/': ASKED_AGAIN,
  }
  for (const [path, caching] of Object.entries(mounts))
    for (const accept of ['*/*', BROWSER]) {
      const answer = await request(stack, 'GET', path, { headers: { accept } })
      assert.ok(answer.status < 400, `${path}: ${answer.status}`)
      isOurs(path, answer, { caching })
    }
  for (const path of ['/nothing', '/api/v1/nothing', '/account/nothing', '/.well-known/nothing', '/welcome/nothing', '/api/nothing'])
    for (const [method, accept] of [['GET', '*/*'], ['GET', BROWSER], ['POST', '*/*']]) {
      const answer = await request(stack, method, path, { headers: { accept } })
      assert.equal(answer.status, 404, `${method} ${path}`)
      isOurs(`${method} ${path}`, answer, { caching: NOT_KEPT, varies: ['accept'] })
    }
  for (const path of ['/healthz', '/socket.io/?EIO=4&transport=polling', '/.well-known/acme-challenge/proof']) {
    const answer = await request(stack, 'GET', path)
    assert.equal(answer.status, 200, path)
    isSafe(path, answer, { caching: NOT_KEPT })
  }
})

/** The bytes of an answer to these, to the end of the connection. */
function sends(...lines) {
  return new Promise((resolve, reject) => {
    const chunks = []
    const socket = tls.connect({ port: stack.port, host: '127.0.0.1', ca: stack.ca, ALPNProtocols: ['http/1.1'] }, () => socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
    socket.on('data', chunk => chunks.push(chunk)).on('end', () => resolve(parse(Buffer.concat(chunks)))).on('error', reject)
  })
}

function parse(bytes) {
  const end = bytes.indexOf('\r\n\r\n'), [line, ...fields] = bytes.subarray(0, end).toString('latin1').split('\r\n'), headers = {}
  for (const field of fields) {
    const [name, value] = [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return { status: Number(line.split(' ')[1]), headers, text: bytes.subarray(end + 4).toString() }
}

test('what no route has seen is refused with the same headers, as a page or as an object', async () => {
  const cases = [
    [400, 'malformed', 'GET / HTTP/1.1'], [400, 'malformed', 'GET / HTTP/1.1', 'Host: a', 'Host: b'], [400, 'malformed', 'GET / HTTP/1.1', 'Host: a', 'Content-Length: x'],
    [400, 'malformed', 'POST / HTTP/1.1', 'Host: a', 'Content-Length: 1', 'Transfer-Encoding: chunked'],
    [501, 'malformed', 'POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: gzip, chunked'], [505, 'malformed', 'GET / HTTP/2.0', 'Host: a'],
    [417, 'malformed', 'POST /api/v1/rooms HTTP/1.1', 'Host: a', 'Expect: the-best', 'Content-Length: 2'],
    [414, 'headers_too_large', `GET /${'x'.repeat(13000)} HTTP/1.1`, 'Host: a'], [431, 'headers_too_large', 'GET / HTTP/1.1', 'Host: a', `Cookie: ${'x'.repeat(20000)}`],
    [431, 'headers_too_large', 'GET / HTTP/1.1', 'Host: a', ...Array.from({ length: 400 }, (_, i) => `X-${i}: y`)],
  ]
  for (const [status, code, ...lines] of cases) {
    const what = `${status} for ${lines.join(' / ').slice(0, 90)}`
    const object = await sends(...lines), page = await sends(lines[0], `Accept: ${BROWSER}`, 'Accept-Language: ko', ...lines.slice(1))
    assert.deepEqual([object.status, page.status], [status, status], what)
    assert.equal(JSON.parse(object.text).error.code, code, what)
    assert.match(page.text, new RegExp(`<html lang="ko">[^]*data-code="${code}">${status} ·`), what)
    for (const [answer, type, varies] of [[object, 'application/json', ['accept']], [page, 'text/html; charset=utf-8', ['accept', 'accept-language']]]) {
      assert.equal(answer.headers['content-type'], type, what)
      assert.deepEqual([answer.headers['strict-transport-security'], answer.headers['x-content-type-options'], answer.headers['cache-control']], ['max-age=63072000', 'nosniff', 'no-store'], what)
      assert.deepEqual(words(answer.headers.vary), varies, what)
    }
  }
})

/** A question, with what is answered: a status, and headers where they say something. */
const rooms = '/api/v1/rooms', as = { authorization: true }
const answers = [
  ['nothing there', 404, 'GET', '/nothing'],
  ['nothing there, whatever is done with it', 404, 'DELETE', '/nothing'],
  ['a path that is asked for in other ways', 405, 'PUT', rooms, as, { allow: 'GET, HEAD, POST' }],
  ['a method that nobody knows', 405, 'BREW', rooms, as, { allow: 'GET, HEAD, POST' }],
  ['a file that is only read', 405, 'POST', '/style.css', {}, { allow: 'GET, HEAD' }],
  ['a document that is only read', 405, 'DELETE', '/api/openapi.json', {}, { allow: 'GET, HEAD' }],
  ['health, which is only asked for', 405, 'POST', '/healthz', {}, { allow: 'GET, HEAD' }],
  ['a trace, which nobody gives', 405, 'TRACE', '/style.css', {}, { allow: 'GET, HEAD' }],
  ['what a route may be asked', 204, 'OPTIONS', rooms, {}, { allow: 'GET, HEAD, POST, OPTIONS' }],
  ['what a file may be asked', 204, 'OPTIONS', '/style.css', {}, { allow: 'GET, HEAD, OPTIONS' }],
  ['what health may be asked', 204, 'OPTIONS', '/healthz', {}, { allow: 'GET, HEAD, OPTIONS' }],
  ['what Engine.IO may be asked', 204, 'OPTIONS', '/socket.io/', {}, { allow: 'GET, POST, OPTIONS' }],
  ['what a page of elsewhere asks first', 204, 'OPTIONS', rooms, { origin: ORIGIN, 'access-control-request-method': 'POST' }, { 'access-control-allow-origin': ORIGIN, 'access-control-allow-credentials': 'true', 'access-control-max-age': '600' }],
  ['what a page that is not listed asks first', 204, 'OPTIONS', rooms, { origin: 'https://evil.example', 'access-control-request-method': 'POST' }, { 'access-control-allow-origin': undefined }],
  ['what nothing may be asked', 204, 'OPTIONS', '/nothing', {}, { allow: undefined }],
  ['what the server may be asked', 204, 'OPTIONS', '*', {}, { allow: /GET.*OPTIONS/ }],
  ['an answer of another kind', 406, 'GET', rooms, { ...as, accept: 'image/png' }],
  ['an answer of any kind', 200, 'GET', rooms, { ...as, accept: 'image/png, */*;q=0.1' }],
  ['an answer of a kind of this family', 200, 'GET', rooms, { ...as, accept: 'application/*' }],
  ['an answer of any kind but ours', 406, 'GET', rooms, { ...as, accept: '*/*, application/json;q=0' }],
  ['a file of whatever kind it is', 200, 'GET', '/style.css', { accept: 'image/png' }],
  ['more than is taken, announced', 413, 'POST', rooms, { ...as, 'content-type': 'application/json', 'content-length': '99999999' }],
  ['a body of another kind', 415, 'POST', rooms, { ...as, 'content-type': 'text/plain', 'content-length': '2' }, {}, '{}'],
  ['a body of no kind', 415, 'POST', rooms, { ...as, 'content-length': '2' }, {}, '{}'],
  ['a body of its kind in its only charset', 201, 'POST', rooms, { ...as, 'content-type': 'application/json; charset=UTF-8', 'content-length': '12' }, {}, '{"name":"a"}'],
  ['a body that is packed', 415, 'POST', rooms, { ...as, 'content-type': 'application/json', 'content-encoding': 'gzip', 'content-length': '2' }, { 'accept-encoding': 'identity' }, '{}'],
  ['a body that says that it is not packed', 400, 'POST', rooms, { ...as, 'content-type': 'application/json', 'content-encoding': 'identity', 'content-length': '2' }, {}, '{]'],
  ['a part of what has no parts', 200, 'GET', rooms, { ...as, range: 'bytes=0-3' }, { 'content-range': undefined }],
  ['a part', 206, 'GET', '/app.js', { range: 'bytes=0-6' }, { 'content-range': `bytes 0-6/${SCRIPT.length}`, 'content-length': '7', 'content-encoding': undefined }],
  ['a part behind the end', 416, 'GET', '/app.js', { range: 'bytes=999999-' }, { 'content-range': `bytes */${SCRIPT.length}` }],
  ['a part of nothing', 416, 'GET', '/empty.txt', { range: 'bytes=0-' }, { 'content-range': 'bytes */0' }],
  ['a part, and only what is said of it', 200, 'HEAD', '/app.js', { range: 'bytes=0-6' }, { 'content-length': `${SCRIPT.length}`, 'content-range': undefined, 'accept-ranges': 'bytes' }],
  ['several parts', 200, 'GET', '/app.js', { range: 'bytes=0-1,4-5' }, { 'content-range': undefined }],
  ['what is said of a file', 200, 'HEAD', '/app.js', {}, { 'content-length': `${SCRIPT.length}`, 'content-type': /^text\/javascript/, etag: /^"/ }],
  ['whatever is there, if it is another', 304, 'GET', '/app.js', { 'if-none-match': '*' }, { etag: /^"/, vary: /Accept-Encoding/ }],
  ['whatever is there, if it is there', 200, 'GET', '/app.js', { 'if-match': '*' }],
  ['what was, if it is the same', 412, 'GET', '/app.js', { 'if-match': '"other"' }],
  ['what is packed with gzip', 200, 'GET', '/app.js', { 'accept-encoding': 'gzip' }, { 'content-encoding': 'gzip', vary: /Accept-Encoding/ }],
  ['what is packed with brotli', 200, 'GET', '/app.js', { 'accept-encoding': 'gzip, br' }, { 'content-encoding': 'br', vary: /Accept-Encoding/ }],
  ['what is packed with what is wanted most', 200, 'GET', '/app.js', { 'accept-encoding': 'br;q=0.1, gzip;q=1' }, { 'content-encoding': 'gzip', vary: /Accept-Encoding/ }],
  ['what is packed with what is not refused', 200, 'GET', '/app.js', { 'accept-encoding': 'gzip;q=0, *' }, { 'content-encoding': 'br', vary: /Accept-Encoding/ }],
  ['what is wanted as it is', 200, 'GET', '/app.js', { 'accept-encoding': 'identity, br;q=0.9' }, { 'content-encoding': undefined, vary: /Accept-Encoding/ }],
  ['what is not packed', 200, 'GET', '/app.js', { 'accept-encoding': 'identity' }, { 'content-encoding': undefined, vary: /Accept-Encoding/ }],
]

test('each question of HTTP has the answer of its standard', async t => {
  for (const [what, status, method, path, headers = {}, expected = {}, body = ''] of answers)
    await t.test(`${status} for ${what}`, async () => {
      const { authorization, ...others } = headers
      const lines = Object.entries({ host: 'localhost', ...(authorization ? { authorization: `Bearer ${token}` } : {}), ...others, connection: 'close' }).map(([name, value]) => `${name}: ${value}`)
      const answer = await sends(`${method} ${path} HTTP/1.1`, ...lines, ...(body ? ['', body.padEnd(Number(others['content-length']))] : []))
      assert.equal(answer.status, status, answer.text)
      for (const [name, value] of Object.entries(expected)) {
        if (value instanceof RegExp) assert.match(answer.headers[name] ?? 'nothing', value, name)
        else if (name === 'allow' && value) assert.deepEqual(words(answer.headers.allow).sort(), words(value).sort())
        else assert.equal(answer.headers[name], value, name)
      }
      if (method === 'HEAD' || [204, 304].includes(status)) assert.equal(answer.text, '')
    })
})

test('what a tag says weakly is good enough to have it, and not to change it', async () => {
  const { headers: { etag } } = await request(stack, 'GET', '/app.js')
  const ask = headers => request(stack, 'GET', '/app.js', { headers }).then(({ status }) => status)
  assert.equal(await ask({ 'if-none-match': `W/${etag}` }), 304)
  assert.equal(await ask({ 'if-match': `"x", ${etag}` }), 200)
  assert.equal(await ask({ 'if-match': `W/${etag}` }), 412)
  assert.equal(await ask({ 'if-range': `W/${etag}`, range: 'bytes=0-1' }), 200)
  assert.equal(await ask({ 'if-range': etag, range: 'bytes=0-1' }), 206)
})

test('a token is read however its header is spelled, and is there once', async () => {
  const asks = (...lines) => sends('GET /api/v1/rooms HTTP/1.1', 'Host: localhost', ...lines, 'Connection: close')
  for (const line of [`Authorization: Bearer ${token}`, `authorization: bearer ${token}`, `AUTHORIZATION:BEARER ${token}`, `Authorization: \t Bearer   ${token} \t`])
    assert.equal((await asks(line)).status, 200, line)
  const none = ['', 'Bearer', 'Bearer ', token, `Basic ${token}`, `Bearer${token}`, `Token ${token}`, `"Bearer ${token}"`]
  const isRefused = async (status, code, ...lines) => {
    const answer = await asks(...lines)
    assert.deepEqual([answer.status, JSON.parse(answer.text).error.code], [status, code], lines.join('\n').slice(0, 200))
  }
  for (const value of none) await isRefused(401, 'unauthenticated', `Authorization: ${value}`)
  const bad = [`${token}x`, `${token} x`, `${token}, Bearer ${token}`, `"${token}"`, `${token}=`, '....', 'null', 'e30.e30.', `${token.split('.').slice(0, 2).join('.')}.`, '\u00ff\u00fe', 'x'.repeat(8000)]
  for (const value of bad) await isRefused(401, 'token_invalid', `Authorization: Bearer ${value}`)
  for (const [one, other] of [[token, token], [token, 'x'], ['x', token]]) // a proxy before us may have asked about the other one
    await isRefused(400, 'malformed', `Authorization: Bearer ${one}`, 'X-Between: them', `authorization: Bearer ${other}`)
  await isRefused(431, 'headers_too_large', `Authorization: Bearer ${'x'.repeat(20000)}`)
  const mebibyte = await asks(`Authorization: Bearer ${'x'.repeat(1 << 20)}`).catch(error => error) // who goes on sending may hear of the end alone
  assert.ok(mebibyte.status === 431 || ['ECONNRESET', 'EPIPE'].includes(mebibyte.code), JSON.stringify(mebibyte))
  assert.equal((await asks(`Authorization: Bearer ${token}`)).status, 200)
})

test('who expects to be told to go on is told, and who is of HTTP/1.0 is not', async () => {
  const post = version => [`POST ${rooms} HTTP/${version}`, 'Host: localhost', `Authorization: Bearer ${token}`, 'Content-Type: application/json', 'Content-Length: 13', 'Connection: close']
  const body = '{"name":"ab"}'
  const told = await sends(...post('1.1'), 'Expect: 100-continue', '', body)
  assert.deepEqual([told.status, /^HTTP\/1.1 201 /.test(told.text)], [100, true])
  assert.equal((await sends(...post('1.0'), 'Expect: 100-continue', '', body)).status, 201)
})

test('what is packed is what was there', async () => {
  const ask = coding => new Promise((resolve, reject) => {
    const socket = tls.connect({ port: stack.port, host: '127.0.0.1', ca: stack.ca }, () => socket.write(`GET /app.js HTTP/1.1\r\nHost: a\r\nAccept-Encoding: ${coding}\r\nConnection: close\r\n\r\n`))
    const chunks = []
    socket.on('data', chunk => chunks.push(chunk)).on('error', reject).on('end', () => { const all = Buffer.concat(chunks); resolve(all.subarray(all.indexOf('\r\n\r\n') + 4)) })
  })
  assert.equal(gunzipSync(await ask('gzip')).toString(), SCRIPT)
  assert.equal(brotliDecompressSync(await ask('br')).toString(), SCRIPT)
})

test('while a service is away, people are told to come back, in words, and programs by a code', async () => {
  execFileSync('sv', ['-w', '20', 'down', join(stack.dir, 'service/chat')])
  try {
    const ask = headers => request(stack, 'GET', rooms, { token, headers })
    const [object, page] = await Promise.all([ask({ accept: 'application/json' }), ask({ accept: BROWSER, 'accept-language': 'ko' })])
    const { code } = object.json.error, codeOfPage = /<html lang="ko">[^]*data-code="(\w+)">/.exec(page.text)[1]
    const known = { unavailable: 503, deadline: 504 } // it may be back within the deadline, or is known to be away
    assert.deepEqual([object.status, page.status], [known[code], known[codeOfPage]])
    for (const answer of [object, page]) isOurs('while chat is away', answer, { caching: /^no-store$/, varies: ['accept', 'authorization'] })
  } finally {
    execFileSync('sv', ['up', join(stack.dir, 'service/chat')])
    await stack.ready()
  }
})
