// r_invites - links by which others come into a room: who makes them, whom they let in and how many, and who sees of them what.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import https from 'node:https'
import { after, before, test } from 'node:test'
import { startStack } from '../lib/stack.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { pause, until } from '../lib/wait.mjs'

let stack, key
before(async () => {
  stack = await startStack({ gateways: 2 })
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name)))
const leave = (...people) => people.forEach(person => person.leaves())
const aRoom = (owner, more = {}) => owner.makesRoom({ name: 'courtyard', topic: 'of old', open: false, ...more }).then(({ id }) => id)
const aLink = (maker, room, more = {}) => maker.calls('invite:create', { room, ...more })
const isRefused = (person, room, code, reason = 'not_found') => Promise.all(['invite:show', 'invite:accept'].map(event => person.isRefused(event, { room, code }, reason)))
const used = async (person, room, id) => (await person.calls('invite:list', { room })).invites.find(one => one.id === id)?.used
const row = (what, id) => stack.sql('chat', `SELECT ${what} FROM invite WHERE id = '${id}'`)

test('of a hundred who come by a link with ten uses at once ten come in, and chat may die meanwhile', { timeout: 240000 }, async () => {
  const PEOPLE = 100, USES = 10
  const [ada] = await arrive('ada')
  const room = await aRoom(ada)
  const { id, code } = await aLink(ada, room, { uses: USES })
  const tokens = await Promise.all(Array.from({ length: PEOPLE }, (_, i) => tokenFor(stack, key, `guest ${i}`)))
  const agent = new https.Agent({ keepAlive: true, maxSockets: 25 })
  /** As often as it takes: an answer that is lost with chat says nothing. */
  const comes = async token => {
    for (;;) {
      const answer = await request(stack, 'POST', `/api/v1/rooms/${room}/invites/accept`, { token, body: { code }, agent }).catch(() => undefined)
      if (answer?.status < 500) return answer.json.success ? 'in' : answer.json.error.code
      await pause(100)
    }
  }
  const all = tokens.map(comes)
  await Promise.race(all)
  await stack.kill('chat')
  const answers = await Promise.all(all)
  assert.deepEqual([answers.filter(one => one === 'in').length, answers.filter(one => one === 'not_found').length], [USES, PEOPLE - USES])
  assert.equal((await ada.calls('room:get', { room })).members, USES + 1)
  assert.equal((await ada.calls('member:list', { room })).members.filter(({ subject }) => subject.startsWith('guest')).length, USES)
  assert.equal(await used(ada, room, id), USES)
  // Who is in it and has lost the answer asks again, and takes nothing.
  const again = await Promise.all(tokens.map(comes))
  assert.deepEqual(again, answers)
  agent.destroy()
  leave(ada)
})

test('a link shows the room and lets in until it is used up, is over, or is taken back', { timeout: 60000 }, async () => {
  const people = await arrive('bea', 'cy', 'dee', 'eve'), [bea, cy, dee, eve] = people
  const room = await aRoom(bea, { lines: true })
  const made = await aLink(bea, room, { uses: 2, for_s: 3600, client_key: 'the same key' })
  assert.match(made.code, /^[\w-]{22}$/)
  assert.deepEqual([made.room, made.made_by, made.uses, made.used, made.expires_at - made.made_at], [room, 'bea', 2, 0, 3600000])
  // Its maker sees the code once. Who has lost the answer gets the same link with another one.
  const again = await aLink(bea, room, { uses: 7, client_key: 'the same key' })
  assert.deepEqual({ ...again, code: made.code }, made)
  assert.notEqual(again.code, made.code)
  await isRefused(cy, room, made.code)
  const { code: none, ...rest } = again
  assert.deepEqual(await bea.calls('invite:list', { room }), { invites: [rest] })

  assert.deepEqual(await cy.calls('invite:show', { room, code: again.code }), { room, name: 'courtyard', topic: 'of old', members: 1, open: false })
  const inside = await cy.calls('invite:accept', { room, code: again.code })
  assert.deepEqual([inside.id, inside.role, inside.members, inside.can], [room, 'member', 2, ['read', 'leave', 'write']])
  await until('cy is told', () => cy.own.some(([event, arg]) => event === 'room:added' && arg.id === room))
  assert.deepEqual(await cy.calls('invite:accept', { room, code: again.code }), inside) // said twice
  assert.equal(await used(bea, room, made.id), 1)
  await cy.calls('room:remove', { room })
  assert.equal((await cy.calls('invite:accept', { room, code: again.code })).role, 'member') // a leaver comes back, and counts again
  await isRefused(dee, room, again.code)
  await until('the log says who came', async () => (await bea.reads(room)).filter(({ kind, sender }) => kind === 'member:join' && sender === 'cy').length === 2, 30000)

  // Over REST the same. Without a number any number comes.
  const links = `/api/v1/rooms/${room}/invites`
  const answer = await bea.rest('POST', links, {}), link = answer.json.data
  assert.deepEqual([answer.status, link.uses, link.expires_at - link.made_at], [201, 0, 604800000])
  assert.deepEqual((await bea.rest('GET', links)).json.data.invites.map(one => one.id), [link.id]) // the one that is used up went
  assert.equal((await dee.rest('POST', `${links}/show`, { code: link.code })).json.data.members, 2)
  assert.equal((await dee.rest('POST', `${links}/accept`, { code: link.code })).json.data.role, 'member')
  await stack.sql('chat', `UPDATE invite SET expires_at = now() WHERE id = '${link.id}'`)
  await isRefused(eve, room, link.code)
  assert.deepEqual((await bea.calls('invite:list', { room })).invites, [])
  await stack.sql('chat', 'UPDATE job SET run_at = now() WHERE kind = \'invite.expire\'')
  await until('it is removed', async () => await row('count(*)', link.id) === '0', 30000)

  const third = await aLink(bea, room)
  await bea.calls('invite:revoke', { room, invite: third.id })
  await isRefused(eve, room, third.code)
  const fourth = await aLink(bea, room), other = await aRoom(bea)
  await bea.calls('invite:revoke', { room: other, invite: fourth.id }) // of another room it is none
  assert.equal((await bea.rest('DELETE', `${links}/${fourth.id}`)).status, 200)
  assert.equal(await row('count(*)', fourth.id), '0')
  leave(...people)
})

test('a link is of one room and of who made it: it lets in while they may make links there', { timeout: 60000 }, async () => {
  const people = await arrive('fay', 'gus', 'hal'), [fay, gus, hal] = people
  const room = await aRoom(fay, { members: ['gus'] }), other = await aRoom(fay)
  for (const person of [gus, hal])
    for (const [event, more] of [['invite:create', {}], ['invite:list', {}], ['invite:revoke', { invite: randomUUID() }]])
      await person.isRefused(event, { room, ...more }, 'forbidden')
  await fay.calls('member:role', { room, member: 'gus', role: 'admin' })
  const { code } = await aLink(gus, room)
  const opens = async () => assert.equal((await hal.calls('invite:show', { room, code })).room, room)
  await opens()
  await isRefused(hal, other, code)
  await isRefused(hal, randomUUID(), code)
  await isRefused(hal, room, 'not a code')
  await fay.calls('member:role', { room, member: 'gus', role: 'moderator' })
  await isRefused(hal, room, code)
  await fay.calls('member:role', { room, member: 'gus', role: 'admin' })
  await opens()
  await fay.calls('member:mute', { room, member: 'gus' })
  await isRefused(hal, room, code)
  await fay.calls('member:mute', { room, member: 'gus', for_s: 0 })
  await opens()
  // A block stops it, whoever of the two blocks, and looks like any code that is none.
  for (const [one, subject] of [[gus, 'hal'], [hal, 'gus']]) {
    await one.calls('friend:block', { subject })
    await isRefused(hal, room, code)
    await one.calls('friend:unblock', { subject })
    await opens()
  }
  await gus.calls('room:remove', { room })
  await isRefused(hal, room, code)
  leave(...people)
})

test('who is banned does not come in, nor does anybody into a room that is archived or gone, and no use is taken', { timeout: 60000 }, async () => {
  const people = await arrive('ida', 'jo', 'kai'), [ida, jo, kai] = people
  const room = await aRoom(ida, { members: ['jo'] })
  const { id, code } = await aLink(ida, room, { uses: 1 })
  await ida.calls('member:ban', { room, member: 'jo' })
  await isRefused(jo, room, code, 'forbidden')
  await isRefused(jo, room, 'not a code')
  await ida.calls('room:archive', { room })
  await kai.isRefused('invite:accept', { room, code }, 'forbidden', /archived/)
  await ida.calls('room:archive', { room, archived: false })
  assert.equal(await used(ida, room, id), 0)
  await ida.calls('member:unban', { room, member: 'jo' })
  await jo.calls('invite:accept', { room, code })
  const second = await aLink(ida, room)
  await ida.calls('room:delete', { room })
  await isRefused(kai, room, second.code)
  assert.equal(await row('count(*)', second.id), '0')
  leave(...people)
})

test('a room has a hundred links at most, and those that are over do not count', { timeout: 60000 }, async () => {
  const [lea] = await arrive('lea')
  const room = await aRoom(lea), made = []
  for (let i = 0; i < 7; i++) made.push(...await Promise.all(Array.from({ length: 15 }, () => lea.emits('invite:create', { room }))))
  assert.deepEqual([made.filter(one => one.id).length, made.filter(one => one.error?.code === 'too_large').length], [100, 5])
  assert.equal((await lea.calls('invite:list', { room })).invites.length, 100)
  await stack.sql('chat', `UPDATE invite SET expires_at = now() WHERE id = '${made[0].id}'`)
  await aLink(lea, room)
  await lea.isRefused('invite:create', { room }, 'too_large')
  leave(lea)
})

test('a code is in no log and no row', { timeout: 60000 }, async () => {
  const [ned, ora] = await arrive('ned', 'ora')
  const room = await aRoom(ned)
  const { code } = await aLink(ned, room)
  await ora.rest('POST', `/api/v1/rooms/${room}/invites/show`, { code })
  await ora.calls('invite:accept', { room, code })
  await ora.rest('POST', `/api/v1/rooms/${room}/invites/show`, { code: `${code}x` })
  assert.equal(await stack.sql('chat', `SELECT count(*) FROM invite i WHERE i::text || encode(code_hash, 'escape') LIKE '%${code}%'`), '0')
  const logs = ['gateway-1', 'gateway-2', 'chat', 'postgres'].map(name => () => stack.log(name))
  await until('the logs say that it was accepted', () => logs.some(log => log().includes('invite.accept')))
  for (const log of logs) assert.ok(!log().includes(code.slice(0, 12)))
  leave(ned, ora)
})
