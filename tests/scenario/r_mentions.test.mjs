// r_mentions - who is mentioned in a message, by name or as everybody who is there, and who hears of it.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startStack } from '../lib/stack.mjs'
import { Person, request } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_AUTH_REGISTRATION: 'open' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const password = 'a lamp in the long grass'
let n = 0
/** A user who has registered, whom chat knows by now. */
async function registers(nickname) {
  const email = `somebody${n++}@example.org`, call = (path, body) => request(stack, 'POST', `/api/v1/auth/${path}`, { body })
  const { user } = (await call('register', { email, password, nickname })).json.data
  const { access_token } = (await call('login', { email, password })).json.data
  await until(`chat knows ${nickname}`, async () => await stack.sql('chat', `SELECT nickname FROM directory WHERE subject = '${user.id}'`) === nickname, 60000)
  return Object.assign(await new Person(stack, nickname, access_token).connects(), { id: user.id })
}
/** Somebody whom a back end names. */
const arrives = async name => Object.assign(await Person.arrives(stack, key, name), { id: name })
const arrive = (...names) => Promise.all(names.map(arrives))

const listed = async (person, room) => (await person.calls('room:list', { limit: 200 })).rooms.find(one => one.id === room)
/** The log is read a moment behind the acknowledgement. */
const isRead = (person, room) => until('the log is read', async () => {
  const { head } = await person.calls('message:list', { room, limit: 1 })
  return (await listed(person, room)).head === head
}, 60000)
async function mentionsOf(person, limit = 100) {
  const all = []
  for (let after; ;) {
    const page = await person.calls('mention:list', { limit, ...(after ? { after } : {}) })
    all.push(...page.mentions)
    assert.ok(all.length < 1000, 'a page comes again')
    if (!page.next) return all
    after = page.next
  }
}
const seqsOf = async (person, room) => (await mentionsOf(person)).filter(one => one.room === room).map(one => one.seq).reverse()

test('a nickname behind an @ mentions the member whose it is: the longest, with what Korean sets behind it, and nobody else', { timeout: 120000 }, async () => {
  const users = {}
  for (const nickname of ['김민', '김민수', 'Ann', 'Kim Min', 'Zoë']) users[nickname] = await registers(nickname)
  const stranger = await registers('annabelle'), [owner, bot, other] = await arrive('olaf', 'bot-7', '지민')
  const { id: room } = await owner.makesRoom({ open: false, members: [...Object.values(users).map(user => user.id), 'bot-7', '지민'] })
  const cases = [
    ['@김민수야 어디야', '김민수'], ['@김민아', '김민'], ['여기@김민수', '김민수'], ['@김민2', ''], ['@김민 수', '김민'],
    ['@ann', 'Ann'], ['@ANN!', 'Ann'], ['(@Ann)', 'Ann'], ['@Ann에게', 'Ann'], ['@annabelle', ''], ['@Anna', ''], ['@ann_', ''], ['@ann.', 'Ann'],
    ['@kim min and so on', 'Kim Min'], ['@kim', ''], ['@zoe\u0308', 'Zoë'], ['@ＡＮＮ', 'Ann'],
    ['@bot-7', 'bot-7'], ['@bot-77', ''], ['@BOT-7', ''], ['@지민씨', '지민'], ['@olaf', ''],
    ['@ann, @김민수 and @bot-7', 'Ann 김민수 bot-7'], ['@ann @ann', 'Ann'],
    ['`@ann`', ''], ['```\n@ann\n``` @bot-7', 'bot-7'], ['x@ann.org', ''], ['https://example.org/@ann', ''], ['@ nobody', ''], ['ann', ''],
    [`${Array.from({ length: 10 }, (_, i) => `@n${i} `).join('')}@ann`, ''], [`${Array.from({ length: 9 }, (_, i) => `@n${i} `).join('')}@ann`, 'Ann'],
    ['@channel @everyone', ''],
  ]
  const named = Object.fromEntries([...Object.keys(users), 'bot-7', '지민', 'annabelle'].map(name => [name, []]))
  for (const [text, names] of cases) {
    const { seq } = await owner.says(room, text)
    for (const name of Object.keys(named)) if (names.split(' ').includes(name) || names === name) named[name].push(seq)
  }
  await isRead(owner, room)
  const people = { ...users, 'bot-7': bot, 지민: other, annabelle: stranger }
  for (const [name, person] of Object.entries(people)) {
    const seqs = await seqsOf(person, room), texts = seqs.map(seq => cases[seq - 1][0])
    assert.deepEqual([name, texts], [name, named[name].map(seq => cases[seq - 1][0])])
    if (person !== stranger) assert.equal((await listed(person, room)).mentions, seqs.length)
  }
  assert.deepEqual(await seqsOf(owner, room), []) // nobody mentions themselves

  // Who comes in later was not mentioned; who is called so by then is, and by no former name.
  const late = await registers('late')
  await owner.says(room, '@late and @ann')
  await isRead(owner, room)
  await owner.calls('room:invite', { room, members: [late.id] })
  assert.deepEqual([await seqsOf(late, room), (await listed(late, room)).mentions], [[], 0])
  await request(stack, 'PATCH', '/api/v1/users/me', { body: { nickname: 'later' }, token: late.token })
  await until('chat knows', async () => await stack.sql('chat', `SELECT nickname FROM directory WHERE subject = '${late.id}'`) === 'later', 60000)
  const { seq } = await owner.says(room, '@later')
  await owner.says(room, '@late')
  await isRead(owner, room)
  assert.deepEqual(await seqsOf(late, room), [seq])
  for (const person of [...Object.values(people), owner, late]) person.leaves()
})

test('@room mentions everybody who is there, said by who may, once with a name; said by others it is a text', { timeout: 60000 }, async () => {
  const people = await arrive('uma', 'vera', 'will', 'xena'), [uma, vera, will, xena] = people
  const { id: room } = await uma.makesRoom({ open: false, members: ['vera', 'will'] })
  assert.deepEqual([(await uma.calls('room:get', { room })).can, (await vera.calls('room:get', { room })).can].map(can => can.includes('mention_all')), [true, false])
  await vera.says(room, '@room: not she')
  const first = await uma.says(room, '@room에 계신 분')
  const both = await uma.says(room, '@vera and the @ROOM')
  await uma.says(room, '@roommate')
  await isRead(uma, room)
  const seen = ({ seq, at }, all) => ({ room, seq, sender: 'uma', at, all })
  assert.deepEqual(await mentionsOf(vera), [seen(both, false), seen(first, true)])
  assert.deepEqual(await mentionsOf(will), [seen(both, true), seen(first, true)])
  assert.deepEqual(await mentionsOf(uma), [])
  assert.deepEqual([(await listed(vera, room)).mentions, (await listed(will, room)).mentions, (await listed(uma, room)).mentions], [2, 2, 0])

  await uma.calls('member:role', { room, member: 'vera', role: 'moderator' })
  await uma.calls('room:invite', { room, members: ['xena'] })
  const third = await vera.says(room, '@room again')
  await isRead(uma, room)
  assert.deepEqual([await seqsOf(uma, room), await seqsOf(will, room), await seqsOf(xena, room)], [[third.seq], [first.seq, both.seq, third.seq], [third.seq]])
  const direct = (await uma.calls('room:direct', { subject: 'vera' })).id // nobody has the right there
  await uma.says(direct, '@room and @vera')
  await uma.says(direct, '@room')
  await isRead(uma, direct)
  assert.deepEqual(await seqsOf(vera, direct), [1])
  people.forEach(person => person.leaves())
})

test('each socket of who is mentioned hears of it, in a room that it has joined too, and of an edit that takes it away', { timeout: 60000 }, async () => {
  const people = await arrive('adam', 'bess', 'bess', 'carl'), [adam, bess, phone, carl] = people
  const { id: room } = await adam.makesRoom({ open: false, members: ['bess', 'carl'] })
  await phone.joins(room)
  for (const person of [bess, phone, carl]) await until('the room is there', () => person.own.some(([event, one]) => event === 'room:added' && one.id === room), 30000)
  const hears = (person, mentions) => until(`${person.name} hears of ${mentions}`, () => person.own.some(([event, one]) => event === 'room:changed' && one.id === room && one.mentions === mentions), 30000)
  const { seq } = await adam.says(room, 'hello @bess')
  for (const device of [bess, phone]) await hears(device, 1)
  await adam.says(room, '@bess, once more')
  for (const device of [bess, phone]) await hears(device, 2)
  for (const device of [bess, phone]) device.own.length = 0
  await adam.calls('message:edit', { room, seq, id: randomUUID(), body: 'hello @carl' })
  for (const device of [bess, phone]) await hears(device, 1)
  await hears(carl, 1)
  await bess.calls('read:mark', { room, seq: 1 })
  const marked = await until('the phone hears what was read', () => phone.own.find(([event]) => event === 'read:changed')?.[1], 30000)
  assert.deepEqual(marked, { room, read: 1, unread: 1, mentions: 1 })
  assert.deepEqual(await bess.calls('read:mark', { room }), { room, read: 3, unread: 0, mentions: 0 })
  assert.equal((await listed(carl, room)).mentions, 1)
  await adam.calls('message:delete', { room, seq })
  await isRead(adam, room)
  assert.deepEqual([(await listed(carl, room)).mentions, await mentionsOf(carl)], [0, []])
  people.forEach(person => person.leaves())
})

test('what is edited and deleted in one moment mentions whom it mentions at last', { timeout: 60000 }, async () => {
  const people = await arrive('nell', 'otis', 'page'), [nell, otis, page] = people
  const { id: room } = await nell.makesRoom({ open: false, members: ['otis', 'page'] })
  const edited = [], kept = []
  for (let i = 0; i < 10; i++) { // nothing is waited for: most of them are read together with what is done to them
    const { seq } = await nell.says(room, '@otis')
    await nell.calls('message:edit', { room, seq, id: randomUUID(), body: i % 2 ? 'nobody' : '@page' })
    if (i % 3 === 0) await nell.calls('message:delete', { room, seq })
    else if (i % 2 === 0) edited.push(seq)
    kept.push((await nell.says(room, '@otis @page')).seq)
  }
  await isRead(nell, room)
  assert.deepEqual([await seqsOf(otis, room), await seqsOf(page, room)], [kept, [...edited, ...kept].sort((a, b) => a - b)])
  people.forEach(person => person.leaves())
})

test('whom one blocks mentions one nowhere, by no name, and sees nothing of it', { timeout: 60000 }, async () => {
  const people = await arrive('dora', 'emil', 'flor'), [dora, emil, flor] = people
  const { id: room } = await emil.makesRoom({ open: false, members: ['dora', 'flor'] })
  const before = await emil.says(room, '@dora @flor')
  await isRead(emil, room)
  assert.equal((await listed(dora, room)).mentions, 1)
  await dora.calls('friend:block', { subject: 'emil' })
  const from = dora.own.length
  const named = await emil.says(room, '@dora'), all = await emil.says(room, '@room')
  const hers = await dora.says(room, '@emil')
  await isRead(emil, room)
  assert.deepEqual([(await listed(dora, room)).mentions, await mentionsOf(dora)], [0, []])
  const told = await until('she hears of what was said', () => dora.own.slice(from).find(([event, one]) => event === 'room:changed' && one.id === room && one.head === hers.seq), 30000)
  assert.equal(told[1].mentions, 0)
  assert.deepEqual(await seqsOf(flor, room), [before.seq, all.seq])
  assert.deepEqual(await seqsOf(emil, room), [hers.seq]) // as without the block
  await dora.calls('friend:unblock', { subject: 'emil' })
  assert.deepEqual(await seqsOf(dora, room), [before.seq, named.seq, all.seq])
  people.forEach(person => person.leaves())
})

test('one\'s mentions come in pages, the newest first, of rooms and messages that one reads now', { timeout: 90000 }, async () => {
  const people = await arrive('gina', 'hugo'), [gina, hugo] = people
  const rooms = [], said = []
  for (const history of ['all', 'joining', 'all']) rooms.push((await gina.makesRoom({ open: false, members: ['hugo'], history })).id)
  for (let i = 0; i < 12; i++) said.push({ room: rooms[i % 3], ...await gina.says(rooms[i % 3], i % 4 === 3 ? `@room ${i}` : `@hugo ${i}`), all: i % 4 === 3 })
  for (const room of rooms) await isRead(gina, room)
  /** Those of one millisecond are in the order of their rooms. */
  const expected = said.map(({ room, seq, at, all }) => ({ room, seq, sender: 'gina', at, all }))
    .sort((a, b) => b.at - a.at || (a.room < b.room ? 1 : a.room > b.room ? -1 : b.seq - a.seq))
  for (const limit of [1, 3, 5, 12, 100]) assert.deepEqual(await mentionsOf(hugo, limit), expected)
  const { json } = await hugo.rest('GET', '/api/v1/mentions?limit=2')
  assert.deepEqual(json.data.mentions, expected.slice(0, 2))
  assert.deepEqual((await hugo.rest('GET', `/api/v1/mentions?limit=100&after=${json.data.next}`)).json.data, { mentions: expected.slice(2) })
  for (const after of ['x', '1', '0', `0.${rooms[0]}.1`, `1.${rooms[0]}`, `1.${rooms[0]}.x`, '1.x.1']) await hugo.isRefused('mention:list', { after }, 'invalid_argument')

  // Of a room that one is no member of nothing; and back in it, what one reads there.
  for (const room of rooms.slice(0, 2)) await hugo.calls('room:remove', { room })
  assert.deepEqual(await mentionsOf(hugo, 2), expected.filter(one => one.room === rooms[2]))
  for (const room of rooms.slice(0, 2)) await gina.calls('room:invite', { room, members: ['hugo'] })
  const back = expected.filter(one => one.room === rooms[2] || (one.room === rooms[0] && !one.all))
  assert.deepEqual(await mentionsOf(hugo, 2), back)
  assert.deepEqual([(await listed(hugo, rooms[0])).mentions, (await listed(hugo, rooms[1])).mentions], [0, 0])

  // An edit of what one may not read mentions nobody who may not.
  await gina.calls('message:edit', { room: rooms[1], seq: 1, id: randomUUID(), body: '@hugo of before' })
  await isRead(gina, rooms[1])
  assert.deepEqual(await mentionsOf(hugo, 2), back)
  // A page is full, whatever lies between.
  await gina.calls('room:delete', { room: rooms[2] })
  assert.deepEqual(await mentionsOf(hugo, 1), back.filter(one => one.room === rooms[0]))
  people.forEach(person => person.leaves())
})

test('more than a hundred unread mentions are a hundred, and each of them is in the list', { timeout: 60000 }, async () => {
  const people = await arrive('ines', 'jack'), [ines, jack] = people
  const { id: room } = await ines.makesRoom({ open: false, members: ['jack'] })
  const MANY = 130
  await Promise.all(Array.from({ length: MANY }, (_, i) => ines.says(room, i % 2 ? '@jack' : '@room')))
  await isRead(ines, room)
  assert.equal((await listed(jack, room)).mentions, 100)
  assert.deepEqual(await seqsOf(jack, room), Array.from({ length: MANY }, (_, i) => i + 1))
  assert.equal((await jack.calls('read:mark', { room, seq: MANY - 7 })).mentions, 7)
  people.forEach(person => person.leaves())
})

test('of messages that are full of names, among many users, all is read', { timeout: 120000 }, async () => {
  const people = await arrive('kara', 'liam'), [kara, liam] = people, MESSAGES = 250
  await stack.sql('chat', "INSERT INTO directory (subject, state, nickname, generation) SELECT gen_random_uuid(), 'active', 'user ' || n, 0 FROM generate_series(1, 20000) n")
  const { id: room } = await kara.makesRoom({ open: false, members: ['liam'] })
  const text = Array.from({ length: 10 }, (_, i) => `@${String.fromCodePoint(...Array.from({ length: 32 }, (_, k) => 0xac00 + 100 * i + k))}`).join('')
  await Promise.all(Array.from({ length: MESSAGES }, () => kara.says(room, text)))
  const { seq } = await kara.says(room, '@liam')
  await isRead(kara, room)
  assert.deepEqual([await seqsOf(liam, room), (await listed(liam, room)).unread], [[seq], MESSAGES + 1])
  people.forEach(person => person.leaves())
})
