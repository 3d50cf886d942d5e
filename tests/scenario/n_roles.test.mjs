// n_roles - what somebody may do in a room: each role and each right of proto/rooms.def, in a room as it is, in an archived one and to who
// is muted, by real clients; and what the deeds do.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bin, startStack } from '../lib/stack.mjs'
import { Person } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

const { roles, rights } = JSON.parse(execFileSync(join(bin, 'protodoc'), ['contract'], { encoding: 'utf8' }))
const rank = role => roles.indexOf(role)

let stack, key
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
})
after(() => stack?.stop())

const arrive = (...names) => Promise.all(names.map(name => Person.arrives(stack, key, name)))
const leave = (...people) => people.forEach(person => person.leaves())
const codeOf = answer => answer?.error?.code ?? 'ok'
/** A store hears of a change from chat, which a client that was answered may overtake by a moment. */
const settles = (what, code, deed) => until(`${what} is answered ${code}`, async () => codeOf(await deed()) === code, 30000)
const sends = (person, room, code) => settles(`${person.name}'s message`, code, () => send(person, room))
const send = (person, room) => person.emits('message:send', { room, id: randomUUID(), body: 'a word' })

const hasRead = async (person, room) => (await person.calls('room:list', {})).rooms.find(({ id }) => id === room)
/** Without this right `@room` is a text like others: nobody refuses it, and nobody is mentioned. */
async function mentionsAll({ actor, tess, room }) {
  const before = (await hasRead(tess, room)).mentions
  const answer = await actor.emits('message:send', { room, id: randomUUID(), body: '@room, a word' })
  if (answer.error) return answer
  await until('it is counted', async () => (await hasRead(tess, room)).head >= answer.seq, 30000)
  return (await hasRead(tess, room)).mentions > before ? {} : { error: { code: 'forbidden' } }
}

/** How each right is made use of, to `tess`, who is a member, and to the owner's message `seq`. */
const uses = {
  knock: ({ actor, room }) => actor.emits('room:knock', { room }),
  read: ({ actor, room }) => actor.emits('message:list', { room }),
  leave: ({ actor, room }) => actor.emits('room:remove', { room }),
  write: ({ actor, room }) => send(actor, room),
  invite: ({ actor, room }) => actor.emits('room:invite', { room, members: [`new ${randomUUID()}`] }),
  link: ({ actor, room }) => actor.emits('invite:create', { room }),
  webhook: async ({ actor, room }) => {
    const { status, json } = await actor.rest('GET', `/api/v1/rooms/${room}/webhooks`)
    return status === 200 ? {} : json
  },
  mention_all: mentionsAll,
  pin: ({ actor, room, seq }) => actor.emits('pin:add', { room, seq }),
  moderate: async ({ actor, room, ofTess }) => {
    const codes = []
    for (const [event, more] of [['report:list'], ['withheld:list'], ['message:withhold', { seq: ofTess, reason: 'a word' }]]) codes.push(codeOf(await actor.emits(event, { room, ...more })))
    if (new Set(codes).size > 1) return { error: { code: `now ${codes}` } } // the store hears of it just now
    return actor.emits('message:delete', { room, seq: ofTess })
  },
  mute: ({ actor, room }) => actor.emits('member:mute', { room, member: 'tess', for_s: 3600 }),
  remove: ({ actor, room }) => actor.emits('room:remove', { room, member: 'rex' }),
  ban: ({ actor, room }) => actor.emits('member:ban', { room, member: 'bea' }),
  appoint: ({ actor, room }) => actor.emits('member:role', { room, member: 'tess', role: 'read_only' }),
  update: ({ actor, room }) => actor.emits('room:update', { room, topic: 'another one' }),
  export: async ({ actor, room }) => {
    const { status, json } = await actor.rest('GET', `/api/v1/rooms/${room}/export`)
    return status === 200 ? {} : json
  },
  keep: ({ actor, room }) => actor.emits('room:update', { room, kept_days: 30 }),
  receipts: ({ actor, room }) => actor.emits('room:update', { room, receipts: 'yes' }),
  archive: ({ actor, room, is }) => actor.emits('room:archive', { room, archived: is === 'archived' }),
  transfer: ({ actor, room }) => actor.emits('member:role', { room, member: 'tess', role: 'owner' }),
  delete: ({ actor, room }) => actor.emits('room:delete', { room }),
}
const OF_THE_LOG = ['read', 'write', 'pin', 'moderate', 'mention_all', 'export']
const IN_A_ROOM_OF_ITS_OWN = ['leave', 'transfer', 'delete'] // nothing else can be tried there afterwards

/** A room in which the actor has a role, which is as `is` says. */
async function aRoom({ owner, actor, tess, role, is }) {
  const { id: room } = await owner.makesRoom({ open: false, members: ['tess', 'rex', 'bea', actor.name] })
  const { seq } = await owner.says(room, 'of the owner'), { seq: ofTess } = await tess.says(room, 'of tess')
  if (!['owner', 'member'].includes(role)) await owner.calls('member:role', { room, member: actor.name, role })
  if (is === 'muted') await owner.calls('member:mute', { room, member: actor.name, for_s: 3600 })
  if (is === 'archived') await owner.calls('room:archive', { room })
  return { actor, tess, room, seq, ofTess, is }
}

const may = (role, right, is) => {
  const { from, stays } = rights.find(row => row.right === right)
  return from !== 'none' && (is !== 'archived' || stays) && rank(is === 'muted' ? 'read_only' : role) >= rank(from)
}

test('the scenario has a use for each right', () => {
  assert.deepEqual(Object.keys(uses).sort(), rights.map(({ right }) => right).sort())
})

for (const is of ['as it is', 'archived', 'muted'])
  for (const role of roles.filter(one => is !== 'muted' || one !== 'owner'))
    test(`${role}, ${is}: may what the rows say and is told so`, { timeout: 120000 }, async () => {
      const [owner, tess] = await arrive(`owner of ${role}, ${is}`, 'tess')
      const actor = role === 'owner' ? owner : (await arrive(`${role}, ${is}`))[0]
      const expected = rights.map(({ right }) => right).filter(right => may(role, right, is))
      const common = await aRoom({ owner, actor, tess, role, is })
      const seen = await actor.calls('room:get', { room: common.room })
      assert.deepEqual([seen.role, seen.can], [role, expected])
      assert.equal(seen.muted_until > Date.now(), is === 'muted')
      assert.deepEqual((await actor.calls('room:join', { room: common.room })).can, expected)
      for (const { right } of rights) {
        const at = IN_A_ROOM_OF_ITS_OWN.includes(right) ? await aRoom({ owner, actor, tess, role, is }) : common
        const code = may(role, right, is) ? 'ok' : 'forbidden', what = `${right} of ${role}, ${is},`
        if (OF_THE_LOG.includes(right)) await settles(what, code, () => uses[right](at))
        else assert.equal(codeOf(await uses[right](at)), code, what)
        if (right === 'archive' && may(role, right, is)) await actor.calls('room:archive', { room: at.room, archived: is === 'archived' }) // said twice
      }
      if (role !== 'owner') leave(actor)
      leave(owner, tess)
    })

test('what is done to another takes a role above theirs, and no role is given that is not below', { timeout: 120000 }, async () => {
  const names = Object.fromEntries(roles.map(role => [role, `${role} of all`]))
  const people = Object.fromEntries((await arrive(...Object.values(names))).map((person, i) => [roles[i], person]))
  const { id: room } = await people.owner.makesRoom({ open: false, members: Object.values(names) })
  for (const role of roles.slice(0, -1)) await people.owner.calls('member:role', { room, member: names[role], role })
  for (const actor of roles)
    for (const target of roles.filter(one => one !== actor)) {
      const above = rank(actor) > rank(target)
      const isAllowed = right => above && may(actor, right, 'as it is') ? 'ok' : 'forbidden'
      assert.equal(codeOf(await people[actor].emits('member:mute', { room, member: names[target], for_s: 60 })), isAllowed('mute'), `${actor} mutes ${target}`)
      if (isAllowed('mute') === 'ok') await people[actor].calls('member:mute', { room, member: names[target], for_s: 0 })
      if (!above) for (const event of ['room:remove', 'member:ban']) await people[actor].isRefused(event, { room, member: names[target] }, 'forbidden')
      if (above && target !== 'owner') assert.equal(codeOf(await people[actor].emits('member:role', { room, member: names[target], role: target })), isAllowed('appoint'), `${actor} appoints ${target}`)
      if (actor !== 'owner') await people[actor].isRefused('member:role', { room, member: names.read_only, role: actor === 'read_only' ? 'member' : actor }, 'forbidden')
    }
  await people.owner.isRefused('member:role', { room, member: names.member, role: 'king' }, 'invalid_argument', /role/)
  await people.owner.isRefused('member:role', { room, member: 'nobody here', role: 'member' }, 'not_found')
  await people.owner.isRefused('member:role', { room, member: names.owner, role: 'member' }, 'forbidden') // oneself: transfer it
  leave(...Object.values(people))
})

test('settings hold at once, and each room answer says what one may do there', { timeout: 60000 }, async () => {
  const [ola, mel] = await arrive('ola', 'mel')
  const made = await ola.calls('room:create', { name: 'plans', topic: 'of old', open: true, members: ['mel'], client_key: 'the same key' })
  const room = made.id
  assert.deepEqual([made.topic, made.writes, made.invites, made.members, made.role, made.can.length], ['of old', 'member', 'admin', 2, 'owner', rights.length - 1])
  assert.deepEqual(await ola.calls('room:create', { name: 'others', client_key: 'the same key' }), made)
  assert.deepEqual(await ola.calls('room:get', { room }), made)
  const listed = (await ola.calls('room:list', {})).rooms.find(one => one.id === room)
  assert.deepEqual({ ...listed, ...made }, listed)
  await mel.says(room, 'allowed')
  const patched = await ola.rest('PATCH', `/api/v1/rooms/${room}`, { name: 'news', writes: 'moderator', invites: 'member', joins: 'nobody' })
  assert.equal(patched.status, 200, patched.text)
  assert.deepEqual(patched.json.data, { ...made, name: 'news', writes: 'moderator', invites: 'member', open: false })
  await sends(mel, room, 'forbidden')
  await mel.joins(room)
  await mel.isRefused('typing', { room }, 'forbidden')
  assert.deepEqual((await mel.calls('room:get', { room })).can, ['read', 'leave', 'invite'])
  assert.deepEqual((await mel.calls('room:invite', { room, members: ['ned'] })).can, ['read', 'leave', 'invite'])
  const [ned, zoe] = await arrive('ned', 'zoe')
  await zoe.isRefused('room:join', { room }, 'forbidden')
  for (const event of ['room:get', 'room:bans', 'room:update', 'room:archive', 'room:delete']) await zoe.isRefused(event, { room }, 'forbidden')
  await ola.calls('member:role', { room, member: 'ned', role: 'moderator' })
  await sends(ned, room, 'ok')
  await ola.calls('room:update', { room, writes: 'member' })
  await sends(mel, room, 'ok')
  assert.equal(codeOf(await mel.emits('typing', { room })), 'ok')
  for (const [field, value] of [['writes', 'owner'], ['writes', 'read_only'], ['invites', 'read_only'], ['joins', 'some']])
    await ola.isRefused('room:update', { room, [field]: value }, 'invalid_argument', new RegExp(field))
  const { archived_at: at } = await ola.calls('room:archive', { room })
  assert.equal((await ola.calls('room:archive', { room })).archived_at, at)
  await sends(ola, room, 'forbidden')
  assert.ok((await mel.calls('message:list', { room })).messages.length >= 3)
  await ola.calls('room:archive', { room, archived: false })
  await sends(mel, room, 'ok')
  leave(ola, mel, ned, zoe)
})

test('a mute ends by itself, and by a word', { timeout: 60000 }, async () => {
  const [ora, mia] = await arrive('ora', 'mia')
  const { id: room } = await ora.makesRoom({ members: ['mia'] })
  await mia.says(room, 'before')
  const muted = await ora.calls('member:mute', { room, member: 'mia', for_s: 3600 })
  assert.deepEqual([muted.role, Math.abs(muted.muted_until - Date.now() - 3600000) < 60000], ['member', true])
  await sends(mia, room, 'forbidden')
  assert.equal((await ora.calls('member:list', { room })).members.find(({ subject }) => subject === 'mia').muted_until, muted.muted_until)
  assert.equal((await ora.calls('member:mute', { room, member: 'mia', for_s: 0 })).muted_until, undefined)
  await sends(mia, room, 'ok')
  await ora.calls('member:mute', { room, member: 'mia', for_s: 1 })
  await until('the mute is over', async () => (await mia.calls('room:get', { room })).muted_until === undefined, 60000)
  await sends(mia, room, 'ok')
  leave(ora, mia)
})

test('who is banned is out at once and does not come in, whoever brings them, until the ban ends', { timeout: 60000 }, async () => {
  const [oda, bob, mod] = await arrive('oda', 'bob', 'mod')
  const { id: room } = await oda.makesRoom({ open: true, members: ['bob', 'mod'] })
  await oda.calls('member:role', { room, member: 'mod', role: 'moderator' })
  await bob.joins(room)
  const ban = await mod.calls('member:ban', { room, member: 'bob', reason: 'noise' })
  assert.deepEqual([ban.subject, ban.banned_by, ban.reason, ban.banned_until], ['bob', 'mod', 'noise', undefined])
  await bob.hearsEvent('room:removed')
  await bob.isRefused('room:join', { room }, 'forbidden')
  await settles('the log', 'forbidden', () => bob.emits('message:list', { room }))
  await oda.isRefused('room:invite', { room, members: ['bob'] }, 'conflict', /bob is banned/)
  await mod.calls('member:ban', { room, member: 'never here', for_s: 60 })
  const { bans } = await mod.calls('room:bans', { room })
  assert.deepEqual(bans.map(({ subject, banned_until: end }) => [subject, end > Date.now()]), [['bob', false], ['never here', true]])
  assert.deepEqual((await oda.calls('room:bans', { room, limit: 1, after: 'bob' })).bans.map(({ subject }) => subject), ['never here'])
  await mod.calls('member:unban', { room, member: 'bob' })
  await bob.joins(room)
  await mod.calls('member:ban', { room, member: 'bob', for_s: 1 })
  await until('the ban is over', async () => codeOf(await bob.emits('room:join', { room })) === 'ok', 30000)
  assert.equal((await oda.calls('room:get', { room })).members, 3)
  leave(oda, bob, mod)
})

test('a room is given away, and falls to the highest role, then to who has been there longest', { timeout: 60000 }, async () => {
  const [oto, old, adi] = await arrive('oto', 'old', 'adi')
  const { id: room } = await oto.makesRoom({ members: ['old'] })
  await oto.calls('room:invite', { room, members: ['adi', 'new'] })
  await oto.calls('member:role', { room, member: 'adi', role: 'admin' })
  await oto.calls('member:mute', { room, member: 'adi', for_s: 3600 })
  const rolesOf = async person => Object.fromEntries((await person.calls('member:list', { room })).members.map(({ subject, role }) => [subject, role]))
  assert.equal((await oto.calls('member:role', { room, member: 'adi', role: 'owner' })).muted_until, undefined)
  assert.deepEqual(await rolesOf(oto), { adi: 'owner', new: 'member', old: 'member', oto: 'admin' })
  await sends(adi, room, 'ok')
  await oto.isRefused('room:delete', { room }, 'forbidden')
  await adi.calls('room:remove', { room })
  assert.deepEqual(await rolesOf(old), { new: 'member', old: 'member', oto: 'owner' })
  await oto.calls('room:remove', { room })
  assert.deepEqual(await rolesOf(old), { new: 'member', old: 'owner' })
  await sends(old, room, 'ok')
  leave(oto, old, adi)
})

test('a deleted room is silent at once for all, and nothing of it counts any more', { timeout: 60000 }, async () => {
  const [ole, ada, bo] = await arrive('ole', 'ada', 'bo')
  const usage = subject => stack.sql('chat', `SELECT string_agg(quota || ' ' || used, ', ' ORDER BY quota) FROM usage WHERE subject = '${subject}' AND used > 0`)
  const { id: room } = await ole.makesRoom({ open: true, members: ['ada'], client_key: 'once and again' })
  for (const person of [ole, ada, bo]) await person.joins(room)
  await ada.says(room, 'the last word')
  assert.deepEqual([await usage('ole'), await usage('bo')], ['members 2, rooms 1', 'members 1'])
  await ole.calls('room:delete', { room })
  for (const person of [ole, ada, bo]) {
    await until(`${person.name} is told`, () => person.events.some(([event, change]) => event === 'room:removed' && change.room === room))
    for (const event of ['room:get', 'room:join', 'member:list']) await person.isRefused(event, { room }, 'not_found')
    await settles('the log', 'not_found', () => person.emits('message:list', { room }))
    await sends(person, room, 'not_found')
    assert.deepEqual((await person.calls('room:list', {})).rooms, [])
  }
  assert.deepEqual([await usage('ole'), await usage('bo')], ['', ''])
  assert.notEqual((await ole.makesRoom({ client_key: 'once and again' })).id, room)
  leave(ole, ada, bo)
})
