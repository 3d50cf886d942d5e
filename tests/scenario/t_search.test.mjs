// t_search - messages of one's rooms are found by what they say: in Korean as in English, from one syllable on, and nobody finds what
// they may not read.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { startStack } from '../lib/stack.mjs'
import { Person } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_STORE_SEARCH_PERCENT: '100' } }) // what others wait for is not what is tried here
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name)))
const bodies = page => page.found.map(({ message }) => message.body)

/** A page over Socket.IO, which is the same over REST; only how far the index has come differs from moment to moment. */
async function finds(person, q, query = {}) {
  const { indexed_until, meta, ...page } = await person.calls('message:search', { q, ...query })
  const rest = await person.rest('GET', `/api/v1/search?${new URLSearchParams({ q, ...query })}`)
  assert.equal(rest.status, 200, rest.text)
  const { indexed_until: again, ...data } = rest.json.data
  assert.deepEqual([data, rest.json.meta], [page, meta])
  return { ...page, meta, indexed_until: Math.min(indexed_until ?? 0, again ?? 0) }
}

/** All pages, one behind the other. */
async function findsAll(person, q, query = {}) {
  const found = []
  for (let after; ;) {
    const page = await person.calls('message:search', { q, ...query, ...(after && { after }) })
    found.push(...page.found)
    assert.equal(page.searched_until === undefined, page.meta.next === undefined)
    if (!page.meta.next) return found
    assert.notEqual(page.meta.next, after)
    after = page.meta.next
  }
}

/** What was acknowledged up to this moment can be found. */
const isIndexed = (person, at) => until('the index has it', async () =>
  (await person.calls('message:search', { q: 'x', limit: 1 })).indexed_until >= at, 60000)

/** A room of olga's with max, who are in no other. */
let n = 0
async function aRoom() {
  const names = [`olga ${++n}`, `max ${n}`]
  const [olga, max] = await arrive(...names)
  const { id: room } = await olga.makesRoom({ open: false, members: [max.name] })
  return { olga, max, room, leave: () => [olga, max].forEach(person => person.leaves()) }
}

/** The pieces of a message's text that are marked. */
const marked = ({ message, marks }) => marks.map(({ at, length }) => [...message.body].slice(at, at + length).join(''))

test('what was said is found by its syllables, letters and emoji, and the page shows where', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  const texts = ['검색팀을 만나러 갑니다', 'Searching is WORK, cafe\u0301 at 3', '웃자 😀👍🏽 ok', 'ＡＢＣ straße ΣΊΣΥΦΟΣ', '日本語の検索', 'ทดสอบการค้นหา', 'a-b c++ <b>bold</b> "q"', '한글'.normalize('NFD') + '도 찾는다']
  let last
  for (const text of texts) last = await max.says(room, text)
  await isIndexed(olga, last.at)
  const found = async (q, ...which) => {
    const page = await finds(olga, q, { room })
    assert.deepEqual(bodies(page).sort(), which.map(i => texts[i]).sort(), `what ${q} finds`)
    return page.found.flatMap(marked)
  }

  assert.deepEqual(await found('검색팀', 0), ['검색팀'])
  assert.deepEqual(await found('색팀', 0), ['색팀'])
  assert.deepEqual(await found('팀', 0), ['팀'])
  assert.deepEqual(await found('을', 0), ['을'])
  assert.deepEqual(await found('만나', 0), ['만나'])
  assert.deepEqual(await found('갑니다 검색', 0), ['검색', '갑니다'])
  assert.deepEqual(await found('갑니다 ABC'), [])
  assert.deepEqual(await found('search', 1), ['Search'])
  assert.deepEqual(await found('ARCH', 1), ['arch'])
  assert.deepEqual(await found('work,', 1), ['WORK,'])
  assert.deepEqual(await found('café', 1), ['cafe\u0301'])
  assert.deepEqual(await found('cafe\u0301', 1), ['cafe\u0301'])
  assert.deepEqual(await found('3', 1), ['3'])
  assert.deepEqual(await found('k'), [])                      // a letter alone is looked for where words begin
  assert.deepEqual(await found('o', 2), ['o'])
  assert.deepEqual(await found('😀', 2), ['😀'])
  assert.deepEqual(await found('👍', 2), ['👍'])
  assert.deepEqual(await found('웃자 ok', 2), ['웃자', 'ok'])
  assert.deepEqual(await found('STRASSE', 3), ['straße'])
  assert.deepEqual(await found('σίσυφος', 3), ['ΣΊΣΥΦΟΣ'])
  assert.deepEqual(await found('検索', 4), ['検索'])
  assert.deepEqual(await found('語', 4), ['語'])
  assert.deepEqual(await found('ค้น', 5), ['ค้น'])
  assert.deepEqual(await found('c++', 6), ['c++'])
  assert.deepEqual(await found('<b>', 6), ['<b>'])
  assert.deepEqual(await found('한글', 7), ['한글'.normalize('NFD')])
  assert.deepEqual(await found('글', 7), ['글'.normalize('NFD')])
  assert.deepEqual(await found('없는말'), [])

  const { found: [hit] } = await finds(olga, '검색팀', { room })
  assert.deepEqual(hit.message, await olga.calls('message:get', { room, seq: 1 }))
  for (const [q, query] of [[' ', {}], ['\u200b', {}], ['x', { kind: 'all' }], ['x', { after: 'nowhere' }], ['x', { limit: 51 }], [Array(17).fill('x').join(' '), {}], ['x'.repeat(201), {}]])
    await olga.isRefused('message:search', { q, ...query }, 'invalid_argument')
  leave()
})

test('what was edited is found by what it says now, and what was deleted is not found and leaves the index', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  const [edited, deleted, kept] = [await max.says(room, '처음에는 여름'), await max.says(room, '지워질 여름'), await max.says(room, '남는 여름')]
  await isIndexed(olga, kept.at)
  assert.equal((await finds(olga, '여름', { room })).found.length, 3)
  const edit = await max.calls('message:edit', { room, seq: edited.seq, id: randomUUID(), body: '이제는 겨울' })
  const gone = await max.calls('message:delete', { room, seq: deleted.seq, id: randomUUID() })
  assert.deepEqual(bodies(await finds(olga, '여름', { room })), ['남는 여름'])   // whatever the index says by now
  await isIndexed(olga, Math.max(edit.at, gone.at))
  assert.deepEqual(bodies(await finds(olga, '여름', { room })), ['남는 여름'])
  assert.deepEqual(bodies(await finds(olga, '겨울', { room })), ['이제는 겨울'])
  await olga.calls('message:hide', { room, seq: edited.seq })
  assert.deepEqual([bodies(await finds(olga, '겨울', { room })), bodies(await finds(max, '겨울', { room }))], [[], ['이제는 겨울']])
  assert.equal(await stack.sql('store', `SELECT string_agg(seq::text, ',' ORDER BY seq) FROM search_entry WHERE room_id = '${room}'`), `${edited.seq},${kept.seq}`)
  leave()
})

test('a search is narrowed by room, sender, time and kind', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  const { id: other } = await olga.makesRoom({ members: [max.name] })
  const [first, second, third] = [await max.says(room, '바다 하나'), await olga.says(room, '바다 둘 https://sea.example'), await max.says(other, '바다 셋')]
  const reply = await max.calls('message:send', { room, id: randomUUID(), body: '바다 답', thread: first.seq })
  await isIndexed(olga, Math.max(third.at, reply.at))
  const found = async query => bodies(await finds(olga, '바다', query)).map(body => body.split(' ')[1]).sort().join(' ')
  assert.equal(await found({}), '답 둘 셋 하나')
  assert.equal(await found({ room }), '답 둘 하나')
  assert.equal(await found({ room: other }), '셋')
  assert.equal(await found({ sender: olga.name }), '둘')
  assert.equal(await found({ sender: max.name, room }), '답 하나')
  assert.equal(await found({ sender: 'nobody' }), '')
  assert.equal(await found({ kind: 'link' }), '둘')
  assert.equal(await found({ kind: 'reply' }), '답')
  assert.equal(await found({ kind: 'media' }), '')
  assert.equal(await found({ to: first.at }), '')
  assert.equal(await found({ from: reply.at + 1 }), '')
  assert.ok((await found({ from: first.at, to: first.at + 1 })).includes('하나'))
  leave()
})

test('only rooms that one may read now are looked through', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  const [eve] = await arrive('eve')
  const { at } = await olga.says(room, '비밀 이야기')
  await isIndexed(olga, at)
  assert.equal((await finds(max, '비밀 이야기')).found.length, 1)
  assert.equal((await finds(eve, '비밀 이야기')).found.length, 0)
  await eve.isRefused('message:search', { q: '비밀', room }, 'forbidden')
  await eve.isRefused('message:search', { q: '비밀', room: randomUUID() }, 'not_found')
  await olga.calls('room:remove', { room, member: max.name })
  assert.equal((await finds(max, '비밀 이야기')).found.length, 0)
  await max.isRefused('message:search', { q: '비밀', room }, 'forbidden')
  await olga.calls('room:invite', { room, members: [max.name] })
  assert.equal((await finds(max, '비밀 이야기')).found.length, 1)
  await olga.calls('room:remove', { room })
  assert.equal((await finds(olga, '비밀 이야기')).found.length, 0)
  eve.leaves()
  leave()
})

test('who came late finds nothing of before where the room says so, by the room and among all', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  const { id: open } = await olga.makesRoom({ members: [max.name] })
  await olga.calls('room:update', { room, history: 'joining' })
  for (const id of [room, open]) await olga.says(id, '눈이 온다')
  const [late] = await arrive(`late ${room}`)
  for (const id of [room, open]) await olga.calls('room:invite', { room: id, members: [late.name] })
  const old = await olga.says(room, '눈이 그쳤다')
  await isIndexed(olga, old.at)
  const found = async (person, query) => bodies(await finds(person, '눈이', query)).sort()
  assert.deepEqual(await found(late, { room }), ['눈이 그쳤다'])
  assert.deepEqual(await found(late, { room: open }), ['눈이 온다'])
  assert.deepEqual(await found(late, {}), ['눈이 그쳤다', '눈이 온다'])
  assert.deepEqual(await found(max, {}), ['눈이 그쳤다', '눈이 온다', '눈이 온다'])
  await olga.calls('room:update', { room, history: 'all' })
  await until('the store has heard that they read all', async () => (await late.calls('message:search', { q: '눈이', room })).found.length === 2)
  assert.deepEqual(await found(late, { room }), ['눈이 그쳤다', '눈이 온다'])
  late.leaves()
  leave()
})

/* --- what is found, against all that there is --- */

const POOL = ['가나', '다라마', '바', '사아자차', 'Apple', 'pie', 'o', 'naïve', 'ÜBER', '日本', '語', '😀', '👍🏽', 'c++', '3.14', '나'.normalize('NFD'), 'can\u00adcel', '가나다']
const pick = list => list[randomInt(list.length)]
const randomText = () => Array.from({ length: 1 + randomInt(6) }, () => pick(POOL)).join(pick(['', ' ', ' ', '\n', ', ']))
const fold = text => text.normalize('NFD').toLowerCase().replace('ß', 'ss').normalize('NFC').replace(/\p{Default_Ignorable_Code_Point}/gu, '')
const inWord = c => /[\p{L}\p{N}\p{M}]/u.test(c) && !/[\p{sc=Hangul}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u.test(c)

/** The rule, said once more and otherwise. */
function says(text, q) {
  const characters = [...fold(text)]
  return fold(q).split(/\s+/).filter(Boolean).every(word => [...word].length > 1 ? fold(text).includes(word)
    : characters.some((c, i) => c === word && !(i > 0 && inWord(c) && inWord(characters[i - 1]))))
}

test('all pages together have what looking at every message has, each once, newest first; through deaths of the store', { timeout: 300000 }, async () => {
  const { olga, max, room: first, leave } = await aRoom()
  const rooms = [first]
  for (let i = 0; i < 5; i++) rooms.push((await olga.makesRoom({ members: [max.name] })).id)
  const log = new Map() // "room seq" -> what it says, from whom and when
  const one = async (person, room, body) => {
    const { seq, at } = await person.says(room, body)
    log.set(`${room} ${seq}`, { room, seq, at, body, sender: person.name })
  }
  const change = async room => {
    const some = pick([...log.values()].filter(message => message.room === room))
    const person = some.sender === olga.name ? olga : max
    if (randomInt(2)) {
      const body = randomText()
      await person.calls('message:edit', { room, seq: some.seq, id: randomUUID(), body })
      some.body = body
    } else {
      log.delete(`${room} ${some.seq}`)
      await person.calls('message:delete', { room, seq: some.seq, id: randomUUID() })
    }
  }
  // Spans of time count as full, so that they are closed and cut; as whoever writes them, with the right to.
  let added = 0
  const fill = async () => {
    added += 140000 * Number(await stack.sql('store', `WITH writer AS MATERIALIZED (SELECT 1 FROM search_writer FOR UPDATE),
      filled AS (UPDATE search_segment SET n = n + 140000 FROM writer RETURNING 1) SELECT count(*) FROM filled`))
  }
  const dying = async () => { for (let i = 0; i < 3; i++) { await stack.kill('store'); await stack.ready() } }
  for (let round = 0; round < 4; round++) {
    await Promise.all(Array.from({ length: 700 }, () => one(pick([olga, max]), pick(rooms), randomText())))
    if (round > 0) await fill()
    if (round === 1) await dying() // while what was said is on its way into the index
    for (const room of rooms) for (let i = 0; i < 4; i++) await change(room)
  }
  await isIndexed(olga, Math.max(...[...log.values()].map(({ at }) => at), Date.now() - 1000))
  await until('the index has all', async () => await stack.metric('store', 'madang_store_feed_rooms', 'feed="search"') === 0)

  const words = [...POOL, '나', '라', 'pp', 'P', 'e', 'ap', '4', '.', '+', ' 가 나 ', 'apple 😀', '나다 o', 'ü', 'über', '日', '👍', 'cancel', '가나 語', '없']
  for (const q of words) {
    const expected = [...log.values()].filter(({ body }) => says(body, q))
    const found = (await findsAll(olga, q, { limit: 1 + randomInt(50) })).map(({ message: { room, seq, at, body, sender } }) => ({ room, seq, at, body, sender }))
    const order = found.map(({ at }) => at)
    assert.deepEqual(order, [...order].sort((a, b) => b - a), `the order of what ${q} finds`)
    const sorted = list => list.map(message => JSON.stringify([message.room, message.seq, message.at, message.body, message.sender])).sort()
    assert.deepEqual(sorted(found), sorted(expected), `what ${q} finds`)
  }
  const ofMax = await findsAll(olga, '가나', { sender: max.name, room: rooms[0] })
  assert.deepEqual(ofMax.map(({ message }) => message.seq).sort((a, b) => a - b),
    [...log.values()].filter(({ body, sender, room }) => says(body, '가나') && sender === max.name && room === rooms[0]).map(({ seq }) => seq).sort((a, b) => a - b))
  assert.equal(await stack.sql('store', `SELECT count(*) FROM search_entry WHERE room_id = ANY ('{${rooms}}')`), String(log.size))
  await until('what was cut off has moved', async () => {
    await olga.says(rooms[0], '.')
    return await stack.sql('store', 'SELECT count(*) FROM search_segment WHERE was IS NOT NULL OR (n >= 131072 AND last_at > from_at)') === '0'
  }, 120000)
  assert.ok(Number(await stack.sql('store', 'SELECT count(*) FROM search_segment')) > 4)
  assert.equal(await stack.sql('store', `SELECT count(*) FROM search_entry e LEFT JOIN LATERAL
    (SELECT id FROM search_segment s WHERE s.from_at <= e.at ORDER BY s.from_at DESC LIMIT 1) s ON true WHERE s.id IS DISTINCT FROM e.segment`), '0')
  assert.equal(await stack.sql('store', `SELECT sum(n) - (SELECT count(*) FROM search_entry) FROM search_segment`), String(added))
  leave()
})

test('what is said to be in the index is there, also while a room has more than a batch and is written to', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  for (let round = 0; round < 8; round++) {
    const said = await Promise.all(Array.from({ length: 700 }, (_, i) => (i % 2 ? olga : max).says(room, i < 690 ? '뱀장어' : `꼬리${round}`)))
    const tail = said.slice(690).map(({ at }) => at)
    for (let n = 0; n < 10;) {
      await olga.says(room, '뱀장어')
      const { found, indexed_until } = await max.calls('message:search', { q: `꼬리${round}` })
      n = tail.filter(at => at <= indexed_until).length
      assert.ok(found.length >= n, `${found.length} of ${n}`)
    }
  }
  leave()
})

test('keys go into the index in bulk: a message costs some kilobytes of WAL, and not one for each key', { timeout: 120000 }, async () => {
  const { olga, max, room, leave } = await aRoom()
  const written = async () => Number(await stack.sql('store', `SELECT pg_current_wal_insert_lsn() - '0/0'`))
  const began = await written()
  const said = await Promise.all(Array.from({ length: 3000 }, (_, i) => (i % 2 ? olga : max).says(room, `${randomBytes(20).toString('hex')} 회의 검색`)))
  await isIndexed(olga, Math.max(...said.map(({ at }) => at)))
  const each = (await written() - began) / said.length
  assert.ok(each < 8000, `${Math.round(each)} bytes a message`)
  leave()
})

test('what writes the index rests for the messages that come meanwhile', { timeout: 240000 }, async () => {
  const resting = await startStack({ env: { MADANG_STORE_SEARCH_PERCENT: '1' } })
  try {
    const ada = await Person.arrives(resting, await resting.issueKey(), 'ada')
    const { id: room } = await ada.makesRoom()
    const times = []
    for (const word of ['ant', 'bee', 'cat', 'dog']) { // each is a batch or two; a rest is a hundred times as long
      await Promise.all(Array.from({ length: 50 }, () => ada.says(room, `${word} ${randomBytes(120).toString('base64')}`)))
      await until('all of them are found', async () => (await ada.calls('message:search', { q: word })).found.length === 50, 120000)
      times.push(performance.now())
    }
    const [first, , , last] = times
    assert.ok(last - first > 1500, `three batches in ${Math.round(last - first)} ms`)
    ada.leaves()
  } finally { await resting.stop() }
})
