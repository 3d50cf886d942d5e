// l_media_images - images: read by a process that can do nothing else, and what others see is what that wrote.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startBrowser } from '../lib/browser.mjs'
import { cameraFile, filesOf, gifOf, pngOf, settledFiles } from '../lib/images.mjs'
import { request, tokenFor } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, ada, browser, page
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
  ada = await tokenFor(stack, key, 'ada')
  browser = await startBrowser()
  page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage()
})
after(async () => {
  await browser?.close()
  await stack?.stop()
})

function sends(content, token = ada) {
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a photo.jpg"\r\n\r\n'
  return request(stack, 'POST', '/api/v1/media', { token, raw: Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from('\r\n--b--\r\n')]), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
}
async function keeps(content, token) {
  const answer = await sends(content, token)
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data
}
const get = async (id, token = ada) => (await request(stack, 'GET', `/api/v1/media/${id}`, { token })).json.data
const end = (id, token) => until('it is read', async () => { const medium = await get(id, token); return medium.state === 'pending' ? null : medium }, 60000)
const usage = async subject => Object.fromEntries((await stack.rpc('share', 'conversation.usage', { subject })).usages.map(({ quota, used }) => [quota, used]))
const files = () => filesOf(stack)
const signed = async id => (await request(stack, 'POST', '/api/v1/media/urls', { token: ada, body: { ids: [id] } })).json.data.urls[0].url

function reads(path, token) {
  return new Promise((resolve, reject) => {
    https.get(stack.url + path, { ca: stack.ca, agent: false, headers: token ? { authorization: `Bearer ${token}` } : {} }, res => {
      const chunks = []
      res.on('data', chunk => chunks.push(chunk)).on('end', () => resolve({ status: res.statusCode, headers: res.headers, bytes: Buffer.concat(chunks) })).on('error', reject)
    }).on('error', reject)
  })
}

/** As a browser has it: its width and height. */
const seen = url => page.evaluate(src => new Promise((resolve, reject) => {
  const image = new Image()
  image.onload = () => resolve([image.naturalWidth, image.naturalHeight])
  image.onerror = () => reject(new Error('it is not shown'))
  image.src = src
}), url)

const children = pid => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
/** undefined: share is being started, and has none yet. */
function imager() {
  try { return children(stack.pid('share'))[0] } catch { return undefined }
}

test('a photograph is turned, tells nothing, and comes in four sizes', async () => {
  const photo = await cameraFile(page, 1600, 1000)
  assert.ok(photo.includes('Exif') && photo.includes('Kamerawerk'))
  const before = await settledFiles(stack), sent = await keeps(photo)
  assert.deepEqual([sent.type, sent.size, sent.state], ['image/jpeg', photo.length, 'pending'])
  const medium = await end(sent.id)
  assert.deepEqual([medium.state, medium.width, medium.height, medium.url], ['ready', 1000, 1600, sent.url])
  const whole = await reads(medium.url, ada)
  assert.equal(whole.bytes.length, medium.size)
  const url = await signed(medium.id)
  const bytes = [whole.bytes]
  for (const [form, size] of [['', [1000, 1600]], ['&form=small', [100, 160]], ['&form=medium', [300, 480]], ['&form=large', [800, 1280]]]) {
    assert.deepEqual(await seen(stack.url + url + form), size, form)
    if (form) bytes.push((await reads(url + form)).bytes)
  }
  for (const one of bytes) for (const word of ['Exif', 'EXIF', 'Kamerawerk', 'http://ns.adobe.com']) assert.ok(!one.includes(word), word)
  assert.deepEqual(await seen(medium.placeholder), [10, 16])
  assert.ok(medium.placeholder.length < 600, `${medium.placeholder.length}`)
  const small = await reads(`${medium.url}?form=small`, ada)
  assert.deepEqual([small.headers['content-type'], small.headers['cache-control']], ['image/webp', 'private, no-cache'])
  assert.notEqual(small.headers.etag, whole.headers.etag)
  assert.equal((await reads(`${medium.url}?form=huge`, ada)).status, 404)
  assert.equal((await usage('ada')).media_bytes, bytes.reduce((sum, one) => sum + one.length, 0))
  await until('what came is gone', () => files() === before + 4, 60000)
  assert.equal((await request(stack, 'DELETE', `/api/v1/media/${medium.id}`, { token: ada })).status, 204)
  await until('nothing stays', () => files() === before, 60000)
  assert.equal((await usage('ada')).media_bytes ?? 0, 0)
})

test('what is no image, or too much of one, is refused, and the next image is read', async () => {
  const png = pngOf(30, 20), photo = await cameraFile(page, 300, 200)
  const hostile = {
    bomb: pngOf(65535, 65535, { rows: 3 }), wide: pngOf(30000, 30000, { rows: 3 }), cut: photo.subarray(0, photo.length / 2), cut_png: png.subarray(0, png.length - 30),
    frames: gifOf(10, 10, 10000), no_image: Buffer.from('GIF89a and then words'), svg_in_png: Buffer.concat([png.subarray(0, 8), Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')]),
  }
  for (const [what, content] of Object.entries(hostile)) {
    const { id, url } = await keeps(content)
    const medium = await end(id)
    assert.deepEqual([medium.state, medium.fault], ['refused', 'unprocessable_media'], what)
    const answer = await reads(url, ada)
    assert.deepEqual([answer.status, JSON.parse(answer.bytes).error.code], [422, 'unprocessable_media'], what)
    assert.equal((await end((await keeps(png)).id)).state, 'ready', `after ${what}`)
  }
})

test('images of other types are refused at once', async () => {
  for (const head of ['\0\0\0\x18ftypavif', '\0\0\0\x18ftypheic', 'II*\0\x08\0\0\0', 'MM\0*\0\0\0\x08']) {
    const answer = await sends(Buffer.from(head + 'x'.repeat(5000), 'latin1'))
    assert.deepEqual([answer.status, answer.json.error.code], [422, 'unprocessable_media'], head)
  }
})

test('those who send images take turns, and whoever sends many waits for the others', async () => {
  const cy = await tokenFor(stack, key, 'cy'), di = await tokenFor(stack, key, 'di'), many = [], before = await settledFiles(stack)
  const large = pngOf(5000, 4000)
  for (let i = 0; i < 12; i++) many.push(await keeps(large, cy))
  const one = await end((await keeps(pngOf(300, 200), di)).id, di)
  assert.equal(one.state, 'ready')
  const states = await Promise.all(many.map(async ({ id }) => (await get(id, cy)).state))
  assert.ok(states.filter(state => state === 'pending').length >= 6, states.join(' '))
  for (const { id } of many) assert.equal((await request(stack, 'DELETE', `/api/v1/media/${id}`, { token: cy })).status, 204)
  assert.equal((await request(stack, 'DELETE', `/api/v1/media/${one.id}`, { token: di })).status, 204)
  await until('nothing stays, of the one that was being read, too', () => files() === before, 60000)
  assert.equal((await usage('cy')).media_bytes ?? 0, 0)
  assert.ok(!(await stack.rpc('share', 'job.list', {})).jobs.some(job => job.kind === 'image.make' && job.state === 'dead'))
})

test('a container has room for share and the largest image that is read', () => {
  const megabytes = text => Number.parseInt(text) * (text.endsWith('g') ? 1024 : 1)
  const limit = megabytes(/^ {2}share:[^]*?mem_limit: (\d+[mg])/m.exec(readFileSync(join(root, 'compose.yaml'), 'utf8'))[1])
  const image = Number(/^SETTING\(image_memory,.*?"(\d+)"/m.exec(readFileSync(join(root, 'services/share/settings.def'), 'utf8'))[1]) / 1048576
  assert.ok(limit >= 2 * image, `${limit} MiB for an image of ${image}`)
})

test('who is killed in the middle loses no image and leaves no file', async () => {
  const bo = await tokenFor(stack, key, 'bo'), before = await settledFiles(stack)
  const sent = []
  for (let i = 0; i < 12; i++) sent.push(await keeps(pngOf(400 + i, 300), bo))
  await stack.kill('share')
  await stack.ready()
  for (const { id } of sent) assert.equal((await until('each is read', async () => { const medium = await get(id, bo); return medium?.state === 'ready' && medium }, 120000)).height, 300)
  const former = imager(), last = await keeps(pngOf(500, 300), bo)
  process.kill(former, 'SIGKILL')
  await until('share is another', () => ![undefined, former].includes(imager()), 60000)
  await stack.ready()
  assert.equal((await until('it is read', async () => { const medium = await get(last.id, bo); return medium?.state === 'ready' && medium }, 120000)).width, 500)
  for (const { id } of [...sent, last]) assert.equal((await request(stack, 'DELETE', `/api/v1/media/${id}`, { token: bo })).status, 204)
  await until('nothing stays', () => files() === before, 60000)
  assert.deepEqual([(await usage('bo')).media ?? 0, (await usage('bo')).media_bytes ?? 0], [0, 0])
})
