// r_presence - who is there: with the first socket of whoever it is, until the last, and as they want to be seen.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Person, everybodyLeaves } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

let stack, key, places
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, chats: 2, env: { MADANG_CHAT_PRESENCE_GRACE_S: '1' } })
  key = await stack.issueKey()
  places = stack.gatewayPorts.map(port => ({ ...stack, ca: stack.ca, url: `https://127.0.0.1:${port}` })) // the same stack, by way of one of its gateways
})
after(() => {
  places?.forEach(everybodyLeaves)
  return stack?.stop()
})

const arrivesAt = (gateway, name) => Person.arrives(places[gateway], key, name, { reconnection: false })
const arrives = name => arrivesAt(0, name)
const watches = async (person, room) => {
  await person.joins(room)
  await person.calls('presence:watch', { room })
}
/** What a socket knows of a room after all that it was told. */
function known(person, room) {
  const people = new Map()
  let is
  for (const [event, { rooms } = {}] of person.events) {
    for (const one of event === 'presence' ? rooms : []) {
      if (one.room !== room) continue
      if (one.whole) people.clear()
      for (const { subject, state, text } of one.people ?? []) state === 'offline' ? people.delete(subject) : people.set(subject, text ? `${state}: ${text}` : state)
      is = { online: one.online, people: Object.fromEntries([...people].sort()) }
    }
  }
  return is
}
const knows = (person, room, people) => until(`${person.name} knows of ${JSON.stringify(people)}`, () => {
  const is = known(person, room)
  return is && JSON.stringify(is) === JSON.stringify({ online: Object.keys(people).length, people }) ? is : undefined
}, 40000)
const told = (person, room) => person.events.filter(([event, { rooms } = {}]) => event === 'presence' && rooms.some(one => one.room === room)).length
const asks = async (person, ...ids) => (await person.calls('presence:get', { ids: ids.join(',') })).people
const listed = async (person, room) => Object.fromEntries((await person.calls('member:list', { room })).members.map(member => [member.subject, member.presence]))

test('somebody is there with their first socket, whichever gateway it is at, and until the last', { timeout: 120000 }, async () => {
  const ada = await arrives('ada'), { id: room } = await ada.makesRoom({ open: false, members: ['bo', 'cy'] })
  await watches(ada, room)
  await knows(ada, room, { ada: 'online' })
  const bo = await arrivesAt(1, 'bo')
  await knows(ada, room, { ada: 'online', bo: 'online' })
  const phone = await arrives('bo'), cy = await arrives('cy')
  await knows(ada, room, { ada: 'online', bo: 'online', cy: 'online' })
  const says = people => until(`the list says ${JSON.stringify(people)}`, async () => JSON.stringify(await listed(ada, room)) === JSON.stringify(people)) // of whichever process of chat answers
  await says({ ada: 'online', bo: 'online', cy: 'online' })
  bo.leaves()
  cy.leaves()
  await knows(ada, room, { ada: 'online', bo: 'online' }) // cy is not there any more; bo is, with the phone
  phone.leaves()
  await knows(ada, room, { ada: 'online' })
  await says({ ada: 'online', bo: 'offline', cy: 'offline' })
  const heardOf = ada.events.flatMap(([event, change]) => event === 'presence' ? change.rooms : []).flatMap(one => one.people ?? []).filter(one => one.subject === 'bo')
  assert.deepEqual(heardOf.map(one => one.state), ['online', 'offline']) // once each, whatever his devices did
  const [seen] = await until('it is known when he was there last', async () => {
    const people = await asks(ada, 'bo')
    return people[0].last_seen && people
  }, 30000)
  assert.deepEqual([seen.subject, seen.state, seen.last_seen % 60000], ['bo', 'offline', 0])
  assert.ok(Math.abs(Date.now() - seen.last_seen) < 240000)
  const answer = await ada.rest('GET', '/api/v1/presence?ids=ada,%20bo,nobody')
  assert.deepEqual(answer.json.data.people, [{ subject: 'ada', state: 'online' }, seen])
  ada.leaves()
})

test('others see somebody as these want it, for a time and with a few words', { timeout: 120000 }, async () => {
  const dan = await arrives('dan'), eve = await arrivesAt(1, 'eve')
  const { id: room } = await dan.makesRoom({ open: false, members: ['eve'] })
  await watches(dan, room)
  await watches(eve, room)
  await knows(dan, room, { dan: 'online', eve: 'online' })
  assert.deepEqual(await eve.calls('presence:mine'), { state: 'online', last_seen: true })
  const until_ = Date.now() + 3600000
  assert.deepEqual(await eve.calls('presence:set', { state: 'busy', text: '회의 중', until: until_ }), { state: 'busy', text: '회의 중', until: until_, last_seen: true })
  await knows(dan, room, { dan: 'online', eve: 'busy: 회의 중' })
  assert.deepEqual(await asks(dan, 'eve'), [{ subject: 'eve', state: 'busy', text: '회의 중' }])
  assert.equal((await eve.rest('PUT', '/api/v1/presence/me', { state: 'invisible', text: 'not here' })).status, 200)
  await knows(dan, room, { dan: 'online' })
  await until('the list says so, too', async () => (await listed(dan, room)).eve === 'offline') // of whichever process of chat answers
  assert.deepEqual((await asks(dan, 'eve')).map(({ state, text }) => [state, text]), [['offline', undefined]])
  assert.equal((await eve.rest('GET', '/api/v1/presence/me')).json.data.state, 'invisible')
  assert.deepEqual(known(eve, room).people.dan, 'online') // who is not seen sees
  await eve.calls('presence:set', { state: 'away', until: Date.now() + 3000 })
  await knows(dan, room, { dan: 'online', eve: 'online' }) // it may be over before he is told
  assert.deepEqual(await eve.calls('presence:mine'), { state: 'online', last_seen: true })
  for (const [draft, message] of [[{ state: 'asleep' }, /state/], [{ text: 'a\u0007b' }, /text/], [{ until: 1000 }, /until/], [{ text: 'x'.repeat(101) }, /text/]])
    await eve.isRefused('presence:set', draft, 'invalid_argument', message)
  await dan.isRefused('presence:get', { ids: Array.from({ length: 101 }, (_, i) => `s${i}`).join(',') }, 'too_large')
  // Who does not show when they were there last does not see it of others.
  eve.leaves()
  await knows(dan, room, { dan: 'online' })
  await until('it is known when she was there last', async () => (await asks(dan, 'eve'))[0].last_seen, 30000)
  await dan.calls('presence:set', { last_seen: false })
  assert.equal((await asks(dan, 'eve'))[0].last_seen, undefined)
  const again = await arrives('eve')
  await dan.calls('presence:set', {})
  await again.calls('presence:set', { last_seen: false })
  again.leaves()
  await knows(dan, room, { dan: 'online' })
  assert.equal((await asks(dan, 'eve'))[0].last_seen, undefined)
  dan.leaves()
})

test('who does not share a room, has not joined it, or is put out of it hears and sees nothing', { timeout: 120000 }, async () => {
  const [fay, gil, hal, ivy] = await Promise.all(['fay', 'gil', 'hal', 'ivy'].map(arrives))
  const { id: room } = await fay.makesRoom({ open: false, members: ['gil', 'hal'] })
  await gil.isRefused('presence:watch', { room }, 'not_joined')
  await ivy.isRefused('presence:watch', { room }, 'not_joined')
  await hal.joins(room) // and does not watch
  await watches(fay, room)
  await watches(gil, room)
  await knows(gil, room, { fay: 'online', gil: 'online', hal: 'online' })
  assert.deepEqual(await asks(ivy, 'fay', 'gil', 'hal'), [])
  await ivy.calls('friend:request', { subject: 'fay' })
  assert.deepEqual(await asks(ivy, 'fay'), [])
  await fay.calls('friend:accept', { subject: 'ivy' })
  assert.deepEqual(await asks(ivy, 'fay'), [{ subject: 'fay', state: 'online' }])
  await fay.calls('room:remove', { room, member: 'gil' })
  await gil.hearsEvent('room:removed')
  const before = told(gil, room)
  await knows(fay, room, { fay: 'online', hal: 'online' })
  await fay.calls('room:invite', { room, members: ['ivy'] })
  await knows(fay, room, { fay: 'online', hal: 'online', ivy: 'online' }) // who comes in is there at once
  await hal.calls('presence:set', { state: 'away' })
  await knows(fay, room, { fay: 'online', hal: 'away', ivy: 'online' })
  assert.deepEqual([told(gil, room) - before, told(hal, room), told(ivy, room)], [0, 0, 0])
  await fay.calls('presence:unwatch', { room })
  const so = told(fay, room)
  await watches(ivy, room)
  await hal.calls('presence:set', { state: 'busy' })
  await knows(ivy, room, { fay: 'online', hal: 'busy', ivy: 'online' })
  assert.equal(told(fay, room), so)
  await fay.isRefused('presence:unwatch', { room }, 'not_joined')
  for (const person of [fay, gil, hal, ivy]) person.leaves()
})

/** Whoever of the two blocks, before or after they look: neither is there for the other, and it says nothing of what they do. */
async function isHidden(blocker, when) {
  const names = ['one', 'two', 'third'].map(name => `${name}: ${blocker} ${when}`), [one, two, third] = names
  const [a, b, c] = await Promise.all(names.map(arrives))
  const { id: room } = await a.makesRoom({ open: false, members: [two, third] })
  const acts = async event => {
    if (blocker !== 'second') await a.calls(event, { subject: two })
    if (blocker !== 'first') await b.calls(event, { subject: one })
  }
  const sees = (person, people) => knows(person, room, Object.fromEntries(Object.entries(people).sort()))
  if (when === 'before') await acts('friend:block')
  for (const person of [a, b, c]) await watches(person, room)
  await sees(c, { [one]: 'online', [two]: 'online', [third]: 'online' })
  if (when === 'after') {
    for (const person of [a, b]) await sees(person, { [one]: 'online', [two]: 'online', [third]: 'online' })
    await acts('friend:block')
  }
  await sees(a, { [one]: 'online', [third]: 'online' })
  await sees(b, { [two]: 'online', [third]: 'online' })
  assert.deepEqual([await asks(a, two), await asks(b, one)], [[], []])
  await until('the lists say so, too', async () => (await listed(a, room))[two] === 'offline' && (await listed(b, room))[one] === 'offline')
  const from = [a, b].map(person => person.events.length)
  await b.calls('presence:set', { state: 'busy' })
  await a.calls('presence:set', { state: 'away' })
  await sees(c, { [one]: 'away', [two]: 'busy', [third]: 'online' })
  await sees(a, { [one]: 'away', [third]: 'online' })
  await sees(b, { [two]: 'busy', [third]: 'online' })
  const named = [a, b].map((person, i) => person.events.slice(from[i]).flatMap(([event, change]) => event === 'presence' ? change.rooms : []).flatMap(({ people = [] }) => people.map(({ subject }) => subject)))
  assert.deepEqual(named, [[one], [two]]) // what they themselves did
  await acts('friend:unblock')
  for (const person of [a, b]) await sees(person, { [one]: 'away', [two]: 'busy', [third]: 'online' })
  for (const person of [a, b, c]) person.leaves()
}

test('of two of whom one blocks the other neither sees the other, whoever does and whenever', { timeout: 120000 }, () =>
  Promise.all([['first', 'before'], ['second', 'before'], ['first', 'after'], ['second', 'after'], ['both', 'after']].map(([blocker, when]) => isHidden(blocker, when))))

test('of a room with more than 200 members there is a number alone', { timeout: 120000 }, async () => {
  const kim = await arrives('kim'), lee = await arrives('lee')
  const { id: room } = await kim.makesRoom({ open: false, members: ['lee', ...Array.from({ length: 98 }, (_, i) => `extra ${i}`)] })
  for (let i = 0; i < 2; i++) await kim.calls('room:invite', { room, members: Array.from({ length: 50 }, (_, k) => `more ${i * 50 + k}`) })
  await watches(kim, room)
  await knows(kim, room, { kim: 'online', lee: 'online' }) // 200 of them
  await kim.calls('room:invite', { room, members: ['one too many'] })
  await lee.joins(room)
  await until('it is large by now', async () => {
    await lee.calls('presence:watch', { room })
    return lee.events.some(([event, { rooms } = {}]) => event === 'presence' && rooms.some(one => one.room === room && one.whole && one.online === 2 && !one.people?.length))
  }, 30000)
  for (const person of [kim, lee]) person.leaves()
})

test('the people of a gateway that is killed are gone, and a chat that is killed knows again who is there', { timeout: 120000 }, async () => {
  const mia = await arrives('mia'), nan = await arrivesAt(1, 'nan')
  const { id: room } = await mia.makesRoom({ open: false, members: ['nan', 'oz'] })
  await watches(mia, room)
  await knows(mia, room, { mia: 'online', nan: 'online' })
  await stack.kill('gateway-2')
  await knows(mia, room, { mia: 'online' })
  const back = await until('nan comes back', () => arrivesAt(1, 'nan').catch(() => undefined), 40000)
  await knows(mia, room, { mia: 'online', nan: 'online' })
  for (const part of ['chat', 'chat-2']) await stack.kill(part)
  const oz = await until('oz comes', () => arrives('oz').catch(() => undefined), 40000)
  await knows(mia, room, { mia: 'online', nan: 'online', oz: 'online' })
  for (const person of [mia, back, oz]) person.leaves()
})
