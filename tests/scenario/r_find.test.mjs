// r_find - listed rooms: who finds them, by what of their names, and what it costs.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '1000' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name)))
const leave = (...people) => people.forEach(person => person.leaves())
const aRoom = (owner, name, more = {}) => owner.makesRoom({ name, open: true, listed: true, ...more }).then(({ id }) => id)
const finds = async (person, q, more = {}) => (await person.calls('room:find', { q, ...more })).rooms.map(({ name }) => name)
/** All pages, of so many rooms each. */
async function findsAll(person, q, limit) {
  const names = []
  for (let after; ;) {
    const page = await person.calls('room:find', { q, limit, ...(after ? { after } : {}) })
    assert.ok(page.rooms.length <= limit)
    names.push(...page.rooms.map(({ name }) => name))
    if (!(after = page.next)) return names
  }
}

test('a listed room is found by any piece of its name, in capitals or not and in any form', { timeout: 60000 }, async () => {
  const [ada, bo] = await arrive('ada', 'bo')
  const room = await aRoom(ada, '서울 개발자 모임', { topic: 'of old' })
  await aRoom(ada, 'Café  ÉCOLE')
  await aRoom(ada, 'Straße 7')
  for (const [q, name] of [['모', '서울 개발자 모임'], ['발자 모', '서울 개발자 모임'], ['서울 개발자 모임', '서울 개발자 모임'], ['개발'.normalize('NFD'), '서울 개발자 모임'],
    ['CAFÉ éc', 'Café  ÉCOLE'], ['cafe\u0301', 'Café  ÉCOLE'], ['école', 'Café  ÉCOLE'], ['STRASSE', 'Straße 7'], ['straße', 'Straße 7'], ['７', 'Straße 7'], ['  école ', 'Café  ÉCOLE']])
    assert.deepEqual(await finds(bo, q), [name], q)
  for (const q of ['모서', '%', '_', 'café x', 'a'.repeat(80), '\u{10FFFF}']) assert.deepEqual(await finds(bo, q), [], q)
  const [found] = (await bo.calls('room:find', { q: '개발자' })).rooms
  assert.deepEqual(found, { room, name: '서울 개발자 모임', topic: 'of old', members: 1, open: true })
  // Over REST the same, and of who is in it what they may.
  await bo.calls('room:join', { room })
  const { status, json } = await request(stack, 'GET', `/api/v1/rooms/find?q=${encodeURIComponent('개발자')}`, { token: bo.token })
  assert.equal(status, 200, JSON.stringify(json))
  assert.deepEqual([status, json.data.rooms], [200, [{ ...found, members: 2, can: ['read', 'leave', 'write'] }]])
  for (const [fields, why] of [[{ q: 'a'.repeat(81) }, 'q'], [{ limit: 51 }, 'limit'], [{ limit: 0 }, 'limit'], [{ after: 'no page' }, 'after'], [{ after: '.room' }, 'after']])
    assert.match((await bo.isRefused('room:find', fields, 'invalid_argument')).message, new RegExp(why))
  leave(ada, bo)
})

test('only a listed room is found, and not by who is banned; and what is changed of it holds at once', { timeout: 60000 }, async () => {
  const people = await arrive('cy', 'dee', 'eve'), [cy, dee, eve] = people
  const hidden = await aRoom(cy, 'owls by day', { listed: false }), asks = await aRoom(cy, 'owls at dusk', { open: false, knocks: true })
  const closed = await aRoom(cy, 'owls at night', { open: false })
  assert.deepEqual(await finds(dee, 'owls'), ['owls at dusk', 'owls at night'])
  assert.deepEqual((await dee.calls('room:find', { q: 'owls' })).rooms.map(({ open, can }) => [open, can]), [[false, ['knock']], [false, undefined]])
  assert.equal((await dee.calls('room:show', { room: closed })).name, 'owls at night')
  await dee.isRefused('room:get', { room: closed }, 'forbidden')

  await cy.calls('room:update', { room: hidden, listed: 'yes' })
  assert.deepEqual(await finds(dee, 'owls'), ['owls at dusk', 'owls at night', 'owls by day'])
  await cy.calls('room:update', { room: closed, name: 'ravens' })
  assert.deepEqual([await finds(dee, 'owls'), await finds(dee, 'raven')], [['owls at dusk', 'owls by day'], ['ravens']])
  assert.equal((await cy.calls('room:get', { room: closed })).listed, true)
  await cy.calls('room:archive', { room: asks })
  assert.deepEqual(await finds(dee, 'owls'), ['owls by day'])
  await cy.calls('room:archive', { room: asks, archived: false })
  assert.deepEqual(await finds(dee, 'owls'), ['owls at dusk', 'owls by day'])
  await cy.calls('member:ban', { room: asks, member: 'eve' })
  assert.deepEqual([await finds(eve, 'owls'), await finds(dee, 'owls')], [['owls by day'], ['owls at dusk', 'owls by day']])
  await cy.calls('room:delete', { room: asks })
  await cy.calls('room:update', { room: hidden, listed: 'no' })
  assert.deepEqual(await finds(dee, 'owls'), [])
  assert.equal(await stack.sql('chat', `SELECT count(*) FROM listed_name WHERE room_id IN ('${hidden}', '${asks}')`), '0')
  await cy.isRefused('room:update', { room: hidden, listed: 'perhaps' }, 'invalid_argument')
  await dee.isRefused('room:update', { room: hidden, listed: 'yes' }, 'forbidden')
  leave(...people)
})

test('pages have each room once, in the order of what was found; without a word all of them', { timeout: 60000 }, async () => {
  const [fay, gus] = await arrive('fay', 'gus')
  const names = ['zebra zoo', 'zoo', 'a zoo', 'zoo', 'zo', 'ZOOM', 'zoozoo', 'no pets']
  for (const name of names) await aRoom(fay, name)
  await aRoom(fay, '')
  const expected = ['zo', 'zoo', 'zoo', 'a zoo', 'zebra zoo', 'zoozoo', 'ZOOM']
  for (const limit of [1, 2, 50]) {
    const found = await findsAll(gus, 'zo', limit)
    assert.deepEqual([...found].sort(), [...expected].sort(), `pages of ${limit}`)
    assert.deepEqual([found[0], found.at(-1)], ['zo', 'ZOOM'])
  }
  const whole = await findsAll(gus, undefined, 2)
  assert.deepEqual(whole.filter(name => [...names, ''].includes(name)), ['', 'a zoo', 'no pets', 'zebra zoo', 'zo', 'zoo', 'zoo', 'ZOOM', 'zoozoo'])
  // A page goes on behind a room that is gone meanwhile.
  const first = await gus.calls('room:find', { q: 'no pets', limit: 1 })
  await fay.calls('room:delete', { room: first.rooms[0].room })
  assert.deepEqual(await gus.calls('room:find', { q: 'no pets', limit: 1, after: first.next }), { rooms: [] })
  leave(fay, gus)
})

test('of fifty thousand listed rooms a page costs what it shows', { timeout: 120000 }, async () => {
  const [hal] = await arrive('hal')
  await stack.sql('chat', `INSERT INTO room (id, name, open, created_by, created_at, listed)
    SELECT gen_random_uuid(), 'room ' || n, false, 'many', now(), true FROM generate_series(1, 50000) AS n; ANALYZE listed_name; ANALYZE room`)
  const read = async () => Number(await stack.sql('chat', "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'listed_name'"))
  const scans = async () => Number(await stack.sql('chat', "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'listed_name'"))
  const looked = async () => Number(await stack.sql('chat', "SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE relname = 'listed_name' AND indexrelname IN ('listed_name_key', 'listed_name_whole')"))
  const before = { read: await read(), scans: await scans(), looked: await looked() }
  assert.deepEqual(await finds(hal, 'oom 49999'), ['room 49999'])
  for (let i = 0; i < 20; i++) assert.equal((await finds(hal, i % 2 ? 'room' : undefined)).length, 50)
  await until('what was read is counted', async () => await looked() >= before.looked + 21, 30000)
  assert.equal(await scans(), before.scans)
  const each = (await read() - before.read) / 21
  assert.ok(each > 0 && each < 500, `${each} keys for a page`)
  leave(hal)
})
