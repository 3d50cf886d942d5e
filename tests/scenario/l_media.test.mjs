// l_media - files go through a gateway to share and back: streamed, kept once, counted, and nothing of what was cut short stays.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { startStack } from '../lib/stack.mjs'
import { Person, isGapless, request, tokenFor } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, ada, bo
before(async () => {
  stack = await startStack({ env: { MADANG_SHARE_UPLOAD_IDLE_S: '8', MADANG_SHARE_MEDIA_BYTES: String(1 << 30) } })
  key = await stack.issueKey()
  ada = await tokenFor(stack, key, 'ada')
  bo = await tokenFor(stack, key, 'bo')
})
after(() => stack?.stop())

/** A form with one file, as a client writes it; `parts` instead of the file's. */
function form(content, { name = 'a file.bin', field = 'file', boundary = 'a-boundary' } = {}) {
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${name}"\r\nContent-Type: application/x-thing\r\n\r\n`
  return { raw: Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from(`\r\n--${boundary}--\r\n`)]), headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } }
}

const keeps = (token, content, options) => request(stack, 'POST', '/api/v1/media', { token, ...form(content, options) })

/** The bytes of an answer, which are no text. */
function reads(path, token, headers = {}, method = 'GET') {
  return new Promise((resolve, reject) => {
    const req = https.request(stack.url + path, { method, ca: stack.ca, agent: false, headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers } }, res => {
      const chunks = []
      res.on('data', chunk => chunks.push(chunk))
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, bytes: Buffer.concat(chunks) }))
      res.on('error', reject)
    })
    req.on('error', reject)
    req.end()
  })
}

/** What curl is answered, as ada. */
async function curl(...words) {
  const { stdout } = await promisify(execFile)('curl', ['-sS', '--http1.1', '--cacert', join(stack.dir, 'tls/ca.crt'), '-H', `Authorization: Bearer ${ada}`, ...words, `${stack.url}/api/v1/media`])
  return JSON.parse(stdout)
}

const files = () => readdirSync(join(stack.dir, 'files/share')).length

test('a file comes back as it was sent, to its owner alone', async () => {
  const content = randomBytes(300001)
  const kept = await keeps(ada, content)
  assert.equal(kept.status, 201, kept.text)
  const { id, url, name, type, size } = kept.json.data
  assert.deepEqual({ name, type, size }, { name: 'a file.bin', type: 'application/octet-stream', size: content.length })
  assert.equal(url, `/media/${id}/a%20file.bin`)
  const read = await reads(url, ada)
  assert.equal(read.status, 200)
  assert.ok(read.bytes.equals(content))
  assert.equal(read.headers['cache-control'], 'private, no-cache')
  assert.equal(read.headers['x-content-type-options'], 'nosniff')
  assert.match(read.headers['content-disposition'], /^attachment; filename="a file.bin"; filename\*=UTF-8''/)
  assert.equal((await reads(url, bo)).status, 404)
  assert.equal((await reads(url)).status, 401)
})

// --- how much of it is held ---

const GiB = 1 << 30
const status = (name, field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${stack.pid(name)}/status`, 'utf8'))[1])
const cpu = name => { const at = readFileSync(`/proc/${stack.pid(name)}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(at[11]) + Number(at[12])) / 100 }

/** A sanitizer keeps what was freed: a process's memory says nothing there, and what is counted is judged alone. */
const SANITIZED = process.env.BIN?.includes('address')

/** Private memory, in KiB: what its pages cost, without those of files that it maps. */
const memory = name => status(name, 'RssAnon')

/** The most that each process had while something ran, above what it had before. */
async function growth(run) {
  const names = ['gateway-1', 'share'], before = names.map(memory), most = [...before]
  const timer = setInterval(() => names.forEach((name, i) => { most[i] = Math.max(most[i], memory(name)) }), 20)
  try { await run() } finally { clearInterval(timer) }
  return Object.fromEntries(names.map((name, i) => [name, most[i] - before[i]]))
}

/** So many bytes, the same each time, as a form with a known length; hashed on their way. */
function sendsLarge(token, bytes, { rate } = {}) {
  const block = randomBytes(1 << 20), head = Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="large"\r\n\r\n'), tail = Buffer.from('\r\n--b--\r\n')
  const hash = createHash('sha256')
  return new Promise((resolve, reject) => {
    const req = https.request(`${stack.url}/api/v1/media`, {
      method: 'POST', ca: stack.ca, agent: false,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'multipart/form-data; boundary=b', 'content-length': head.length + bytes + tail.length },
    }, res => {
      const chunks = []
      res.on('data', chunk => chunks.push(chunk)).on('end', () => resolve({ status: res.statusCode, text: Buffer.concat(chunks).toString(), hash: hash.digest('hex') }))
    })
    req.on('error', reject)
    req.write(head)
    let sent = 0
    const more = () => {
      while (sent < bytes) {
        const piece = bytes - sent < block.length ? block.subarray(0, bytes - sent) : block
        block.writeUInt32LE(sent / 1024, 0)
        hash.update(piece)
        sent += piece.length
        if (!req.write(Buffer.from(piece))) { req.once('drain', more); return }
      }
      req.end(tail)
    }
    more()
  })
}

function readsHash(path, token) {
  const hash = createHash('sha256')
  return new Promise((resolve, reject) => {
    https.get(stack.url + path, { ca: stack.ca, agent: false, headers: { authorization: `Bearer ${token}` } }, res => {
      res.on('data', chunk => hash.update(chunk)).on('end', () => resolve({ status: res.statusCode, hash: hash.digest('hex') })).on('error', reject)
    }).on('error', reject)
  })
}

test('1 GiB goes through and back without being held anywhere', async t => {
  await readsHash(JSON.parse((await sendsLarge(ada, 64 << 20)).text).data.url, ada) // what is allocated once is there
  let kept, read
  const cpuBefore = [cpu('gateway-1'), cpu('share')], begin = Date.now()
  const up = await growth(async () => { kept = await sendsLarge(ada, GiB) })
  const cpuUp = [cpu('gateway-1'), cpu('share')], middle = Date.now()
  assert.equal(kept.status, 201, kept.text)
  const down = await growth(async () => { read = await readsHash(JSON.parse(kept.text).data.url, ada) })
  const cpuDown = [cpu('gateway-1'), cpu('share')], end = Date.now()
  assert.deepEqual(read, { status: 200, hash: kept.hash })
  const cost = (a, b) => b.map((x, i) => `${((x - a[i]) * 1000 / 1024).toFixed(2)}`).join(' + ')
  t.diagnostic(`up ${(1024000 / (middle - begin)).toFixed(0)} MiB/s, gateway + share ${cost(cpuBefore, cpuUp)} ms of CPU for each MiB, KiB more: ${JSON.stringify(up)}`)
  t.diagnostic(`down ${(1024000 / (end - middle)).toFixed(0)} MiB/s, ${cost(cpuUp, cpuDown)} ms, KiB more: ${JSON.stringify(down)}`)
  if (SANITIZED) return
  for (const grown of [up, down]) for (const [name, kib] of Object.entries(grown)) assert.ok(kib < 1024, `${name} grew by ${kib} KiB`)
})

test('messages flow beside it as without it', async t => {
  const speaker = await Person.arrives(stack, key, 'speaker'), listener = await Person.arrives(stack, key, 'listener')
  const { id: room } = await speaker.makesRoom()
  await speaker.joins(room)
  await listener.joins(room)
  const p99 = async n => {
    const took = []
    for (let i = 0; i < n; i++) {
      const at = performance.now()
      await speaker.says(room, 'a word')
      took.push(performance.now() - at)
    }
    return took.sort((a, b) => a - b)[Math.floor(n * 0.99)]
  }
  await p99(100)
  const alone = await p99(300)
  const large = join(stack.dir, 'large')
  writeFileSync(large, '')
  truncateSync(large, GiB / 4)
  // From a process of its own, as this one has messages to time; and not as fast as two cores can, which is what would be timed.
  let sending = true
  const upload = curl('--limit-rate', '40M', '-F', `file=@${large}`).finally(() => { sending = false })
  const beside = []
  do beside.push(await p99(100)); while (sending)
  assert.equal((await upload).success, true)
  t.diagnostic(`p99 of a message: ${alone.toFixed(1)} ms alone, ${Math.max(...beside).toFixed(1)} ms at most beside an upload`)
  await until('all are heard', () => listener.heard.length === 400 + 100 * beside.length)
  isGapless(listener.heard)
  assert.ok(Math.min(...beside) < 10 * alone + 50, `${beside} beside ${alone}`)
})

// --- what is asked of an answer ---

test('ranges, tags and HEAD are answered as RFC 9110 has them', async () => {
  const content = randomBytes(200000)
  const { url } = (await keeps(ada, content)).json.data
  const whole = await reads(url, ada), etag = whole.headers.etag
  for (const [range, from, to] of [['bytes=0-0', 0, 1], ['bytes=65530-131080', 65530, 131081], ['bytes=199990-', 199990, 200000], ['bytes=-7', 199993, 200000], ['bytes=10-999999', 10, 200000]]) {
    const part = await reads(url, ada, { range })
    assert.equal(part.status, 206, range)
    assert.equal(part.headers['content-range'], `bytes ${from}-${to - 1}/200000`)
    assert.ok(part.bytes.equals(content.subarray(from, to)), range)
  }
  for (const range of ['bytes=5-1', 'lines=1-2', 'bytes=0-1,5-6']) assert.equal((await reads(url, ada, { range })).status, 200, range)
  const beyond = await reads(url, ada, { range: 'bytes=200000-' })
  assert.deepEqual([beyond.status, beyond.headers['content-range'], JSON.parse(beyond.bytes).error.code], [416, 'bytes */200000', 'range_unsatisfiable'])
  const same = await reads(url, ada, { 'if-none-match': `"x", W/${etag}` })
  assert.deepEqual([same.status, same.bytes.length, same.headers.etag], [304, 0, etag])
  assert.equal((await reads(url, ada, { 'if-none-match': '"x"' })).status, 200)
  assert.equal((await reads(url, ada, { 'if-range': etag, range: 'bytes=0-9' })).status, 206)
  assert.equal((await reads(url, ada, { 'if-range': '"x"', range: 'bytes=0-9' })).status, 200)
  const head = await reads(url, ada, {}, 'HEAD')
  assert.deepEqual([head.status, head.headers['content-length'], head.bytes.length], [200, '200000', 0])
})

test('who knows its id alone is told what it is, and where', async () => {
  const kept = (await keeps(ada, 'some text', { name: 'ü.txt' })).json.data
  assert.deepEqual((await request(stack, 'GET', `/api/v1/media/${kept.id}`, { token: ada })).json.data, kept)
  const there = await request(stack, 'GET', `/media/${kept.id}`, { token: ada })
  assert.deepEqual([there.status, there.headers.location, there.text, there.headers['cache-control']], [307, kept.url, '', 'no-store'])
  assert.equal((await request(stack, 'GET', `/media/${kept.id}`, { token: bo })).status, 404)
})

test('an empty file is a file', async () => {
  const kept = await keeps(ada, '')
  assert.equal(kept.status, 201, kept.text)
  const read = await reads(kept.json.data.url, ada)
  assert.deepEqual([read.status, read.bytes.length], [200, 0])
})

test('a name is what people may see of it', async () => {
  for (const [given, name] of [['../../etc/passwd', 'passwd'], ['C:\\\\dir\\\\a.txt', 'a.txt'], ['..', 'file'], ['', 'file'], ['a%22b%0D%0Ac', 'a"bc'], ['ü 한.png', 'ü 한.png'], ['a\u202egpj\u0085.exe', 'agpj.exe'], ['\u200b\ufeff', 'file'], ['x'.repeat(300), 'x'.repeat(200)]]) {
    const kept = await keeps(ada, 'x', { name: given })
    assert.equal(kept.status, 201, kept.text)
    assert.equal(kept.json.data.name, name)
    const read = await reads(kept.json.data.url, ada)
    assert.equal(read.status, 200)
    assert.ok(read.headers['content-disposition'].endsWith(`filename*=UTF-8''${[...Buffer.from(name)].map(b => `%${b.toString(16).toUpperCase().padStart(2, '0')}`).join('')}`), name)
  }
})

test('what is no form with a file is refused, and nothing stays of it', async () => {
  const before = files()
  const refused = async (status, code, raw, type = 'multipart/form-data; boundary=b') => {
    const answer = await request(stack, 'POST', '/api/v1/media', { token: ada, raw, headers: { 'content-type': type } })
    assert.deepEqual([answer.status, answer.json?.error.code], [status, code], answer.text)
    assert.equal(answer.headers['cache-control'], 'no-store')
  }
  const part = name => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\nx\r\n`
  await refused(415, 'unsupported_media', '{}', 'application/json')
  await refused(400, 'malformed', 'x', 'multipart/form-data')
  await refused(400, 'malformed', 'not a form')
  await refused(400, 'malformed', part('file'))
  await refused(400, 'invalid_argument', `${part('other')}--b--`)
  await refused(400, 'invalid_argument', `${part('file')}${part('file')}--b--`)
  await until('nothing stays', () => files() === before)
})

test("undici's FormData and curl are understood", async () => {
  const content = randomBytes(100000)
  writeFileSync(join(stack.dir, 'curl me.bin'), content)
  const file = `file=@${join(stack.dir, 'curl me.bin')}`
  const kept = (await curl('-F', 'note=first', '-F', file)).data
  assert.equal(kept.name, 'curl me.bin')
  assert.ok((await reads(kept.url, ada)).bytes.equals(content))
  const chunked = (await curl('-H', 'Transfer-Encoding: chunked', '-F', file)).data
  assert.ok((await reads(chunked.url, ada)).bytes.equals(content))
  const data = new FormData()
  data.append('file', new Blob([content]), 'a "blob".bin')
  const body = new Response(data) // undici, as fetch sends it
  const answer = await request(stack, 'POST', '/api/v1/media', { token: ada, raw: Buffer.from(await body.arrayBuffer()), headers: { 'content-type': body.headers.get('content-type') } })
  assert.equal(answer.json.data.name, 'a "blob".bin')
  assert.ok((await reads(answer.json.data.url, ada)).bytes.equals(content))
})

// --- kept once, counted, gone ---

test('two files of one content are one on disk, which stays until both are deleted', async () => {
  const content = randomBytes(100000), before = files()
  const first = (await keeps(ada, content)).json.data, second = (await keeps(bo, content)).json.data
  await until('the second is no file of its own', () => files() === before + 1)
  const gone = await request(stack, 'DELETE', `/api/v1/media/${first.id}`, { token: ada })
  assert.deepEqual([gone.status, gone.text, gone.headers['content-type']], [204, '', undefined])
  assert.equal((await reads(first.url, ada)).status, 404)
  assert.equal((await request(stack, 'DELETE', `/api/v1/media/${first.id}`, { token: ada })).status, 404)
  assert.equal((await request(stack, 'DELETE', `/api/v1/media/${second.id}`, { token: ada })).status, 404)
  assert.ok((await reads(second.url, bo)).bytes.equals(content))
  assert.equal((await request(stack, 'DELETE', `/api/v1/media/${second.id}`, { token: bo })).status, 204)
  await until('the file is gone', () => files() === before)
})

const usage = async subject => Object.fromEntries((await stack.rpc('share', 'conversation.usage', { subject })).usages.map(({ quota, used }) => [quota, used]))

test('100 at once do not pass the quota, and what is refused is not counted', async () => {
  await stack.authctl('quota', 'set', 'media', '37', '--subject', 'cy')
  const cy = await tokenFor(stack, key, 'cy')
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => keeps(cy, `content ${i}`)))
  assert.equal(answers.filter(({ status }) => status === 201).length, 37)
  for (const { json } of answers.filter(({ status }) => status !== 201)) assert.equal(json.error.code, 'quota_exceeded')
  await until('the refused are not counted', async () => (await usage('cy')).media === 37)
  const { media_bytes } = await usage('cy')
  assert.equal(media_bytes, answers.filter(({ status }) => status === 201).reduce((sum, { json }) => sum + json.data.size, 0))
  await request(stack, 'DELETE', `/api/v1/media/${answers.find(({ status }) => status === 201).json.data.id}`, { token: cy })
  assert.equal((await usage('cy')).media, 36)
  assert.equal((await keeps(cy, 'one more')).status, 201)
})

test('more at once than may be under way take turns, and each is kept once', async () => {
  const ivy = await tokenFor(stack, key, 'ivy'), before = files()
  const contents = Array.from({ length: 110 }, () => randomBytes(400000))
  const answers = await Promise.all(contents.map(content => keeps(ivy, content)))
  assert.deepEqual(answers.filter(({ status }) => status !== 201).map(({ text }) => text), [])
  assert.equal(new Set(answers.map(({ json }) => json.data.id)).size, 110)
  assert.equal(files(), before + 110)
  const read = await Promise.all(answers.map(({ json }) => reads(json.data.url, ivy)))
  read.forEach(({ bytes }, i) => assert.ok(bytes.equals(contents[i])))
  assert.equal((await usage('ivy')).media, 110)
})

test('what is too large is refused before it comes', async () => {
  const answer = await new Promise((resolve, reject) => {
    const req = https.request(`${stack.url}/api/v1/media`, { method: 'POST', ca: stack.ca, agent: false, headers: { authorization: `Bearer ${ada}`, 'content-type': 'multipart/form-data; boundary=b', 'content-length': 2 * GiB, expect: '100-continue' } }, res => { res.resume(); resolve(res.statusCode) })
    req.on('continue', () => resolve('continue')).on('error', reject)
    req.flushHeaders()
  })
  assert.equal(answer, 413)
})

// --- cut short ---

/** Begins an upload of so many bytes, sends some of them, and is given its socket. */
async function begins(token, bytes, some) {
  const socket = tls.connect({ host: '127.0.0.1', port: stack.port, ca: stack.ca })
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  socket.heard = ''
  socket.on('data', data => { socket.heard += data })
  const head = '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
  socket.write(`POST /api/v1/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${bytes + head.length + 9}\r\n\r\n${head}`)
  socket.write(randomBytes(some))
  return socket
}

test('of an upload that is cut nothing stays', async () => {
  const dora = await tokenFor(stack, key, 'dora'), before = files()
  const sockets = await Promise.all([0, 1, 70000, 500000].map(some => begins(dora, 1000000, some)))
  await until('all have begun', async () => (await usage('dora')).media === 4 && files() === before + 4)
  for (const socket of sockets) socket.destroy()
  await until('nothing stays', async () => (await usage('dora')).media === undefined && files() === before)
})

test('whose right ends while a file comes keeps nothing, and whose stays keeps it', async () => {
  const before = files(), [good, lost] = await Promise.all(['good', 'lost'].map(name => stack.authctl('key', 'issue', '--name', name, '--policy', 'chat-client')))
  const sockets = await Promise.all([good, lost].map(({ key: bearer }) => begins(bearer, 200000, 100000)))
  await until('both have begun', () => files() === before + 2)
  await stack.authctl('key', 'revoke', lost.id)
  await until('the gateway has heard of it', async () => (await request(stack, 'GET', '/api/v1/rooms', { token: lost.key })).status === 401)
  await new Promise(resolve => setTimeout(resolve, 1100)) // what comes sooner is of the moment before
  for (const socket of sockets) socket.write(Buffer.concat([randomBytes(100000), Buffer.from('\r\n--b--\r\n')]))
  await until('both are answered', () => sockets.every(({ heard }) => /\}$/.test(heard)))
  assert.match(sockets[0].heard, /^HTTP\/1\.1 201/)
  assert.match(sockets[1].heard, /^HTTP\/1\.1 401[^]*key_revoked/)
  await until('nothing stays of the second', async () => files() === before + 1 && (await usage(`key:${lost.id}`)).media === undefined)
  for (const socket of sockets) socket.destroy()
})

test('a file that is deleted while it is read is cut, and not made up', async () => {
  const { url, id } = JSON.parse((await sendsLarge(ada, 64 << 20)).text).data
  const res = await new Promise((resolve, reject) => https.get(stack.url + url, { ca: stack.ca, agent: false, headers: { authorization: `Bearer ${ada}` } }, resolve).on('error', reject))
  await once(res, 'readable')
  res.read(1000)
  assert.equal((await request(stack, 'DELETE', `/api/v1/media/${id}`, { token: ada })).status, 204)
  let came = 0
  await assert.rejects(async () => { for await (const chunk of res) came += chunk.length })
  assert.ok(came < 64 << 20)
})

test('readers who do not read hold no more than their pieces', async () => {
  const { url } = JSON.parse((await sendsLarge(ada, 32 << 20)).text).data
  const sockets = []
  const grown = await growth(async () => {
    for (let i = 0; i < 30; i++) {
      const socket = tls.connect({ host: '127.0.0.1', port: stack.port, ca: stack.ca })
      await once(socket, 'secureConnect')
      socket.on('error', () => {}).write(`GET ${url} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada}\r\n\r\n`)
      sockets.push(socket.pause())
    }
    await until('they are counted', async () => await stack.metric(1, 'madang_gateway_held_bytes') > 30 * 256 * 1024)
    assert.equal((await request(stack, 'GET', '/api/v1/rooms', { token: ada })).status, 200)
  })
  const counted = await stack.metric(1, 'madang_gateway_held_bytes')
  for (const socket of sockets) socket.destroy()
  assert.ok(counted < 30 * 600 * 1024, `${counted} bytes are counted`)
  if (!SANITIZED) assert.ok(grown['gateway-1'] < 30 * 600, `${grown['gateway-1']} KiB`)
  await until('it is given back', async () => await stack.metric(1, 'madang_gateway_held_bytes') < 30 * 256 * 1024)
})

test('who sends too slowly is cut, and nothing stays', async () => {
  const gil = await tokenFor(stack, key, 'gil'), before = files()
  const socket = await begins(gil, 1000000, 1000)
  await until('it has begun', async () => (await usage('gil')).media === 1)
  const timer = setInterval(() => socket.write('x'), 500)
  await once(socket, 'close')
  clearInterval(timer)
  await until('nothing stays', async () => (await usage('gil')).media === undefined && files() === before)
})

test('a full disk is said, and what is kept stays', async () => {
  const hal = await tokenFor(stack, key, 'hal'), first = (await keeps(hal, 'before')).json.data, before = files()
  const limit = bytes => promisify(execFile)('prlimit', ['--pid', stack.pid('share'), `--fsize=${bytes}:unlimited`])
  await limit(1 << 20)
  const answer = await keeps(hal, randomBytes(3 << 20))
  assert.deepEqual([answer.status, answer.json?.error.code], [507, 'storage_full'], answer.text)
  await until('nothing stays', async () => files() === before && (await usage('hal')).media === 1)
  assert.equal((await keeps(hal, 'small')).status, 201)
  await limit('unlimited')
  assert.equal((await keeps(hal, randomBytes(3 << 20))).status, 201)
  assert.equal((await reads(first.url, hal)).bytes.toString(), 'before')
})

test('an upload whose gateway dies is given up', async () => {
  const eve = await tokenFor(stack, key, 'eve'), before = files()
  await begins(eve, 1000000, 300000)
  await until('it has begun', async () => (await usage('eve')).media === 1 && files() === before + 1)
  await stack.kill('gateway-1')
  await until('nothing stays', async () => (await usage('eve')).media === undefined && files() === before)
  await stack.ready()
})

test('an end of share at any byte, kill -9 or in order, leaves what was acknowledged, whole, and nothing else', async () => {
  const fay = await tokenFor(stack, key, 'fay'), kept = [], before = files()
  for (let round = 0; round < Number(process.env.FAULT_ROUNDS ?? 3); round++) {
    let flowing = true
    const workers = Array.from({ length: 6 }, async () => {
      while (flowing) {
        const content = randomBytes(1 + Math.floor(Math.random() * 2000000))
        const answer = await keeps(fay, content).catch(() => undefined)
        if (answer?.status === 201) kept.push([answer.json.data.url, createHash('sha256').update(content).digest('hex')])
        else if (answer) assert.ok([503, 504].includes(answer.status), answer.text)
      }
    })
    await until('some more are kept', () => kept.length > 4 * (round + 1))
    await new Promise(resolve => setTimeout(resolve, Math.random() * 700))
    await stack.kill('share', round % 3 === 2 ? 15 : 9)
    await new Promise(resolve => setTimeout(resolve, 500))
    flowing = false
    await Promise.all(workers)
    await stack.ready()
  }
  assert.ok(kept.length > 10, `${kept.length} were kept`)
  for (const [url, hash] of kept) assert.deepEqual(await readsHash(url, fay), { status: 200, hash }, url)
  // Some may be there whose acknowledgement was lost; each of them is whole, too, and all else is gone.
  await until('nothing else stays', async () => {
    const { media } = await usage('fay')
    return media >= kept.length && files() === before + media
  })
})
