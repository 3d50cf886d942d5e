// r_here - `@here` mentions those members who are there, as others see it, once; and nobody learns from it who is invisible, or blocks whom.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Person, everybodyLeaves } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const LONG = 60000

let stack, key, places
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, env: { MADANG_CHAT_PRESENCE_GRACE_S: '1' } })
  key = await stack.issueKey()
  places = stack.gatewayPorts.map(port => ({ ...stack, ca: stack.ca, url: `https://127.0.0.1:${port}` }))
})
after(() => {
  places?.forEach(everybodyLeaves)
  return stack?.stop()
})

let n = 0
const arrives = name => Person.arrives(places[n++ % 2], key, name)
const arrive = (...names) => Promise.all(names.map(arrives))
const sql = text => stack.sql('chat', text).then(answer => answer.trim())
/** As a member who blocks nobody sees them. */
const areSeen = (observer, states) => until(`${JSON.stringify(states)} is seen`, async () => {
  const { people } = await observer.calls('presence:get', { ids: Object.keys(states).join(',') })
  return people.every(({ subject, state }) => states[subject] === state) && people.length === Object.keys(states).length
}, LONG)
/** The log is read, and what follows from it is done. */
async function isDone(person, room) {
  await until('the log is read', async () => {
    const { head } = await person.calls('message:list', { room, limit: 1 })
    return (await person.calls('room:list', { limit: 200 })).rooms.find(one => one.id === room).head === head
  }, LONG)
  await until('whom it mentions is found out', async () => await sql("SELECT count(*) FROM job WHERE kind IN ('mention.spread', 'notification.spread')") === '0', LONG)
}
const seqsOf = async (person, room) => (await person.calls('mention:list', {})).mentions.filter(one => one.room === room).map(one => one.seq).sort((a, b) => a - b)
const countOf = async (person, room) => (await person.calls('room:list', { limit: 200 })).rooms.find(one => one.id === room).mentions
async function noticesOf(person, room) {
  const answer = await person.rest('GET', '/api/v1/notifications?limit=100')
  return answer.json.data.notifications.filter(one => one.room === room && one.kind === 'mention').map(one => one.seq).sort((a, b) => a - b)
}
/** What each of these finds: in the list, in the count and among the notifications the same. */
async function areMentioned(room, ...expected) {
  for (const [person, seqs] of expected)
    assert.deepEqual([person.name, await seqsOf(person, room), await countOf(person, room), await noticesOf(person, room)], [person.name, seqs, seqs.length, seqs])
}
const edit = (person, room, seq, body) => person.calls('message:edit', { room, seq, id: randomUUID(), body })

test('who is there is mentioned, at whatever gateway, away and busy, too; who is invisible, gone, or comes later is not', { timeout: 180000 }, async () => {
  const [olga, away, busy, hidden, online] = await arrive('olga', 'away', 'busy', 'hidden', 'online')
  const { id: room } = await olga.makesRoom({ open: false, members: ['away', 'busy', 'hidden', 'online', 'late', 'gone'] })
  const gone = await arrives('gone')
  await away.calls('presence:set', { state: 'away' })
  await busy.calls('presence:set', { state: 'busy' })
  await hidden.calls('presence:set', { state: 'invisible' })
  gone.leaves()
  await areSeen(olga, { away: 'away', busy: 'busy', hidden: 'offline', online: 'online', gone: 'offline', late: 'offline' })
  const text = await online.says(room, '@here, says a member') // who has no right to
  const { seq } = await olga.says(room, '@here에 계신 분')
  await olga.says(room, '@hereafter, `@here`, x@here')
  await isDone(olga, room)
  const [late, back] = await arrive('late', 'gone')
  await areMentioned(room, [away, [seq]], [busy, [seq]], [online, [seq]], [hidden, []], [late, []], [back, []], [olga, []])
  assert.deepEqual((await online.calls('mention:list', {})).mentions.map(({ all, sender }) => [all, sender]), [[false, 'olga']])
  await until('online hears it', () => online.own.some(([event, one]) => event === 'room:changed' && one.id === room && one.mentions === 1), LONG)
  // Nothing that others are answered or hear tells whom it mentioned.
  assert.deepEqual(Object.keys((await online.reads(room)).find(message => message.seq === seq)).sort(), Object.keys((await online.reads(room)).find(message => message.seq === text.seq)).sort())
  // Visible again, one is mentioned by what is said then.
  await hidden.calls('presence:set', { state: 'online' })
  await areSeen(olga, { hidden: 'online', late: 'online' })
  const second = await olga.says(room, 'and now, @HERE?')
  await isDone(olga, room)
  await areMentioned(room, [hidden, [second.seq]], [late, [second.seq]], [online, [seq, second.seq]])
  for (const person of [olga, away, busy, hidden, online, late, back]) person.leaves()
})

test('a block makes no difference that anybody could see', { timeout: 180000 }, async () => {
  const [uma, blocks, blocked, other] = await arrive('uma', 'blocks', 'blocked', 'other')
  const { id: room } = await uma.makesRoom({ open: false, members: ['blocks', 'blocked', 'other'] })
  await blocks.calls('friend:block', { subject: 'uma' })
  await uma.calls('friend:block', { subject: 'blocked' })
  await areSeen(other, { uma: 'online', blocks: 'online', blocked: 'online' })
  const { seq } = await uma.says(room, '@here')
  await isDone(uma, room)
  await areMentioned(room, [blocked, [seq]], [other, [seq]], [blocks, []])
  await blocks.calls('friend:unblock', { subject: 'uma' })
  assert.deepEqual([await seqsOf(blocks, room), await countOf(blocks, room)], [[seq], 1])
  for (const person of [uma, blocks, blocked, other]) person.leaves()
})

test('an edit that says it still reaches nobody else, one that says it no more takes it back', { timeout: 180000 }, async () => {
  const [vera, stays, goes] = await arrive('vera', 'stays', 'goes')
  const { id: room } = await vera.makesRoom({ open: false, members: ['stays', 'goes', 'comes'] })
  await areSeen(vera, { stays: 'online', goes: 'online', comes: 'offline' })
  const { seq } = await vera.says(room, '@here a tpyo')
  await isDone(vera, room)
  goes.leaves()
  const comes = await arrives('comes')
  await areSeen(vera, { stays: 'online', goes: 'offline', comes: 'online' })
  await edit(vera, room, seq, '@here a typo')
  await isDone(vera, room)
  const goesBack = await arrives('goes')
  await areMentioned(room, [stays, [seq]], [comes, []], [goesBack, [seq]])
  await edit(vera, room, seq, '@comes alone')
  await isDone(vera, room)
  await areMentioned(room, [stays, []], [comes, [seq]], [goesBack, []])
  await areSeen(vera, { stays: 'online', goes: 'online', comes: 'online' })
  await edit(vera, room, seq, 'so you are @here')
  await isDone(vera, room)
  await areMentioned(room, [stays, [seq]], [comes, [seq]], [goesBack, [seq]])
  await edit(vera, room, seq, '@here and the @room')
  await isDone(vera, room)
  assert.deepEqual((await stays.calls('mention:list', {})).mentions.map(one => one.seq), [seq])
  await vera.calls('message:delete', { room, seq })
  await isDone(vera, room)
  await areMentioned(room, [stays, []], [comes, []], [goesBack, []])
  assert.equal(await sql(`SELECT count(*) FROM mention WHERE room_id = '${room}'`), '0')
  for (const person of [vera, stays, comes, goesBack]) person.leaves()
})

test('in a room of many it reaches each who is there, once, though chat is killed meanwhile', { timeout: 240000 }, async () => {
  const people = await arrive('wim', 'aaa', 'mmm 450', 'zzz'), [wim, ...there] = people
  const { id: room } = await wim.makesRoom({ open: false, members: there.map(({ name }) => name) })
  for (let i = 0; i < 1200; i += 100) await wim.calls('room:invite', { room, members: Array.from({ length: 100 }, (_, k) => `mmm ${i + k}`) })
  await areSeen(wim, Object.fromEntries(there.map(({ name }) => [name, 'online'])))
  const sent = []
  for (const body of ['@here once', '@here twice']) {
    sent.push((await wim.says(room, body)).seq)
    await stack.kill('chat')
    await stack.ready()
  }
  await until('chat answers', async () => !(await wim.emits('room:list', {}).catch(() => ({ error: true }))).error, LONG)
  await isDone(wim, room)
  await areMentioned(room, ...there.map(person => [person, sent]))
  assert.equal(await sql(`SELECT count(*) FROM mention WHERE room_id = '${room}' AND subject <> ''`), `${there.length * sent.length}`)
  people.forEach(person => person.leaves())
})
