// r_words - words that are no more: hidden from oneself, edited, deleted; who still reads them, and until when.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Person, request } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_STORE_FORMER_KEPT_S: '1', MADANG_STORE_DELETED_KEPT_S: '1', MADANG_AUTH_REGISTRATION: 'open' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name, { reconnection: false })))
const entriesOf = (person, room) => person.events.filter(([event, entry]) => ['message', 'entry'].includes(event) && entry.room === room).map(([, entry]) => entry)
const say = (person, room, body, more = {}) => person.calls('message:send', { room, id: randomUUID(), body, ...more })
const edit = (person, room, seq, body) => person.calls('message:edit', { room, seq, id: randomUUID(), body })
const versions = async (person, room, seq) => (await person.calls('message:versions', { room, seq })).versions
const due = kind => stack.sql('store', `UPDATE job SET run_at = now() WHERE kind = '${kind}'; SELECT pg_notify('store_jobs', '')`) // as when a minute is over, or a lease

async function aRoom() {
  const [olga, max] = await arrive('olga', 'max')
  const { id: room } = await olga.makesRoom({ open: false, members: ['max'] })
  return { olga, max, room, leave: () => [olga, max].forEach(person => person.leaves()) }
}

test('what a message said before it was edited its readers find, until its time is over; what it says now stays', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom(), secret = `former ${randomUUID()}`
  const { seq } = await say(max, room, `${secret} 0`)
  const first = await edit(max, room, seq, `${secret} 1`), last = await edit(max, room, seq, 'what it says now')
  const found = await versions(olga, room, seq)
  assert.deepEqual(found.map(({ seq, body, gone }) => [seq, body, gone]), [[seq, `${secret} 0`, false], [first.seq, `${secret} 1`, false], [last.seq, 'what it says now', false]])
  assert.ok(found.every(({ at }, i) => i === 0 || at >= found[i - 1].at))
  assert.deepEqual((await olga.rest('GET', `/api/v1/rooms/${room}/messages/${seq}/versions`)).json.data.versions, found)
  const other = await say(max, room, 'never edited')
  assert.deepEqual((await versions(olga, room, other.seq)).map(({ body }) => body), ['never edited'])
  await olga.isRefused('message:versions', { room, seq: first.seq }, 'not_found')
  await olga.isRefused('message:versions', { room, seq: 1e6 }, 'not_found')
  const withheld = await say(max, room, `${secret} withheld`)
  await edit(max, room, withheld.seq, 'what is withheld')
  await olga.calls('message:withhold', { room, seq: withheld.seq, reason: 'spam' })

  await until('its time is over', async () => { await due('former.purge'); return (await versions(olga, room, seq))[1].gone })
  assert.deepEqual((await versions(olga, room, seq)).map(({ seq, body, gone }) => [seq, body, gone]), [[seq, '', true], [first.seq, '', true], [last.seq, 'what it says now', false]])
  assert.equal((await olga.calls('message:get', { room, seq })).body, 'what it says now')
  const late = await Person.arrives(stack, key, 'max')
  await late.joins(room, 0)
  assert.deepEqual(entriesOf(late, room).map(entry => entry.seq), [1, 2, 3, 4, 5, 6, 7])
  assert.doesNotMatch(JSON.stringify(late.events), new RegExp(secret))
  for (const table of ['message', 'change', 'message_now', 'removed'])
    assert.equal((await stack.sql('store', `SELECT count(*) AS n FROM ${table} WHERE body LIKE '${secret}%'`)).trim(), '0', table)
  await until('so are those that lie aside', async () => { await due('former.purge'); return (await stack.sql('store', `SELECT count(*) FROM withheld WHERE body LIKE '${secret}%'`)).trim() === '0' })
  await olga.calls('message:release', { room, seq: withheld.seq, reason: 'a mistake' })
  assert.deepEqual((await versions(olga, room, withheld.seq)).map(({ body, gone }) => [body, gone]), [['', true], ['what is withheld', false]])

  await max.calls('message:delete', { room, seq })
  await olga.isRefused('message:versions', { room, seq }, 'not_found')
  late.leaves()
  leave()
})

test('what is withheld at the moment when its former words go keeps none of them', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom(), { seq } = await say(max, room, 'former words'), holder = `a reader of room ${room}`
  const count = condition => stack.sql('store', `SELECT count(*) FROM pg_stat_activity WHERE ${condition}`).then(Number)
  await edit(max, room, seq, 'what it says now')
  const held = stack.sql('store', `SET application_name = '${holder}'; BEGIN; SELECT FROM message WHERE room_id = '${room}' AND seq = ${seq} FOR UPDATE; SELECT pg_sleep(300)`).catch(() => 'ended')
  await until('the row is held', async () => await count(`application_name = '${holder}' AND wait_event = 'PgSleep'`) === 1)
  await until('the job waits', async () => { await due('former.purge'); return await count("wait_event_type = 'Lock' AND query LIKE '%former_due%'") === 1 }, 30000)
  const withheld = olga.calls('message:withhold', { room, seq, reason: 'spam' })
  await until('so does who withholds', async () => await count("wait_event_type = 'Lock'") >= 2, 30000)
  await stack.sql('store', `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${holder}'`)
  await Promise.all([held, withheld])
  assert.deepEqual((await olga.calls('withheld:list', { room })).messages.map(({ body }) => body), ['what it says now'])
  await olga.calls('message:release', { room, seq, reason: 'a mistake' })
  assert.deepEqual((await versions(olga, room, seq)).map(({ body, gone }) => [body, gone]), [['', true], ['what it says now', false]])
  leave()
})

test('what somebody hides from themselves has no text on any of their devices, in pages, threads, pins, catching up and recovery; others read it', { timeout: 60000 }, async () => {
  const { olga, max, room, leave } = await aRoom(), secret = `not for my eyes ${randomUUID()}`
  const root = await say(olga, room, 'the root')
  const away = await Person.arrives(stack, key, 'max', { reconnection: false })
  await away.joins(room)
  await away.losesConnection()
  const { seq } = await say(max, room, secret, { thread: root.seq, meta: { secret } })
  await edit(max, room, seq, `${secret}, edited`)
  await olga.calls('pin:add', { room, seq })
  await olga.calls('reaction:add', { room, seq, emoji: '🙉' })
  for (const again of [1, 2]) assert.deepEqual(await max.calls('message:hide', { room, seq }), {}, `${again}`)

  const ways = async person => JSON.stringify(await Promise.all([
    person.calls('message:list', { room }), person.calls('message:list', { room, around: seq }), person.calls('message:list', { room, thread: root.seq }),
    person.calls('pin:list', { room }), person.calls('message:get', { room, seq }), person.rest('GET', `/api/v1/rooms/${room}/messages`).then(answer => answer.json)]))
  const device = await Person.arrives(stack, key, 'max')
  assert.doesNotMatch(await ways(device), new RegExp(`${secret}|🙉`))
  assert.ok((await device.calls('message:get', { room, seq })).hidden_at > 0)
  assert.match(await ways(olga), new RegExp(secret))
  await device.joins(room, 0)
  assert.deepEqual(entriesOf(device, room).map(entry => [entry.seq, entry.hidden_at > 0]), [[1, false], [2, true], [3, true], [4, true], [5, true]])
  assert.doesNotMatch(JSON.stringify(device.events), new RegExp(`${secret}|🙉`))
  assert.ok(await away.comesBack(), 'it is taken up again')
  await until('all that was missed is there', () => entriesOf(away, room).at(-1)?.seq === 5)
  assert.doesNotMatch(JSON.stringify(away.events), new RegExp(`${secret}|🙉`))
  const other = await Person.arrives(stack, key, 'olga')
  await other.joins(room, 0)
  assert.match(JSON.stringify(other.events), new RegExp(secret))

  const shown = await max.rest('PUT', `/api/v1/rooms/${room}/messages/${seq}/hidden`, { hidden: false })
  assert.equal(shown.status, 200, shown.text)
  assert.match(await ways(device), new RegExp(secret))
  for (const target of [seq + 1, 1e6]) await max.isRefused('message:hide', { room, seq: target }, 'not_found')
  const [eve] = await arrive('eve')
  await eve.isRefused('message:hide', { room, seq }, 'forbidden')
  for (const person of [device, away, other, eve]) person.leaves()
  leave()
})

test("what somebody hides from themselves is not in their own export either", { timeout: 60000 }, async () => {
  const call = async (method, path, body, token) => (await request(stack, method, `/api/v1/${path}`, { body, token })).json.data
  const mail = { email: 'umi@example.org', password: 'only Umi knows this' }
  const { user } = await call('POST', 'auth/register', { ...mail, nickname: 'umi' })
  const { access_token: token } = await call('POST', 'auth/login', mail)
  const [olga] = await arrive('olga'), umi = await Person.arrives(stack, key, 'umi', { token })
  const { id: room } = await olga.makesRoom({ open: false, members: [user.id] })
  const hidden = await say(umi, room, 'regretted'), kept = await say(umi, room, 'meant')
  await umi.calls('message:hide', { room, seq: hidden.seq })
  const { messages } = await call('GET', 'users/me/export/messages', undefined, token)
  const bodies = Object.fromEntries(messages.map(({ seq, body }) => [seq, body]))
  assert.deepEqual(bodies, { [hidden.seq]: '', [kept.seq]: 'meant' })
  assert.equal((await olga.calls('message:get', { room, seq: hidden.seq })).body, 'regretted')
  for (const person of [olga, umi]) person.leaves()
})

test('a store that is killed while words are forgotten leaves no half of them, and forgets none twice', { timeout: 240000 }, async () => {
  const { olga, room, leave } = await aRoom(), edited = 1500, deleted = 2500
  await say(olga, room, 'the first')
  // As a store has written them, long ago: of each message two edits; of each deletion the text that is kept.
  await stack.sql('store', `
    INSERT INTO message (room_id, seq, id, sender, body, at) SELECT '${room}', n * 3 + 2, 'm' || n, 'olga', 'former', now() - interval '1 day' FROM generate_series(0, ${edited - 1}) n;
    INSERT INTO change (room_id, seq, id, sender, kind, target, body, at) SELECT '${room}', n * 3 + 2 + k, 'e' || n || '.' || k, 'olga', 'message:edit', n * 3 + 2,
      CASE k WHEN 1 THEN 'former' ELSE 'now' END, now() - interval '1 day' + k * interval '1 minute' FROM generate_series(0, ${edited - 1}) n, generate_series(1, 2) k;
    INSERT INTO message_now (room_id, seq, body, edits, edit_seq, edited_at, former_due) SELECT room_id, target, body, 2, seq, at, now() FROM change WHERE room_id = '${room}' AND body = 'now';
    INSERT INTO removed (room_id, seq, body, purge_at) SELECT '${room}', n, 'former', now() FROM generate_series(100000, 100000 + ${deleted - 1}) n;
    UPDATE room_head SET seq = ${edited * 3 + 1} WHERE room_id = '${room}'`)
  const count = async (what, from) => Number((await stack.sql('store', `SELECT ${what} FROM ${from}`)).trim())
  const texts = `(SELECT m.body AS first, c.body AS second, n.body AS now, n.former_due FROM message m JOIN change c ON c.room_id = m.room_id AND c.seq = m.seq + 1
    JOIN message_now n ON n.room_id = m.room_id AND n.seq = m.seq WHERE m.room_id = '${room}' AND m.seq > 1) t`
  const isWhole = async () => assert.equal(await count(`count(*) FILTER (WHERE now <> 'now' OR (first, second, former_due IS NULL) NOT IN (('former', 'former', false), ('', '', true)))`, texts), 0, 'a half')
  const left = async () => await count('count(*)', `message WHERE room_id = '${room}' AND body = 'former'`) + await count('count(*)', `removed WHERE room_id = '${room}'`)
  for (let kills = 0; kills < 3 || await left() > 0; kills++) {
    for (const kind of ['former.purge', 'removed.purge']) await due(kind)
    if (kills < 4) {
      await pause(Math.random() * 30)
      await stack.kill('store')
    }
    await isWhole()
    await until('the store answers', async () => !(await olga.emits('message:get', { room, seq: 1 })).error)
  }
  assert.deepEqual([await left(), await count('count(*)', texts), await count("count(*) FILTER (WHERE first = '' AND second = '' AND now = 'now')", texts)], [0, edited, edited])
  const digest = () => stack.sql('store', `SELECT md5(string_agg(m::text, ',' ORDER BY m.seq)) || md5((SELECT string_agg(c::text, ',' ORDER BY c.seq) FROM change c WHERE c.room_id = '${room}')) FROM message m WHERE m.room_id = '${room}'`)
  const once = await digest()
  for (const kind of ['former.purge', 'removed.purge']) await due(kind)
  await until('both have run', async () => await count('count(*)', "job WHERE kind IN ('former.purge', 'removed.purge') AND (run_at <= now() OR lease IS NOT NULL)") === 0)
  assert.equal(await digest(), once)
  const page = await olga.calls('message:list', { room, after: 1, limit: 200 })
  assert.deepEqual([page.head, page.messages.length], [edited * 3 + 1, 200])
  assert.ok(page.messages.every(({ body }) => body === 'now'))
  assert.equal((await say(olga, room, 'the next')).seq, edited * 3 + 2)
  leave()
})
