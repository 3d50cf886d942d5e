// l_media_resumes - files that come in parts, by tus 1.0 with the client that people use: they go on where they stopped, whatever was
// killed meanwhile, and no number of them passes a quota.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import * as tus from 'tus-js-client'
import { request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, ada, bo
before(async () => {
  stack = await startStack({ env: { MADANG_SHARE_UPLOAD_IDLE_S: '8', MADANG_SHARE_MEDIA_BYTES: '100000000', MADANG_SHARE_MEDIA_KINDS: 'image,audio,video,text,document,other' } })
  key = await stack.issueKey()
  ada = await tokenFor(stack, key, 'ada')
  bo = await tokenFor(stack, key, 'bo')
})
after(() => stack?.stop())

const UPLOADS = '/api/v1/uploads'
const files = () => readdirSync(join(stack.dir, 'files/share')).length
const used = async subject => Object.fromEntries((await stack.rpc('share', 'conversation.usage', { subject })).usages.map(({ quota, used }) => [quota, used]))
const base64 = text => Buffer.from(text).toString('base64')

/** A request as tus has them. */
const asks = (method, path, headers = {}, { token = ada, raw } = {}) =>
  request(stack, method, path, { token, raw, headers: { 'tus-resumable': '1.0.0', ...(raw ? { 'content-type': 'application/offset+octet-stream' } : { 'content-length': 0 }), ...headers } })
async function begins(size, options) {
  const answer = await asks('POST', UPLOADS, { 'upload-length': size, 'upload-metadata': `filename ${base64('a file.txt')},filetype ${base64('text/html')}` }, options)
  assert.equal(answer.status, 201, answer.text)
  return answer.headers.location
}
const sends = (path, at, bytes, headers = {}, options = {}) => asks('PATCH', path, { 'upload-offset': at, ...headers }, { ...options, raw: Buffer.from(bytes) })
async function at(path, token = ada) {
  const { status, headers } = await asks('HEAD', path, {}, { token })
  return status === 200 ? Number(headers['upload-offset']) : status
}
const is = (answer, status, code) => assert.deepEqual([answer.status, answer.json?.error.code], [status, code], answer.text)
const mediumOf = path => `/api/v1/media/${path.split('/').pop()}`

function hashOf(path, token) {
  const hash = createHash('sha256')
  return new Promise((resolve, reject) => https.get(stack.url + path, { ca: stack.ca, agent: false, headers: { authorization: `Bearer ${token}` } },
    res => res.on('data', chunk => hash.update(chunk)).on('end', () => resolve(res.statusCode === 200 ? hash.digest('hex') : res.statusCode)).on('error', reject)).on('error', reject))
}

/** What tus-js-client makes of a content: its URL, when all is there. */
function uploads(content, { token = ada, onProgress, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(content, {
      endpoint: stack.url + UPLOADS, headers: { authorization: `Bearer ${token}` }, metadata: { filename: 'ü 한.bin', filetype: 'image/png' }, retryDelays: Array(40).fill(250),
      httpStack: new tus.DefaultHttpStack({ ca: stack.ca }), onError: reject, onSuccess: () => resolve(new URL(upload.url).pathname), onProgress: sent => onProgress?.(sent, upload), ...options,
    })
    upload.start()
  })
}

test("tus-js-client's file becomes a medium under the upload's id", async () => {
  for (const options of [{}, { chunkSize: 100001 }]) {
    const content = randomBytes(1000001), path = await uploads(content, options)
    const { id, name, type, size, url } = (await request(stack, 'GET', mediumOf(path), { token: ada })).json.data
    assert.deepEqual({ path, name, type, size }, { path: `${UPLOADS}/${id}`, name: 'ü 한.bin', type: 'application/octet-stream', size: content.length })
    assert.equal(await hashOf(url, ada), createHash('sha256').update(content).digest('hex'))
    assert.equal(await at(path), content.length)
    is(await sends(path, content.length, 'x'), 404, 'not_found')
  }
})

test('share is killed at any byte, and what had come stays', async () => {
  const content = randomBytes(60000001), offsets = []
  let kills = 0, next = 5000000
  const path = await uploads(content, {
    onProgress(sent) {
      if (kills === 3 || sent < next) return
      try { process.kill(stack.pid('share'), 9) } catch { return } // it is not back yet
      kills++
      next = sent + 5000000 + Math.floor(Math.random() * 3000000)
    },
    onAfterResponse: (req, res) => { if (req.getMethod() === 'HEAD' && res.getStatus() === 200) offsets.push(Number(res.getHeader('Upload-Offset'))) },
  })
  assert.equal(kills, 3)
  assert.ok(offsets.length >= 1 && offsets.at(-1) > 1000000, `${offsets}`)
  assert.deepEqual(offsets, [...offsets].sort((a, b) => a - b))
  const { url } = (await request(stack, 'GET', mediumOf(path), { token: ada })).json.data
  assert.equal(await hashOf(url, ada), createHash('sha256').update(content).digest('hex'))
  assert.deepEqual(await used('ada').then(({ media }) => media), await stack.sql('share', "SELECT count(*) FROM media WHERE owner = 'ada'").then(Number))
})

test('a request that was cut leaves what had come, and the next goes on behind it', async () => {
  const content = randomBytes(3000000), before = files(), path = await begins(content.length)
  await new Promise(resolve => {
    const req = https.request(stack.url + path, { method: 'PATCH', ca: stack.ca, agent: false, headers: { authorization: `Bearer ${ada}`, 'tus-resumable': '1.0.0', 'upload-offset': 0, 'content-type': 'application/offset+octet-stream', 'content-length': content.length } })
    req.on('error', resolve)
    req.write(content.subarray(0, 1000000))
    until('some has come', async () => await at(path) > 500000).then(() => req.destroy(), resolve)
  })
  // Whoever comes while the former request is still being given up is told to ask again.
  let answer
  await until('it goes on', async () => {
    const offset = await at(path)
    answer = await sends(path, offset, content.subarray(offset))
    return answer.status !== 409
  })
  is(answer, 204, undefined)
  assert.equal(answer.headers['upload-offset'], `${content.length}`)
  assert.equal(await hashOf((await request(stack, 'GET', mediumOf(path), { token: ada })).json.data.url, ada), createHash('sha256').update(content).digest('hex'))
  assert.equal(files(), before + 1)
})

test('the last byte counts when the medium is kept: what is refused in the end is gone', async () => {
  const cy = await tokenFor(stack, key, 'cy'), path = await begins(10, { token: cy })
  is(await sends(path, 0, 'PK\x03\x04 ', {}, { token: cy }), 204, undefined)
  is(await sends(path, 5, 'a zip', {}, { token: cy }), 415, 'unsupported_media')
  await until('nothing stays', async () => await at(path, cy) === 404 && (await used('cy')).media === undefined)
})

test('headers are answered as tus has them', async () => {
  const answer = await asks('POST', UPLOADS, { 'upload-length': 11 })
  assert.deepEqual([answer.status, answer.text, answer.headers['tus-resumable'], answer.headers['upload-offset'], answer.headers['cache-control']], [201, '', '1.0.0', '0', 'no-store'])
  const path = answer.headers.location
  assert.ok(new Date(answer.headers['upload-expires']) > Date.now() + 80000000)
  assert.match(answer.headers['access-control-expose-headers'], /Upload-Offset/)
  const head = await asks('HEAD', path)
  assert.deepEqual([head.status, head.headers['upload-offset'], head.headers['upload-length']], [200, '0', '11'])
  is(await sends(path, 3, 'behind'), 409, 'conflict')
  const part = await sends(path, 0, 'hello')
  assert.deepEqual([part.status, part.headers['upload-offset'], part.text], [204, '5', ''])
  is(await sends(path, 0, 'hello'), 409, 'conflict')
  is(await sends(path, 5, ' world, and more'), 413, 'too_large')
  await until('whoever sends more than was said has lost it', async () => await at(path) === 404)
  const other = await begins(5)
  is(await sends(other, 0, 'x', { 'tus-resumable': '0.2.2' }), 412, 'precondition_failed')
  is(await sends(other, 0, 'x', { 'content-type': 'text/plain' }), 415, 'unsupported_media')
  is(await sends(other, 'much', 'x'), 400, 'invalid_argument')
  is(await asks('PATCH', other, {}, { raw: Buffer.from('x') }), 400, 'invalid_argument')
  is(await asks('POST', UPLOADS), 400, 'invalid_argument')
  is(await asks('POST', UPLOADS, { 'upload-length': 100000001 }), 413, 'too_large')
  assert.equal((await asks('POST', UPLOADS, { 'upload-length': 1, 'tus-resumable': '2.0.0' })).headers['tus-version'], '1.0.0')
  for (const path of [UPLOADS, other]) {
    const { status, headers } = await request(stack, 'OPTIONS', path)
    assert.deepEqual([status, headers['tus-resumable'], headers['tus-version'], headers['tus-extension'], headers['tus-checksum-algorithm']], [204, '1.0.0', '1.0.0', 'creation,expiration,checksum,termination', 'sha1,sha256'])
  }
  assert.equal((await request(stack, 'OPTIONS', '/api/v1/media')).headers['tus-version'], undefined)
  // Another's is like none.
  assert.equal(await at(other, bo), 404)
  is(await sends(other, 0, 'x', {}, { token: bo }), 404, 'not_found')
  is(await asks('DELETE', other, {}, { token: bo }), 404, 'not_found')
  assert.equal(await at(other), 0)
})

test('a part whose checksum is another one leaves no byte, also of a killed process', async () => {
  const path = await begins(20), sum = (algorithm, text) => ({ 'upload-checksum': `${algorithm} ${createHash(algorithm).update(text).digest('base64')}` })
  is(await sends(path, 0, 'hello', sum('sha1', 'hello')), 204, undefined)
  is(await sends(path, 5, 'HELLO', sum('sha1', 'hello')), 460, 'checksum_mismatch')
  await until('it can go on', async () => await at(path) === 5)
  is(await sends(path, 5, 'x', { 'upload-checksum': 'crc32 AAAA' }), 400, 'invalid_argument')
  is(await sends(path, 5, ' worl', sum('sha256', ' worl')), 204, undefined)
  assert.equal(await at(path), 10)
  // Some of a part has come when the process is killed: nobody knows whether it was right.
  const req = https.request(stack.url + path, { method: 'PATCH', ca: stack.ca, agent: false, headers: { authorization: `Bearer ${ada}`, 'tus-resumable': '1.0.0', 'upload-offset': 10, 'content-type': 'application/offset+octet-stream', 'content-length': 10, ...sum('sha1', 'd, at last') } })
  req.on('error', () => {})
  req.write('d, at')
  await until('it is marked', async () => await stack.sql('share', `SELECT checked_to FROM upload WHERE id = '${path.split('/').pop()}'`) === '10')
  await stack.kill('share')
  req.destroy()
  await stack.ready()
  assert.equal(await at(path), 10)
  is(await sends(path, 10, 'd, at last', sum('sha1', 'd, at last')), 204, undefined)
  assert.equal(await hashOf((await request(stack, 'GET', mediumOf(path), { token: ada })).json.data.url, ada), createHash('sha256').update('hello world, at last').digest('hex'))
})

test('what is given up, or was not gone on with in its time, is gone with its bytes and its place', async () => {
  const dora = await tokenFor(stack, key, 'dora'), before = files(), path = await begins(1000, { token: dora }), late = await begins(2000, { token: dora })
  is(await sends(path, 0, 'some', {}, { token: dora }), 204, undefined)
  assert.deepEqual(await used('dora'), { media: 2, media_bytes: 3000 })
  is(await asks('DELETE', path, {}, { token: dora }), 204, undefined)
  assert.equal(await at(path, dora), 404)
  assert.deepEqual(await used('dora'), { media: 1, media_bytes: 2000 })
  await stack.sql('share', `UPDATE upload SET expires_at = now() - interval '1 second' WHERE id = '${late.split('/').pop()}'`)
  assert.equal(await at(late, dora), 404)
  await until('nothing stays', async () => files() === before && (await used('dora')).media === undefined)
})

test('100 at once, one byte below the quota, are one', async () => {
  const eve = await tokenFor(stack, key, 'eve')
  await stack.authctl('quota', 'set', 'media_bytes', '10000', '--subject', 'eve')
  const full = await begins(9999, { token: eve })
  const answers = await Promise.all(Array.from({ length: 100 }, () => asks('POST', UPLOADS, { 'upload-length': 1 }, { token: eve })))
  assert.equal(answers.filter(answer => answer.status === 201).length, 1)
  for (const answer of answers) if (answer.status !== 201) is(answer, 403, 'quota_exceeded')
  assert.deepEqual(await used('eve'), { media: 2, media_bytes: 10000 })
  is(await asks('DELETE', full, {}, { token: eve }), 204, undefined)
  assert.deepEqual(await used('eve'), { media: 1, media_bytes: 1 })
})
