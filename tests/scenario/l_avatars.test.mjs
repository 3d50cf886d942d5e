// l_avatars - pictures that users are seen with: made of images of theirs, heard of everywhere, and gone with their user.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import https from 'node:https'
import { after, before, test } from 'node:test'
import { filesOf, gifOf, pngOf, settledFiles } from '../lib/images.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until as wait } from '../lib/wait.mjs'

let stack
const until = (what, condition) => wait(what, condition, 60000)
before(async () => { stack = await startStack({ env: { MADANG_AUTH_REGISTRATION: 'open' } }) })
after(() => stack?.stop())

const password = 'a lamp in the long grass'
const call = (method, path, body, token) => request(stack, method, `/api/v1/${path}`, { body, token })
const ok = (answer, status = 200) => { assert.equal(answer.status, status, answer.text); return answer.json?.data }
const refused = (answer, status, code) => assert.deepEqual([answer.status, answer.json?.error.code], [status, code], answer.text)

async function arrives(nickname) {
  const { user } = ok(await call('POST', 'auth/register', { email: `${nickname}@example.org`, password, nickname }), 201)
  const { access_token: token } = ok(await call('POST', 'auth/login', { email: `${nickname}@example.org`, password }))
  return Object.assign(await new Person(stack, nickname, token).connects(), { id: user.id })
}
async function sends(content, token) {
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="me.png"\r\n\r\n'
  const raw = Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from('\r\n--b--\r\n')])
  return ok(await request(stack, 'POST', '/api/v1/media', { token, raw, headers: { 'content-type': 'multipart/form-data; boundary=b' } }), 201).id
}
const read = (id, token) => until('it is read', async () => { const medium = ok(await call('GET', `media/${id}`, undefined, token)); return medium.state !== 'pending' && medium })
const chooses = (person, media) => call('PUT', 'users/me/avatar', { media }, person.token)
const avatarOf = async person => ok(await call('GET', 'users/me', undefined, person.token)).avatar
const drawn = person => `/avatars/${person.id}`
const hasPicture = (person, but) => until(`${person.name} has a picture`, async () => { const path = await avatarOf(person); return path !== drawn(person) && path !== but && path })
const files = () => filesOf(stack)
const bytesOf = async person => (await stack.rpc('share', 'conversation.usage', { subject: person.id })).usages.find(({ quota }) => quota === 'media_bytes')?.used ?? 0

/** As anybody has it, without a token. */
const picture = path => new Promise((resolve, reject) => {
  https.get(stack.url + path, { ca: stack.ca, agent: false }, res => {
    const chunks = []
    res.on('data', chunk => chunks.push(chunk)).on('end', () => resolve({ status: res.statusCode, headers: res.headers, bytes: Buffer.concat(chunks) })).on('error', reject)
  }).on('error', reject)
})
/** The sides of a WebP, as its first block says. */
function sides(bytes) {
  assert.deepEqual([bytes.toString('latin1', 0, 4), bytes.toString('latin1', 8, 16)], ['RIFF', 'WEBPVP8X'])
  return [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1]
}

test('a chosen image becomes a picture that all who share a room hear of, and anybody may read', async () => {
  const ada = await arrives('ada'), bo = await arrives('bo')
  const { id: room } = await ada.makesRoom()
  for (const person of [ada, bo]) await person.joins(room)
  const before = await settledFiles(stack), media = await sends(pngOf(900, 600), ada.token)
  assert.deepEqual(ok(await chooses(ada, media), 202), { media }) // though it was not read yet, perhaps
  const path = await hasPicture(ada)
  assert.match(path, new RegExp(`^/avatars/${ada.id}/[0-9a-f-]{36}\\.webp$`))
  const change = await until('bo hears of it', () => bo.events.find(([event, { id, avatar }]) => event === 'user:changed' && id === ada.id && avatar === path))
  assert.equal(change[1].nickname, 'ada')
  assert.equal(ok(await call('GET', `users/${ada.id}`, undefined, bo.token)).avatar, path)

  const large = await picture(path), small = await picture(`${path}?side=64`)
  assert.deepEqual([large.status, sides(large.bytes), sides(small.bytes)], [200, [256, 256], [64, 64]])
  for (const { headers } of [large, small])
    assert.deepEqual([headers['content-type'], headers['cache-control'], headers['x-content-type-options'], headers['cross-origin-resource-policy']], ['image/webp', 'public, max-age=31536000, immutable', 'nosniff', 'cross-origin'])
  assert.match(large.headers['content-security-policy'], /default-src 'none'.*sandbox/)
  const [file] = path.split('/').slice(-1)
  for (const other of [`${path}?side=65`, path.replace('.webp', ''), `/avatars/${bo.id}/${file}`, `/avatars/${ada.id}/${randomUUID()}.webp`, `/avatars/${ada.id}/.webp`, `/avatars/${ada.id}/me.webp`])
    assert.equal((await picture(other)).status, 404, other)

  await read(media, ada.token)
  await until('four forms and two squares are there, and what came is not', () => files() === before + 6)
  ok(await call('DELETE', `media/${media}`, undefined, ada.token), 204) // the picture is one of its own
  assert.equal((await picture(path)).status, 200)
  await until('what is counted is the picture', async () => await bytesOf(ada) === large.bytes.length + small.bytes.length)
  assert.equal((await picture(drawn(ada))).status, 200)
})

test('another picture takes the place of the former one, and the drawn one that of none', async () => {
  const cy = await arrives('cy'), before = await settledFiles(stack)
  const [one, two] = [await sends(pngOf(300, 300), cy.token), await sends(gifOf(40, 30, 3), cy.token)]
  ok(await chooses(cy, one), 202)
  const first = await hasPicture(cy)
  ok(await chooses(cy, two), 202)
  const second = await hasPicture(cy, first)
  await until('the former one is gone', async () => (await picture(first).catch(() => 'as it went')).status === 404)
  const { bytes } = await picture(second)
  ok(await call('DELETE', 'users/me/avatar', undefined, cy.token), 204)
  assert.ok(bytes.length > 0)
  assert.equal((await picture(second)).status, 404)
  await until('it is drawn again', async () => await avatarOf(cy) === drawn(cy))
  ok(await call('DELETE', 'users/me/avatar', undefined, cy.token), 204) // again, and none is there
  for (const id of [one, two]) ok(await call('DELETE', `media/${id}`, undefined, cy.token), 204)
  await until('nothing stays', async () => files() === before && await bytesOf(cy) === 0)
})

test('what is no image of one\'s own becomes no picture', async () => {
  const di = await arrives('di'), eve = await arrives('eve')
  const text = await sends('words', di.token), hers = await sends(pngOf(30, 30), eve.token), bomb = await sends(pngOf(65535, 65535, { rows: 1 }), di.token)
  refused(await chooses(di, text), 422, 'unprocessable_media')
  refused(await chooses(di, hers), 404, 'not_found')
  refused(await chooses(di, randomUUID()), 404, 'not_found')
  await read(bomb, di.token)
  refused(await chooses(di, bomb), 422, 'unprocessable_media')
  const key = await stack.issueKey(), subject = await tokenFor(stack, key, 'a subject of a key')
  assert.ok([403, 404].includes((await chooses({ token: subject }, text)).status))
  assert.equal(await avatarOf(di), drawn(di))
  const later = await sends(pngOf(65534, 65535, { rows: 1 }), di.token)
  const choice = await chooses(di, later) // read meanwhile, or not
  assert.ok([202, 422].includes(choice.status), choice.text)
  await read(later, di.token)
  await until('no choice is left', async () => await stack.sql('share', 'SELECT count(*) FROM avatar_choice') === '0')
  assert.equal(await avatarOf(di), drawn(di))
})

test('many choices at once come to one picture', async () => {
  const flo = await arrives('flo'), images = []
  for (let i = 0; i < 4; i++) images.push(await sends(pngOf(100 + i, 100), flo.token))
  for (const id of images) await read(id, flo.token)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => chooses(flo, images[i % 4])))
  for (const answer of answers) ok(answer, 202)
  await until('one is left, and it is said', async () => {
    const rows = (await stack.sql('share', `SELECT DISTINCT picture FROM avatar WHERE owner = '${flo.id}'`)).split('\n').filter(Boolean)
    return rows.length === 1 && await avatarOf(flo) === `/avatars/${flo.id}/${rows[0]}.webp` && await stack.sql('share', `SELECT count(*) FROM job WHERE subject = '${flo.id}'`) === '0'
  })
})

test('share and auth may be killed at any time: the picture comes, and nothing else stays', async () => {
  const gus = await arrives('gus'), before = await settledFiles(stack), images = []
  for (let i = 0; i < 4; i++) images.push(await sends(pngOf(500 + i, 400), gus.token))
  for (const id of images) await read(id, gus.token)
  let former
  for (const [i, victim] of ['share', 'auth', 'share', 'auth'].entries()) {
    ok(await chooses(gus, images[i]), 202)
    await stack.kill(victim)
    await stack.ready()
    former = await hasPicture(gus, former)
    await until('it is there', async () => (await picture(former)).status === 200)
  }
  ok(await call('DELETE', 'users/me/avatar', undefined, gus.token), 204)
  for (const id of images) ok(await call('DELETE', `media/${id}`, undefined, gus.token), 204)
  await until('nothing stays', async () => files() === before && await bytesOf(gus) === 0)
})

test('a picture is not shown of who is disabled, and is erased with its user', async () => {
  const hal = await arrives('hal'), before = await settledFiles(stack), media = await sends(pngOf(200, 200), hal.token)
  ok(await chooses(hal, media), 202)
  const path = await hasPicture(hal)
  await stack.authctl('user', 'disable', hal.id)
  await until('it is not shown', async () => (await picture(path)).status === 404)
  await stack.authctl('user', 'enable', hal.id)
  await until('it is shown again', async () => (await picture(path)).status === 200)
  const { access_token: token } = ok(await call('POST', 'auth/login', { email: 'hal@example.org', password }))
  ok(await call('DELETE', 'users/me', undefined, token))
  await stack.sql('auth', `UPDATE account SET delete_at = now() - interval '1 second' WHERE id = '${hal.id}'`)
  await stack.sql('auth', "UPDATE job SET run_at = now() WHERE kind = 'account.erase'; NOTIFY auth_jobs")
  const proof = await until('all is erased', async () => { const found = await stack.rpc('auth', 'people.erasure', { user: hal.id }).catch(() => undefined); return found?.whole && found })
  assert.equal(proof.services.find(({ service }) => service === 'share').counts.find(({ what }) => what === 'avatars').rows, 2)
  assert.equal((await picture(path)).status, 404)
  await until('nothing stays', () => files() === before)
})
