// l_media_unused - files that nothing uses any more go, after a while and in two looks; those that something uses stay, whoever is killed.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { filesOf, pngOf, settledFiles } from '../lib/images.mjs'
import { Person, request } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, ada, room
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
  ada = await Person.arrives(stack, key, 'ada')
  room = (await ada.makesRoom()).id
})
after(() => stack?.stop())

const aForm = content => ({ raw: Buffer.concat([Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a file"\r\n\r\n'), Buffer.from(content), Buffer.from('\r\n--b--\r\n')]), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
async function keeps(content = `words of ${randomUUID()}`) {
  const answer = await request(stack, 'POST', '/api/v1/media', { token: ada.token, ...aForm(content) })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data
}
const stateOf = async ({ id }) => (await ada.rest('GET', `/api/v1/media/${id}`)).json.data?.state
const isThere = async ({ url }) => (await request(stack, 'GET', url, { token: ada.token })).status === 200
const shows = (...media) => ada.calls('message:send', { room, id: randomUUID(), body: 'look', attachments: media.map(({ id }) => id) })
const used = async () => Object.fromEntries((await stack.rpc('share', 'conversation.usage', { subject: 'ada' })).usages.map(({ quota, used }) => [quota, used]))
const use = ({ id }) => stack.sql('share', `SELECT use FROM media WHERE id = '${id}'`)

const idsOf = media => media.map(({ id }) => `'${id}'`).join()
const isDue = (...media) => stack.sql('share', `UPDATE media SET due_at = now() - interval '1 s' WHERE id IN (${idsOf(media)})`)
const howMany = (condition, ...media) => stack.sql('share', `SELECT count(*) FROM media WHERE id IN (${idsOf(media)}) AND ${condition}`).then(Number)

/** A run that has just looked ends without having seen what is due since: so it is asked for, and refused while it runs, until `condition`. */
const collectsUntil = (what, condition) => until(what, async () => {
  if (await condition()) return true
  const { jobs: [job] } = await stack.rpc('share', 'job.list', { kind: 'media.collect', state: 'waiting' })
  if (job) await stack.rpc('share', 'job.retry', { job: job.id }).catch(error => assert.match(error.message, /it runs just now/))
}, 60000)

/** Their time has come, and they were looked at. */
async function isLookedAt(...media) {
  await isDue(...media)
  await collectsUntil('none is due', async () => await howMany('due_at <= now()', ...media) === 0)
}

test('what nothing uses at two looks goes, with its bytes and what it took of quotas; between them it may be used again', async () => {
  const before = [await settledFiles(stack), await used()]
  const image = await keeps(pngOf(300, 200)), [never, left, again, shown] = [await keeps(), await keeps(), await keeps(), await keeps()]
  await until('the image is read', async () => await stateOf(image) === 'ready')
  const { seq } = await shows(left, again, shown)
  await isLookedAt(image, never, left, again, shown)
  assert.deepEqual(await Promise.all([image, never, left, again, shown].map(use)), ['left', 'left', 'shown', 'shown', 'shown'])
  await ada.calls('message:edit', { room, seq, id: randomUUID(), body: 'look', attachments: [shown.id] })
  await isLookedAt(left, again, shown)
  assert.deepEqual(await Promise.all([left, again, shown].map(use)), ['left', 'left', 'shown'])
  assert.ok(await isThere(left))
  await shows(again)
  assert.equal(await use(again), 'shown')
  await isLookedAt(image, never, left, again, shown)
  assert.deepEqual(await Promise.all([image, never, left, again, shown].map(isThere)), [false, false, false, true, true])
  await ada.isRefused('message:send', { room, id: randomUUID(), body: 'look', attachments: [left.id] }, 'not_found', /attachments/)
  await until('their bytes are gone', () => filesOf(stack) === before[0] + 2)
  const now = await used()
  assert.deepEqual([now.media - (before[1].media ?? 0), now.media_bytes - (before[1].media_bytes ?? 0)], [2, again.size + shown.size])
})

test('an image that is to be read or seen with, and what a conversation of its owner names, is used', async () => {
  const [named, other] = [await keeps(), await keeps()]
  const eve = await Person.arrives(stack, key, 'eve')
  assert.equal((await ada.rest('POST', '/api/v1/conversations', { name: 'a talk', data: { profiles: [{ picture: `https://chat.example${named.url}` }] } })).status, 201)
  assert.equal((await eve.rest('POST', '/api/v1/conversations', { name: 'a talk', data: { picture: other.url } })).status, 201)
  const chosen = await keeps(pngOf(30, 20))
  await until('it is read', async () => await stateOf(chosen) === 'ready')
  await stack.sql('share', `INSERT INTO avatar_choice (owner, media) VALUES ('ada', '${chosen.id}')`) // only users have pictures
  for (let look = 0; look < 3; look++) await isLookedAt(named, other, chosen)
  assert.deepEqual(await Promise.all([named, other, chosen].map(isThere)), [true, false, true])
  await stack.sql('share', "DELETE FROM avatar_choice WHERE owner = 'ada'")
  eve.leaves()
})

test('what was kept before uses were counted stays', async () => {
  const former = await keeps()
  await stack.sql('share', `UPDATE media SET due_at = NULL WHERE id = '${former.id}'`)
  const other = await keeps()
  await isLookedAt(other)
  await isLookedAt(other)
  assert.deepEqual([await isThere(other), await isThere(former), await use(former)], [false, true, 'never'])
  await shows(former)
  assert.equal(await stack.sql('share', `SELECT due_at > now() FROM media WHERE id = '${former.id}'`), 't', 'from then on its use is counted')
})

test('while store is away nothing goes', async () => {
  const medium = await keeps()
  await isLookedAt(medium)
  process.kill(stack.pid('store'), 'SIGSTOP')
  try {
    await isDue(medium)
    await collectsUntil('it has failed', async () => (await stack.rpc('share', 'job.list', { kind: 'media.collect' })).jobs.some(({ last_error: why }) => why))
    assert.ok(await isThere(medium))
  } finally {
    process.kill(stack.pid('store'), 'SIGCONT')
  }
  await isLookedAt(medium)
  assert.equal(await isThere(medium), false)
})

test('kills lose nothing that is used, and leave no file', { timeout: 180000 }, async () => {
  const before = [await settledFiles(stack), (await used()).media]
  const media = []
  for (let i = 0; i < 40; i++) media.push(await keeps())
  const shown = media.filter((_, i) => i % 2 === 0)
  for (let i = 0; i < shown.length; i += 10) await shows(...shown.slice(i, i + 10))
  for (let round = 0; round < 6; round++) {
    await isDue(...media)
    if (round % 2 === 0) await collectsUntil('it is at it', async () => await howMany('due_at > now()', ...media) > 0)
    await stack.kill(round % 3 === 2 ? 'store' : 'share')
    await stack.ready()
    await stack.sql('share', "UPDATE job SET run_at = now() WHERE kind = 'media.collect'") // as when its lease has lapsed
  }
  await isLookedAt(...media)
  await isLookedAt(...media)
  const there = await Promise.all(media.map(isThere))
  assert.deepEqual(there, media.map((_, i) => i % 2 === 0))
  await until('no file is nobody\'s', async () => filesOf(stack) === Number(await stack.sql('share', 'SELECT count(*) FROM blob')))
  assert.deepEqual([filesOf(stack), (await used()).media], [before[0] + 20, before[1] + 20])
})
