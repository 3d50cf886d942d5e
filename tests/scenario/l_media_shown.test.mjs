// l_media_shown - what a file is to a browser: its content says it, never its sender; nothing of it runs; and signed URLs, at which an
// <img> reads it without a token.
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startBrowser } from '../lib/browser.mjs'
import { pngOf } from '../lib/images.mjs'
import { request, tokenFor } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, ada, bo, browser, other, elsewhere
before(async () => {
  stack = await startStack({ env: { MADANG_SHARE_IMAGE_BYTES: '100000', MADANG_SHARE_MEDIA_BYTES: '1000000', MADANG_SHARE_MEDIA_KINDS: 'image,audio,video,text,document,other' } })
  key = await stack.issueKey()
  ada = await tokenFor(stack, key, 'ada')
  bo = await tokenFor(stack, key, 'bo')
  const [port, at] = [await freePorts(), name => readFileSync(join(stack.dir, 'tls', name))]
  other = https.createServer({ key: at('server.key'), cert: at('server.crt') }, (req, res) => { res.setHeader('content-type', 'text/html').end('<!doctype html><body>') })
  await once(other.listen(port, '127.0.0.1'), 'listening')
  elsewhere = `https://127.0.0.1:${port}/`
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  other?.close()
  await stack?.stop()
})

const keeps = (content, { name = 'a file', type = 'application/octet-stream', token = ada } = {}) => {
  const head = `--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: ${type}\r\n\r\n`
  return request(stack, 'POST', '/api/v1/media', { token, raw: Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from('\r\n--b--\r\n')]), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
}
/** Once it was read, if it is an image. */
async function kept(content, options) {
  const answer = await keeps(content, options)
  assert.equal(answer.status, 201, answer.text)
  return until('it is read', async () => {
    const { data } = (await request(stack, 'GET', `/api/v1/media/${answer.json.data.id}`, { token: options?.token ?? ada })).json
    return data.state === 'pending' ? null : data
  })
}
const signs = (ids, token = ada) => request(stack, 'POST', '/api/v1/media/urls', { token, body: { ids } })
const signed = async id => (await signs([id])).json.data.urls[0].url

function reads(path, headers = {}, method = 'GET') {
  return new Promise((resolve, reject) => {
    const req = https.request(stack.url + path, { method, ca: stack.ca, agent: false, headers }, res => {
      const chunks = []
      res.on('data', chunk => chunks.push(chunk)).on('end', () => resolve({ status: res.statusCode, headers: res.headers, bytes: Buffer.concat(chunks) })).on('error', reject)
    })
    req.on('error', reject).end()
  })
}
const codeOf = answer => [answer.status, JSON.parse(answer.bytes).error.code]

const PNG = pngOf(2, 3)
/** A second of silence. */
function wav() {
  const data = Buffer.alloc(8000), head = Buffer.alloc(44)
  head.write('RIFF', 0); head.writeUInt32LE(36 + data.length, 4); head.write('WAVEfmt ', 8); head.writeUInt32LE(16, 16); head.writeUInt16LE(1, 20); head.writeUInt16LE(1, 22)
  head.writeUInt32LE(8000, 24); head.writeUInt32LE(8000, 28); head.writeUInt16LE(1, 32); head.writeUInt16LE(8, 34); head.write('data', 36); head.writeUInt32LE(data.length, 40)
  return Buffer.concat([head, data.fill(128)])
}

// --- what it is ---

test('a type is what the content says, whatever its sender says', async () => {
  for (const [content, type, disposition] of [
    [PNG, 'image/png', 'inline'], [wav(), 'audio/wav', 'inline'], ['%PDF-1.7\n', 'application/pdf', 'attachment'], ['some words', 'text/plain; charset=utf-8', 'attachment'],
    ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'text/plain; charset=utf-8', 'attachment'], [Buffer.from([0, 1, 2]), 'application/octet-stream', 'attachment'], ['', 'application/octet-stream', 'attachment'],
  ]) for (const claim of [{ name: 'x.png', type: 'image/png' }, { name: 'x.html', type: 'text/html' }]) {
    const { type: said, url } = await kept(content, claim)
    assert.equal(said, type)
    const { headers } = await reads(url, { authorization: `Bearer ${ada}` })
    assert.equal(headers['content-type'], type)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.ok(headers['content-disposition'].startsWith(`${disposition}; filename="${claim.name}"`), headers['content-disposition'])
    assert.match(headers['content-security-policy'], disposition === 'inline' ? /^default-src 'none';[^*]* sandbox allow-same-origin$/ : /^default-src 'none'; sandbox$/)
    assert.deepEqual([headers['referrer-policy'], headers['cross-origin-resource-policy'], headers['cache-control']], ['no-referrer', 'same-origin', 'private, no-cache'])
  }
})

test('what is not kept here, or too much of its kind, is refused, early and in the end, and nothing stays of it', async () => {
  const used = async subject => Object.fromEntries((await stack.rpc('share', 'conversation.usage', { subject })).usages.map(({ quota, used }) => [quota, used]))
  const cy = await tokenFor(stack, key, 'cy')
  const refused = async (status, code, message, content) => {
    const answer = await keeps(content, { token: cy })
    assert.deepEqual([answer.status, answer.json?.error.code], [status, code], answer.text)
    assert.match(answer.json.error.message, message)
  }
  await refused(415, 'unsupported_media', /kind archive/, Buffer.from('PK\x03\x04 a small one'))
  await refused(415, 'unsupported_media', /kind archive/, Buffer.concat([Buffer.from('PK\x03\x04'), randomBytes(200000)]))
  await refused(413, 'too_large', /kind image may have 100000 bytes/, Buffer.concat([PNG, randomBytes(100001 - PNG.length)]))
  await refused(413, 'too_large', /kind image may have 100000 bytes/, Buffer.concat([PNG, randomBytes(900000)]))
  assert.equal((await keeps(Buffer.concat([PNG, randomBytes(100000 - PNG.length)]), { token: cy })).status, 201)
  assert.equal((await keeps(randomBytes(900000), { token: cy })).status, 201)
  await until('nothing stays', async () => { const { media, media_bytes } = await used('cy'); return media === 2 && media_bytes < 910000 }) // of an image what was made of it
})

// --- signed URLs ---

test('a signed URL is read without a token, ranges and all, and opens one file', async () => {
  const { id, url } = await kept(PNG, { name: 'ü.png' }), other = await kept('another'), bos = await kept('of bo', { token: bo })
  const { status, json, headers } = await signs([id, other.id, bos.id, randomUUID()])
  assert.deepEqual([status, headers['cache-control'], json.data.urls.map(one => one.id).sort()], [200, 'no-store', [id, other.id].sort()])
  const mine = json.data.urls.find(one => one.id === id)
  assert.ok(mine.url.startsWith(`${url}?signature=`))
  const left = mine.expires_at - Date.now()
  assert.ok(left > 0 && left <= 300000, `${left}`)
  const whole = await reads(mine.url)
  assert.equal(whole.status, 200)
  assert.ok(whole.bytes.subarray(0, 8).equals(PNG.subarray(0, 8)))
  assert.deepEqual([whole.headers['cross-origin-resource-policy'], whole.headers['cache-control']], ['cross-origin', 'private, no-cache'])
  assert.deepEqual([(await reads(mine.url, { range: 'bytes=1-3' })).bytes.toString(), (await reads(mine.url, {}, 'HEAD')).status], ['PNG', 200])
  assert.equal((await reads(mine.url, { 'if-none-match': whole.headers.etag })).status, 304)
  const signature = mine.url.split('?')[1], changed = mine.url.replace(/.$/, c => c === 'A' ? 'B' : 'A')
  for (const path of [`${other.url}?${signature}`, `${bos.url}?${signature}`, changed, `${url}?signature=x`, `${url}?signature=${'A'.repeat(900)}`])
    assert.deepEqual(codeOf(await reads(path)), [403, 'forbidden'], path)
  assert.deepEqual(codeOf(await reads(url)), [401, 'unauthenticated'])
  assert.deepEqual(codeOf(await reads(mine.url, { authorization: 'Bearer eyJ.x.y' })), [401, 'token_invalid'])
  // A signature is for bytes alone: no other path takes one.
  assert.equal((await reads(`/api/v1/media/${id}?${signature}`)).status, 401)
  assert.equal((await reads(mine.url, {}, 'DELETE')).status, 405)
  assert.ok(!stack.log('gateway-1').includes(signature) && !stack.log('share').includes(signature))
})

test('a signed URL of what was deleted is not found, at once', async () => {
  const { id } = await kept('to be deleted'), url = await signed(id)
  assert.equal((await request(stack, 'DELETE', `/api/v1/media/${id}`, { token: ada })).status, 204)
  assert.deepEqual(codeOf(await reads(url)), [404, 'not_found'])
})

test('a share that was killed still knows its signatures', async () => {
  const { id } = await kept('still there'), url = await signed(id)
  await stack.kill('share')
  await stack.ready()
  assert.equal((await reads(url)).status, 200)
})

// --- in a browser ---

const SCRIPT = "console.log('it ran')"
const HOSTILE = {
  html: `<!doctype html><html><script>${SCRIPT}</script></html>`,
  bom: `\ufeff<html><script>${SCRIPT}</script></html>`,
  xhtml: `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>${SCRIPT}</script></html>`,
  svg: `<svg xmlns="http://www.w3.org/2000/svg" onload="${SCRIPT}"><script>${SCRIPT}</script></svg>`,
  xslt: `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#x"?><x><script xmlns="http://www.w3.org/1999/xhtml">${SCRIPT}</script></x>`,
  js: SCRIPT,
  gif_and_js: `GIF89a/*${'\0'.repeat(20)}*/=0;${SCRIPT}`,
  png_and_html: Buffer.concat([PNG, Buffer.from(`<html><script>${SCRIPT}</script></html>`)]),
  pdf: `%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n<script>${SCRIPT}</script>`,
}
const CLAIMS = { html: 'text/html', svg: 'image/svg+xml', js: 'text/javascript' }

async function opensPage() {
  const context = await browser.newContext({ ignoreHTTPSErrors: true }), page = await context.newPage(), ran = []
  page.on('console', message => { if (message.text() === 'it ran') ran.push(page.url()) })
  page.on('dialog', dialog => { ran.push(dialog.message()); dialog.dismiss() })
  return { page, ran, close: () => context.close() }
}

/** On a page of another origin, as a script, a module and an image; each says when it was loaded or refused. */
const embeds = (page, url) => page.evaluate(url => Promise.all([['script'], ['script', 'module'], ['img']].map(([tag, type]) => new Promise(resolve => {
  document.body.append(Object.assign(document.createElement(tag), { src: url, onload: resolve, onerror: resolve, ...(type ? { type } : {}) }))
}))), url)

test('nothing of a file runs in a browser, opened or embedded, under whatever name and type it came', async t => {
  const { page, ran, close } = await opensPage()
  t.after(close)
  await page.goto(elsewhere)
  await page.addScriptTag({ content: SCRIPT })
  await until('a script that runs is seen', () => ran.length === 1)
  ran.length = 0
  for (const [what, content] of Object.entries(HOSTILE)) for (const [ending, type] of Object.entries(CLAIMS)) {
    const { id } = await kept(content, { name: `x.${ending}`, type })
    const [at, url] = [stack.url + await signed(id), stack.url + await signed(id)]
    await page.goto(at).catch(error => assert.match(error.message, /Download is starting|ERR_ABORTED/, what)) // it is saved, not shown
    await page.goto(elsewhere)
    await embeds(page, url)
    assert.deepEqual(ran, [], `${what} as ${type}`)
  }
})

test('what is only looked at or heard is shown in place', async t => {
  const { page, close } = await opensPage()
  t.after(close)
  const image = await kept(PNG), sound = await kept(wav())
  await page.goto(elsewhere)
  await embeds(page, stack.url + await signed(image.id))
  await until('an image on a page of another origin is there', () => page.evaluate(() => document.images[0].naturalWidth === 2 && document.images[0].naturalHeight === 3))
  await page.goto(stack.url + await signed(image.id))
  assert.equal(await page.evaluate(() => document.images[0].naturalHeight), 3)
  await page.goto(stack.url + await signed(sound.id))
  await until('a sound by itself can be played', () => page.evaluate(() => document.querySelector('video, audio').duration === 1))
})
