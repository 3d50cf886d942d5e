// r_who_reads - what of a room's log is read by whom: each cell of the HISTORY rows of proto/rooms.def, by each way of reading.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Person, request } from '../lib/people.mjs'
import { bin, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const { histories } = JSON.parse(execFileSync(join(bin, 'protodoc'), ['contract'], { encoding: 'utf8' }))

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_AUTH_REGISTRATION: 'open', MADANG_GATEWAY_RATE_PERCENT: '1000' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name, { reconnection: false })))
const entriesOf = (person, room) => person.events.filter(([event, entry]) => ['message', 'entry'].includes(event) && entry.room === room).map(([, entry]) => entry)

async function keeps(person) {
  const raw = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n${randomUUID()}\r\n--b--\r\n`
  const answer = await request(stack, 'POST', '/api/v1/media', { token: person.token, raw: Buffer.from(raw), headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data
}

/** Something of each kind, in the thread of the first message as well; `said` has its words, and the seqs by name. */
async function livesOn(olga, room, period, all) {
  const said = { words: [], media: await keeps(olga) }, word = what => { said.words.push(`${what} ${period} ${randomUUID()}`); return said.words.at(-1) }
  const send = async more => (await olga.calls('message:send', { room, id: randomUUID(), ...more })).seq
  said.seq = await send({ body: word('a message'), attachments: [said.media.id] })
  said.reply = await send({ body: word('a reply'), thread: all.early?.seq ?? said.seq })
  await olga.calls('message:edit', { room, seq: said.reply, id: randomUUID(), body: word('an edit') })
  await olga.calls('pin:add', { room, seq: said.seq })
  await olga.calls('reaction:add', { room, seq: said.seq, emoji: word('R').slice(0, 32) })
  said.words[said.words.length - 1] = said.words.at(-1).slice(0, 32)
  all[period] = said
}

/** What is done to a message belongs to its time, whenever it is done. */
async function touchesEarly(olga, room, { early }) {
  const body = `a late edit early ${randomUUID()}`
  await olga.calls('message:edit', { room, seq: early.seq, id: randomUUID(), body, attachments: [early.media.id] })
  early.words.push(body)
}

/** Each way of reading: what it answers, or `forbidden` if nothing. */
const answerOf = async (person, event, args) => { const answer = await person.emits(event, args); return answer?.error ? answer.error.code : answer }
const oneByOne = async (all, read) => { const answers = []; for (const said of Object.values(all)) answers.push(await read(said)); return answers }
const pagesOf = (person, room, query) => answerOf(person, 'message:list', { room, limit: 200, ...query })
const ways = {
  'history from the first on': (person, room) => pagesOf(person, room, { after: 0 }),
  'history from the last back': (person, room) => pagesOf(person, room, {}),
  'history around a message': (person, room, all) => oneByOne(all, said => pagesOf(person, room, { around: said.seq })),
  'history from a time on': (person, room) => pagesOf(person, room, { from: 1 }),
  'history over REST': async (person, room) => { const answer = await person.rest('GET', `/api/v1/rooms/${room}/messages?limit=200`); return answer.json.error?.code ?? answer.json.data },
  'a thread': (person, room, all) => pagesOf(person, room, { thread: all.early.seq, limit: 200 }),
  'a thread, backwards': (person, room, all) => pagesOf(person, room, { thread: all.early.seq, before: 1e9 }),
  'pins': (person, room) => answerOf(person, 'pin:list', { room }),
  'pins, forwards': (person, room) => answerOf(person, 'pin:list', { room, after: 0 }),
  'one message': (person, room, all) => oneByOne(all, said => answerOf(person, 'message:get', { room, seq: said.seq })),
  'the texts that it had': (person, room, all) => oneByOne(all, said => answerOf(person, 'message:versions', { room, seq: said.seq })),
  'attachments': (person, room, all) => oneByOne(all, async said => (await request(stack, 'GET', said.media.url, { token: person.token })).status === 200 ? said.words : 'forbidden'),
  'attachments, signed': async (person, room, all) => {
    const { urls } = (await person.rest('POST', '/api/v1/media/urls', { ids: Object.values(all).map(said => said.media.id) })).json.data
    return urls.length === 0 ? 'forbidden' : urls.map(url => Object.values(all).find(said => said.media.id === url.id).words)
  },
  'what is done to a message': (person, room, all) => oneByOne(all, async said => {
    const answer = await person.emits('reaction:add', { room, seq: said.seq, emoji: person.name })
    return answer.error ? answer.error.code : said.words
  }),
  'what a join catches up with': async (person, room) => {
    const device = await Person.arrives(stack, key, person.name)
    const answer = await device.emits('room:join', { room, since: 0 })
    const seen = entriesOf(device, room)
    if (!answer.error) assert.equal(seen.at(-1)?.seq, answer.seq, 'it ends with the newest')
    for (const [i, entry] of seen.entries()) assert.equal(entry.seq, seen[0].seq + i, 'without a hole')
    device.leaves()
    return answer.error ? answer.error.code : seen
  },
}

/** The periods of which the answer has something. */
const shownIn = (answer, all) => { const text = JSON.stringify(answer); return Object.keys(all).filter(period => all[period].words.some(word => text.includes(word))) }

const readable = { // by what the cell says, and when they came in last
  ALL: () => ['early', 'middle', 'late', 'last'],
  SINCE: { first: ['early', 'middle', 'late', 'last'], late: ['late', 'last'], back: ['late', 'last'] },
  NOTHING: () => [],
}
const periodsOf = (cell, state) => typeof readable[cell] === 'function' ? readable[cell]() : readable[cell][state]
const states = { first: ['max'], late: ['zoe'], back: ['bea'], gone: ['lea', 'kim', 'dan'] }

async function aLife(history) {
  const [olga, max, zoe, bea, lea, kim, dan] = await arrive('olga', 'max', 'zoe', 'bea', 'lea', 'kim', 'dan')
  const { id: room, history: is } = await olga.makesRoom({ open: false, history, members: ['max', 'bea', 'lea', 'kim', 'dan'] }), all = {}
  assert.equal(is, history)
  await livesOn(olga, room, 'early', all)
  const away = await Person.arrives(stack, key, 'bea', { reconnection: false })
  await away.joins(room)
  await away.losesConnection()
  await olga.calls('room:remove', { room, member: 'bea' })
  await livesOn(olga, room, 'middle', all)
  await olga.calls('room:invite', { room, members: ['zoe', 'bea'] })
  await livesOn(olga, room, 'late', all)
  for (const person of [max, zoe, bea]) await person.joins(room)
  await lea.calls('room:remove', { room })
  await olga.calls('room:remove', { room, member: 'kim' })
  await olga.calls('member:ban', { room, member: 'dan' })
  await livesOn(olga, room, 'last', all)
  await touchesEarly(olga, room, all)
  return { room, all, away, people: { olga, max, zoe, bea, lea, kim, dan }, leave: () => [olga, max, zoe, bea, lea, kim, dan, away].forEach(person => person.leaves()) }
}

for (const row of histories)
  test(`with history ${row.history} who was there first, came late, came back, left, was removed or banned reads exactly what the row says`, { timeout: 120000 }, async () => {
    const { room, all, away, people, leave } = await aLife(row.history)
    const { head } = await people.olga.calls('message:list', { room, limit: 1 })
    for (const [state, names] of Object.entries(states))
      for (const name of names) {
        const expected = periodsOf(row[state], state), person = people[name]
        if (state !== 'gone') {
          await until(`${name} has heard all that came`, () => entriesOf(person, room).some(entry => entry.seq === head))
          const heard = entriesOf(person, room), edit = heard.find(entry => entry.seq === head)
          assert.deepEqual([edit.kind, edit.target], ['message:edit', all.early.seq])
          assert.deepEqual([edit.body !== '', edit.attachments !== undefined], Array(2).fill(expected.includes('early')), `${name} hears what a message is now which they read`)
          const unread = Object.keys(all).filter(period => !expected.includes(period))
          assert.deepEqual(shownIn(heard, all).filter(period => unread.includes(period)), [], `${name} hears nothing of what they do not read`)
        }
        for (const [way, read] of Object.entries(ways)) {
          const answer = await read(person, room, all)
          assert.deepEqual(shownIn(answer, all), expected, `${name}, ${way}: ${JSON.stringify(answer).slice(0, 300)}`)
          if (expected.length === 0) for (const refused of [answer].flat()) assert.equal(refused, 'forbidden', `${name}, ${way}`)
        }
      }

    // Whoever was away while they were no member gets back what they missed where they read it, and begins anew where they do not.
    assert.equal(await away.comesBack(), row.back === 'ALL')
    if (row.back === 'ALL') await until('all that was missed is heard', () => entriesOf(away, room).at(-1)?.seq >= head)
    else assert.deepEqual(entriesOf(away, room).filter(entry => entry.seq >= all.middle.seq), [])
    leave()
  })

test('a change of the setting is so for who is there: for what is read, and for what is heard', { timeout: 60000 }, async () => {
  const [olga, zoe] = await arrive('olga', 'zoe')
  const { id: room } = await olga.makesRoom({ open: false })
  const { seq } = await olga.says(room, 'from before')
  await olga.calls('room:invite', { room, members: ['zoe'] })
  const joined = await zoe.joins(room), reads = async () => (await zoe.calls('message:list', { room })).messages.map(({ body }) => body)
  assert.equal(joined.reads_after, undefined)
  assert.deepEqual(await reads(), ['from before'])

  const set = async history => {
    const { json } = await olga.rest('PATCH', `/api/v1/rooms/${room}`, { history })
    assert.equal(json.data.history, history)
  }
  const reacts = async () => {
    const deeds = [await olga.calls('reaction:add', { room, seq, emoji: '👍' }), await olga.calls('reaction:remove', { room, seq, emoji: '👍' })]
    return until('the reaction is heard', () => entriesOf(zoe, room).find(entry => entry.seq === deeds[0].seq))
  }
  assert.equal((await reacts()).body, '👍')
  await set('joining')
  assert.ok((await zoe.calls('room:get', { room })).reads_after > 0)
  await until('it is not read any more', async () => (await reads()).length === 0)
  await until('nor is heard what is done to it', async () => (await reacts()).body === '')
  await zoe.isRefused('message:get', { room, seq }, 'not_found')
  await zoe.isRefused('message:send', { room, id: randomUUID(), body: 'an answer', thread: seq }, 'not_found')
  assert.equal((await olga.calls('message:get', { room, seq })).body, 'from before')
  await set('all')
  await until('it is read again', async () => (await reads()).length === 1)
  await until('and heard', async () => (await reacts()).body !== '')

  await zoe.isRefused('room:update', { room, history: 'joining' }, 'forbidden')
  await olga.isRefused('room:update', { room, history: 'some' }, 'invalid_argument', /history/)
  await olga.isRefused('room:create', { history: 'none' }, 'invalid_argument', /history/)
  for (const person of [olga, zoe]) person.leaves()
})

test("one's own export has one's own words, and nothing of what others did to them", { timeout: 60000 }, async () => {
  const call = async (method, path, body, token) => (await request(stack, method, `/api/v1/${path}`, { body, token })).json.data
  const mail = { email: 'uma@example.org', password: 'only Uma knows this' }
  const { user } = await call('POST', 'auth/register', { ...mail, nickname: 'uma' })
  const { access_token: token } = await call('POST', 'auth/login', mail)
  const [olga] = await arrive('olga'), uma = await Person.arrives(stack, key, 'uma', { token })
  const { id: room } = await olga.makesRoom({ open: false, history: 'joining', members: [user.id] })
  const { seq } = await uma.says(room, 'words of uma')
  await olga.says(room, 'words of olga')
  await olga.calls('room:remove', { room, member: user.id })
  await olga.calls('reaction:add', { room, seq, emoji: '🙈' })
  await olga.calls('pin:add', { room, seq })
  await olga.calls('message:send', { room, id: randomUUID(), body: 'an answer of olga', thread: seq })
  assert.equal((await olga.calls('message:get', { room, seq })).replies, 1)
  const { messages } = await call('GET', 'users/me/export/messages', undefined, token)
  assert.deepEqual(messages.map(({ seq, body }) => ({ seq, body })), [{ seq, body: 'words of uma' }])
  assert.doesNotMatch(JSON.stringify(messages), /🙈|true|olga/)
  assert.deepEqual(['replies', 'last_reply'].map(field => messages[0][field] ?? 0), [0, 0])
  for (const person of [olga, uma]) person.leaves()
})
