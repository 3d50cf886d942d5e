// l_share_media - files that a shared conversation shows: who has opened its link reads them, as far as its owner lets them, and for as long as the
// link opens; whoever has not, and whatever is not its owner's, never.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import https from 'node:https'
import { after, before, test } from 'node:test'
import { filesOf, pngOf, settledFiles } from '../lib/images.mjs'
import { Person, request } from '../lib/people.mjs'
import { aForm, sharer } from '../lib/share.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  // Without former versions, which hold files, too: l_versions.
  stack = await startStack({ env: { MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.9.0/24', MADANG_GATEWAY_RATE_PERCENT: '10000', MADANG_CALL_BUDGET_MS: '60000', MADANG_SHARE_VERSIONS: '0' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

/** Somebody who keeps files and conversations, and shares them. */
async function somebody(name, subject) {
  const one = await sharer(stack, key, name, subject), { asks, gets } = one
  return {
    ...one,
    /** Once it was read, if it is an image. */
    async keeps(content = `words of ${randomUUID()}`, name = 'words.txt') {
      const { id } = await gets(201, 'POST', '/media', undefined, aForm(content, name))
      return until('it is read', async () => { const medium = await gets(200, 'GET', `/media/${id}`); return medium.state === 'ready' ? medium : null }, 60000)
    },
    says: (...files) => gets(201, 'POST', '/conversations', { name: 'a talk', data: talkOf(files) }),
    changes: (talk, ...files) => gets(200, 'PATCH', `/conversations/${talk.id}`, { data: talkOf(files) }),
    views: async link => (await asks('GET', `/conversations/${link.conversation}/share`)).json.data.links.find(({ id }) => id === link.id).views,
  }
}
const talkOf = files => ({ messages: files.map(({ url }) => ({ sender: 'ada', text: 'look', picture: `https://chat.example${url}` })) })
async function opens({ code }, { visit, password } = {}) {
  const answer = await request(stack, 'GET', `/api/v1/share/${code}`, { headers: { ...visit && { 'x-share-visit': visit }, ...password && { 'x-share-password': password } } })
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}
const pathOf = ({ code }, { id }, form) => `/s/${code}/media/${id}${form ? `?form=${form}` : ''}`
function reads(path, { visit, cookie, from, headers = {}, method = 'GET' } = {}) {
  return new Promise((resolve, reject) => {
    const given = { ...visit && { 'x-share-visit': visit }, ...cookie && { cookie: `__Secure-madang_share=${cookie}` }, ...from && { 'x-forwarded-for': from }, ...headers }
    https.request(stack.url + path, { method, ca: stack.ca, agent: false, headers: given, ...from && { localAddress: '127.0.9.1' } }, res => {
      const chunks = []
      res.on('data', chunk => chunks.push(chunk)).on('end', () => resolve({ status: res.statusCode, headers: res.headers, bytes: Buffer.concat(chunks) })).on('error', reject)
    }).on('error', reject).end()
  })
}
const codeOf = ({ status, bytes }) => [status, status < 400 ? undefined : JSON.parse(bytes).error.code]
async function isRefused(path, asked, status, code) { assert.deepEqual(codeOf(await reads(path, asked)), [status, code], path) }
async function isRead(path, asked) {
  const answer = await reads(path, asked)
  assert.equal(answer.status, 200, `${path} ${answer.bytes}`)
  return answer
}
/** What an answer is, but for what is another each time. */
function likeness({ status, headers, bytes }) {
  const same = Object.fromEntries(Object.entries(headers).filter(([name]) => !['x-request-id', 'date'].includes(name) && !name.startsWith('ratelimit')))
  return JSON.stringify([status, same, String(bytes).replaceAll(headers['x-request-id'], 'TRACE')])
}

test('who has opened a link reads the files that its conversation names, whole, in forms and by ranges, by header and by cookie; nobody else does, and it is no view', async () => {
  const ada = await somebody('ada'), [image, words] = [await ada.keeps(pngOf(900, 600), 'the harbour.png'), await ada.keeps('the tide is at six', 'tide.txt')]
  const link = await ada.shares(await ada.says(image, words)), { share_visit: visit, media } = await opens(link)
  assert.deepEqual(media.map(({ id, url, name, type, width, height }) => [id, url, name, type, width, height]),
    [[image.id, pathOf(link, image), 'the harbour.png', 'image/png', 900, 600], [words.id, pathOf(link, words), 'tide.txt', 'text/plain; charset=utf-8', undefined, undefined]])
  for (const asked of [{ visit }, { cookie: visit }]) {
    assert.equal(String((await isRead(pathOf(link, words), asked)).bytes), 'the tide is at six')
    assert.equal((await isRead(pathOf(link, image), asked)).bytes.length, image.size)
  }
  for (const form of ['small', 'medium', 'large']) assert.equal((await isRead(pathOf(link, image, form), { visit })).headers['content-type'], 'image/webp')
  const { headers } = await isRead(pathOf(link, words), { visit, method: 'HEAD' })
  assert.deepEqual([headers['content-disposition'].split(';')[0], headers['x-content-type-options'], headers['cache-control'], headers['cross-origin-resource-policy'], headers['referrer-policy'], headers['x-robots-tag']],
    ['attachment', 'nosniff', 'private, no-cache', 'same-origin', 'no-referrer', 'noindex'])
  assert.equal((await reads(pathOf(link, words), { visit, headers: { 'if-none-match': headers.etag } })).status, 304)
  const part = await reads(pathOf(link, words), { visit, headers: { range: 'bytes=4-7' } })
  assert.deepEqual([part.status, String(part.bytes)], [206, 'tide'])
  assert.equal(await ada.views(link), 1, 'none of them is a view')

  const others = await ada.shares(await ada.says()), { share_visit: elsewhere } = await opens(others)
  for (const asked of [{}, { visit: elsewhere }, { visit: `${visit.slice(0, -2)}AA` }, { cookie: 'x' }, { headers: { authorization: `Bearer ${ada.token}` } }])
    await isRefused(pathOf(link, words), asked, 403, 'forbidden')
  await isRefused(`/media/${words.id}/any`, { visit }, 401, 'unauthenticated')
  await isRefused(pathOf({ code: '1'.repeat(14) }, words), { visit }, 404, 'not_found')
  await isRefused(pathOf(others, words), { visit: elsewhere }, 404, 'not_found')
  await isRefused(pathOf(link, { id: randomUUID() }), { visit }, 404, 'not_found')
  await isRefused(pathOf(link, image, 'huge'), { visit }, 404, 'not_found')
  assert.equal(await ada.views(link), 1)
})

test("what a conversation names and is not its owner's is never shown, whoever else may read it", async () => {
  const ada = await Person.arrives(stack, key, 'ada'), eve = await somebody('eve', 'eve'), room = (await ada.makesRoom({ members: ['eve'] })).id
  const adas = await somebody('ada', 'ada'), theirs = await adas.keeps('for the room alone'), secret = await adas.keeps('for nobody')
  await ada.calls('message:send', { room, id: randomUUID(), body: 'look', attachments: [theirs.id] })
  await until('eve reads it', async () => (await eve.asks('GET', `/media/${theirs.id}`)).status === 200)
  const own = await eve.keeps(), talk = await eve.says(theirs, secret, own)
  for (const settings of [{}, { snapshot: true }]) {
    const link = await eve.shares(talk, settings), { share_visit: visit, media } = await opens(link)
    assert.deepEqual(media.map(({ id }) => id), [own.id])
    for (const file of [theirs, secret]) await isRefused(pathOf(link, file), { visit }, 404, 'not_found')
    await isRead(pathOf(link, own), { visit })
  }
  const open = await adas.asks('POST', '/conversations', { name: 'open', public: true, data: talkOf([secret]) })
  const copy = (await eve.asks('POST', `/conversations/${open.json.data.id}/duplicate`, {})).json.data, link = await eve.shares(copy)
  const { share_visit: visit, media } = await opens(link)
  assert.equal(media, undefined)
  await isRefused(pathOf(link, secret), { visit }, 404, 'not_found')
  ada.leaves()
})

test('without download images are looked at in their small forms, whole and in place, and nothing else is read; with it again all is, at once', async () => {
  const ada = await somebody('ada'), [image, words] = [await ada.keeps(pngOf(900, 600)), await ada.keeps()]
  const link = await ada.shares(await ada.says(image, words), { download: false }), { share_visit: visit, media, download } = await opens(link)
  assert.equal(download, false)
  assert.deepEqual(media.map(({ url }) => url), [pathOf(link, image, 'medium'), undefined])
  for (const form of ['small', 'medium']) {
    const { headers } = await isRead(pathOf(link, image, form), { visit })
    assert.deepEqual([headers['content-type'], headers['content-disposition'].split(';')[0], headers['accept-ranges']], ['image/webp', 'inline', 'none'])
    for (const range of ['bytes=0-', 'bytes=0-9', 'bytes=999999999-']) await isRefused(pathOf(link, image, form), { visit, headers: { range } }, 403, 'forbidden')
  }
  const whole = [pathOf(link, image), pathOf(link, image, 'large'), pathOf(link, words), pathOf(link, words, 'medium'), pathOf(link, image, 'huge')]
  for (const [i, path] of whole.entries()) {
    const refusal = i === 3 ? [404, 'not_found'] : [403, 'forbidden'] // a text has no forms
    for (const headers of [{}, { range: 'bytes=0-3' }]) await isRefused(path, { visit, headers }, ...refusal)
    assert.equal((await reads(path, { visit, method: 'HEAD' })).status, refusal[0])
  }
  await ada.edits(link, { download: true })
  for (const path of whole.slice(0, 3)) await isRead(path, { visit })
  await ada.edits(link, { download: false })
  for (const path of whole.slice(0, 3)) await isRefused(path, { visit }, 403, 'forbidden')
})

test('what ends a link ends the URLs of its files at once, in the words of a code that never was, but to who had it', async () => {
  const ada = await somebody('ada'), words = await ada.keeps(), talk = await ada.says(words), never = likeness(await reads(pathOf({ code: '1'.repeat(14) }, words)))
  for (const [what, end] of Object.entries({
    revoked: link => ada.revokes(link), reset: link => ada.resets(link), expired: link => ada.edits(link, { expires_at: Date.now() - 1 }),
    'in the trash': () => ada.asks('DELETE', `/conversations/${talk.id}`),
  })) for (const settings of [{}, { snapshot: true }]) {
    const link = await ada.shares(talk, settings), { share_visit: visit } = await opens(link), path = pathOf(link, words)
    await isRead(path, { visit })
    await end(link)
    assert.equal(likeness(await reads(path)), never, what)
    await isRefused(path, { visit }, 410, 'gone')
    if (what === 'in the trash') await ada.asks('POST', `/conversations/${talk.id}/undelete`, {})
  }
})

test('of a link that is used up who had the last view sees the files for as long as they may look again, and nobody else does', async () => {
  const ada = await somebody('ada'), words = await ada.keeps(), link = await ada.shares(await ada.says(words), { view_budget: 1 }), path = pathOf(link, words)
  await isRefused(path, {}, 403, 'forbidden')
  const { share_visit: visit } = await opens(link)
  for (let i = 0; i < 3; i++) await isRead(path, { visit })
  await isRefused(path, {}, 404, 'not_found')
  assert.equal(await ada.views(link), 1)
})

test('of a link with a password the files are read by who has said it, until it is another', async () => {
  const ada = await somebody('ada'), words = await ada.keeps(), link = await ada.shares(await ada.says(words)), path = pathOf(link, words)
  const { share_visit: before } = await opens(link)
  await isRead(path, { visit: before })
  await ada.edits(link, { password: 'six at the harbour' })
  for (const asked of [{}, { visit: before }, { visit: before, headers: { 'x-share-password': 'six at the harbour' } }]) await isRefused(path, asked, 403, 'forbidden')
  const { share_visit: visit } = await opens(link, { password: 'six at the harbour' })
  await isRead(path, { visit })
  await ada.edits(link, { password: 'seven at the harbour' })
  await isRefused(path, { visit }, 403, 'forbidden')
})

/** A statement of the service's that is not committed before `ends`, which then waits for that. */
async function holds(statement) {
  const mark = randomUUID()
  const done = stack.sql('share', `BEGIN; ${statement}; DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM uses_left WHERE what = '${mark}') LOOP PERFORM pg_sleep(0.05); END LOOP; END $$; COMMIT`)
  const held = (what, condition) => stack.sql('share', `SELECT count(${what}) FROM pg_stat_activity a JOIN pg_locks h ON h.pid = a.pid AND h.locktype = 'transactionid' AND h.granted LEFT JOIN pg_locks w ON NOT w.granted AND ${condition} WHERE a.query LIKE '%${mark}%' AND a.pid <> pg_backend_pid()`).then(Number)
  await until('it is under way', async () => await held('a', 'false') === 1)
  return {
    isWaitedFor: async () => await held('w', 'w.transactionid = h.transactionid') === 1,
    isNotAlone: async () => await held('w', 'w.transactionid IS DISTINCT FROM h.transactionid') > 0,
    async ends() {
      await stack.sql('share', `INSERT INTO uses_left VALUES ('${mark}', '', 0)`)
      await done
    },
  }
}

test('a right password that comes to nothing is no wrong one: what was taken for it is given back', async () => {
  const ada = await somebody('ada'), link = await ada.shares(await ada.says(), { password: 'six at the harbour' })
  const end = await holds(`UPDATE share_link SET expires_at = now() - interval '1 s' WHERE id = '${link.id}'`)
  const opening = reads(`/api/v1/share/${link.code}`, { from: '203.0.116.7', headers: { 'x-share-password': 'six at the harbour' } })
  const guesses = () => stack.sql('share', `SELECT who, failures FROM share_guess WHERE link = '${link.id}'`)
  await until('one is taken', async () => await guesses() === '203.0.116.0/24|1')
  await end.ends()
  assert.deepEqual(codeOf(await opening), [404, 'not_found'])
  assert.equal(await guesses(), '203.0.116.0/24|0')
})

test('a live link shows what the conversation names now, one that is not what it named then; a file that its owner deletes is gone from both', async () => {
  const ada = await somebody('ada'), [first, second] = [await ada.keeps(), await ada.keeps()], talk = await ada.says(first)
  const [live, then] = [await ada.shares(talk), await ada.shares(talk, { snapshot: true })], visits = [(await opens(live)).share_visit, (await opens(then)).share_visit]
  await ada.changes(talk, second)
  const shows = link => Promise.all([first, second].map(async file => (await reads(pathOf(link, file), { visit: visits[link === live ? 0 : 1] })).status))
  assert.deepEqual([await shows(live), await shows(then)], [[404, 200], [200, 404]])
  assert.deepEqual([(await opens(live, { visit: visits[0] })).media.map(({ id }) => id), (await opens(then, { visit: visits[1] })).media.map(({ id }) => id)], [[second.id], [first.id]])
  for (const { id } of [first, second]) assert.equal((await ada.asks('DELETE', `/media/${id}`)).status, 204)
  assert.deepEqual([await shows(live), await shows(then)], [[404, 404], [404, 404]])
})

test('an image that is not read yet is not shown, nor one that is refused', async () => {
  const ada = await somebody('ada'), image = await ada.keeps(pngOf(30, 20)), link = await ada.shares(await ada.says(image)), { share_visit: visit } = await opens(link)
  await stack.sql('share', `UPDATE media SET state = 'refused', fault = 'unprocessable_media' WHERE id = '${image.id}'`)
  await isRefused(pathOf(link, image), { visit }, 422, 'unprocessable_media')
  assert.equal((await opens(link, { visit })).media, undefined)
})

// --- what uses a file ---

const howMany = (condition, ...files) => stack.sql('share', `SELECT count(*) FROM media WHERE id IN (${files.map(({ id }) => `'${id}'`).join()}) AND ${condition}`).then(Number)
/** Their time has come, and they were looked at. */
async function areLookedAt(...files) {
  await stack.sql('share', `UPDATE media SET due_at = now() - interval '1 s' WHERE id IN (${files.map(({ id }) => `'${id}'`).join()})`)
  await until('none is due', async () => {
    if (await howMany('due_at <= now()', ...files) === 0) return true
    const { jobs: [job] } = await stack.rpc('share', 'job.list', { kind: 'media.collect', state: 'waiting' })
    if (job) await stack.rpc('share', 'job.retry', { job: job.id }).catch(error => assert.match(error.message, /it runs just now/))
  }, 60000)
}

test('a file stays for as long as a link lives that shows the conversation as it was, whoever is killed, and goes two looks after the last one has ended', { timeout: 180000 }, async () => {
  const ada = await somebody('ada'), before = await settledFiles(stack), ends = ['revoked', 'expired', 'used up', 'gone with its conversation'], files = []
  for (const end of [...ends, 'lives', 'is not shown']) files.push(Object.assign(await ada.keeps(), { end }))
  const talks = [], links = {}
  for (const file of files) {
    const talk = await ada.says(file)
    talks.push(talk)
    if (file.end !== 'is not shown') links[file.end] = [await ada.shares(talk, { snapshot: true, view_budget: 2 }), await ada.shares(talk, { snapshot: true })]
    await ada.changes(talk)
  }
  const there = async () => (await Promise.all(files.map(async file => (await ada.asks('GET', `/media/${file.id}`)).status === 200))).map((is, i) => is && files[i].end).filter(Boolean)
  await areLookedAt(...files)
  await stack.kill('share')
  await stack.ready()
  await stack.sql('share', "UPDATE job SET run_at = now() WHERE kind = 'media.collect'") // as when its lease has lapsed
  await areLookedAt(...files)
  await areLookedAt(...files)
  assert.deepEqual(await there(), [...ends, 'lives'])
  const { share_visit: visit } = await opens(links.lives[0])
  await isRead(pathOf(links.lives[0], files[4]), { visit })

  for (const end of ends) await ada.revokes(links[end].pop())
  await areLookedAt(...files)
  await areLookedAt(...files)
  assert.deepEqual(await there(), [...ends, 'lives'], 'another link shows each of them')
  await ada.revokes(links.revoked[0])
  await ada.edits(links.expired[0], { expires_at: Date.now() - 1 })
  for (let i = 0; i < 2; i++) await opens(links['used up'][0])
  await ada.asks('DELETE', `/conversations/${talks[3].id}?for_good=true`)
  await areLookedAt(...files)
  assert.deepEqual(await there(), [...ends, 'lives'], 'after the grace')
  await areLookedAt(...files)
  assert.deepEqual(await there(), ['used up', 'lives'], 'who had the last view may look again')
  await stack.sql('share', `UPDATE share_link SET last_view_at = now() - interval '2 hours' WHERE id = '${links['used up'][0].id}'`)
  await areLookedAt(...files)
  await areLookedAt(...files)
  assert.deepEqual(await there(), ['lives'])
  await isRead(pathOf(links.lives[0], files[4]), { visit })
  await until('their bytes are gone', () => filesOf(stack) === before + 1)
})

test('what a link shows and the files that it keeps are of one moment, whoever changes the conversation meanwhile', async () => {
  const ada = await somebody('ada'), words = await ada.keeps(), [talk, other] = [await ada.says(words), await ada.says()], key = randomUUID()
  // Another link with the same key, of which it is not known yet whether it comes: the one that is made has read the conversation, and waits.
  const rival = await holds(`INSERT INTO share_link (id, owner, conversation, code_hash, code, created_at, download, noindex, client_key, bytes) VALUES ('${key}', '${ada.subject}', '${other.id}', sha256('${key}'), '', now(), true, true, '${key}', 0); DELETE FROM share_link WHERE id = '${key}'`)
  const shares = ada.shares(talk, { snapshot: true, client_key: key })
  await until('this one waits for it', rival.isWaitedFor)
  let changed = false
  const changes = ada.changes(talk).then(() => { changed = true })
  await until('the change waits, or is done', async () => changed || await rival.isNotAlone())
  await rival.ends()
  await changes
  const { data, media } = await opens(await shares)
  assert.deepEqual([data, media?.map(({ id }) => id)], [talkOf([words]), [words.id]])
})

test('of files so many bytes are read by one address and of one owner, and they are asked for so many times; others read on, and the owner does', async () => {
  const ada = await somebody('ada'), bo = await somebody('bo'), [adas, bos] = await Promise.all([ada, bo].map(async who => {
    const words = await who.keeps('x'.repeat(1000)), link = await who.shares(await who.says(words)), { share_visit: visit } = await opens(link)
    return { words, path: pathOf(link, words), visit }
  }))
  const asks = ({ path, visit }, from, method) => reads(path, { visit, from, method }), rateOf = answer => JSON.parse(answer.bytes).error.details.rate
  const sets = async (rate, ...words) => {
    await stack.authctl('quota', 'set', rate, '25', ...words) // of which a hundred times as much holds here
    await until('it holds', async () => (await stack.authctl('quota', 'list')).limits.find(({ name }) => name === rate).changes.length === 1)
  }
  await sets('link_bytes', '--subject', ada.subject)
  await until('its time has come', async () => (await asks(adas)).status === 429)
  assert.equal(rateOf(await asks(adas)), 'link_bytes')
  assert.equal((await reads(adas.words.url, { headers: { authorization: `Bearer ${ada.token}` } })).status, 200, 'what others read does not count against her')
  assert.equal((await asks(bos)).status, 200)
  await sets('viewer_bytes', '--default')
  await until('its time has come', async () => (await asks(bos, '203.0.113.1')).status === 429)
  assert.equal(rateOf(await asks(bos, '203.0.113.1')), 'viewer_bytes')
  assert.equal((await asks(bos, '203.0.114.1')).status, 200)
  await stack.authctl('quota', 'unset', 'viewer_bytes', '--default')
  const { headers } = await asks(bos, '203.0.115.1', 'HEAD')
  assert.equal(headers['ratelimit-policy'], `"link_files";q=600000;w=60;pk=:${Buffer.from('address:203.0.115.1').toString('base64')}:`)
})

test('what a link shows, and which links show a file, is found by an index, however many others there are', async () => {
  const ada = await somebody('ada'), words = await ada.keeps(), link = await ada.shares(await ada.says(words), { snapshot: true }), other = await ada.shares(await ada.says(), { snapshot: true })
  await stack.sql('share', `BEGIN; INSERT INTO share_link_media (link, media) SELECT '${other.id}', gen_random_uuid() FROM generate_series(1, 3000); COMMIT; ANALYZE share_link_media`)
  assert.match(await stack.sql('share', `EXPLAIN SELECT FROM share_link_media WHERE media = '${words.id}'`), /share_link_media_media/)
  assert.match(await stack.sql('share', `EXPLAIN SELECT media FROM share_link_media WHERE link = '${link.id}'`), /share_link_media_pkey/)
  await ada.revokes(other)
  assert.equal(await stack.sql('share', `SELECT count(*) FROM share_link_media WHERE link = '${other.id}'`), '0')
})
