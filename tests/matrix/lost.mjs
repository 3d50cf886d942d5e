// lost.mjs - a member who joined a closed room loses a right, with its socket away or there: what becomes of it.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Person, tokenFor } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'
import { answersREST, codeOfAnswer, comesBack, over } from './callers.mjs'

const RULES = [{ effect: 'allow', namespaces: ['/chat'], actions: ['connect', 'emit', 'subscribe', 'history'] }]

/** A member with a key and a policy of its own, sitting in a room. */
async function member(scene, transport) {
  const { stack } = scene, owner = scene.hosts.owner, policy = `lou-${randomUUID().slice(0, 8)}`
  const putPolicy = async rules => {
    const file = join(stack.dir, `${policy}.json`)
    writeFileSync(file, JSON.stringify(rules))
    await stack.authctl('policy', 'put', policy, file)
  }
  await putPolicy(RULES)
  const { id, key } = await stack.authctl('key', 'issue', '--name', 'lou', '--policy', policy)
  const room = (await owner.makesRoom({ open: false, members: [policy] })).id
  const token = await tokenFor(stack, key, policy)
  await answersREST(stack, token, 'ok') // it knows the policy
  const lou = await new Person(stack, policy, token).connects(over(transport))
  await lou.joins(room)
  await owner.says(room, 'before')
  await lou.hears('before')
  return { stack, owner, lou, room, id, key, putPolicy, subject: policy }
}

const aboutRoom = ({ room }) => [{ effect: 'allow' }, { effect: 'deny', rooms: [room] }]
const messages = room => `/api/v1/rooms/${room}/messages`

/** How each right is lost. Away: until it holds. There: `token` is renewed, or the rest comes to the socket by itself. */
const ways = {
  'nothing is lost': async () => {},
  'it is removed from the room': ({ owner, room, subject }) => owner.calls('room:remove', { room, member: subject }),
  async 'it is removed, and invited again'({ owner, room, subject }) {
    await owner.calls('room:remove', { room, member: subject })
    await owner.calls('room:invite', { room, members: [subject] })
  },
  async 'its policy denies the room'({ stack, lou, room, putPolicy }) {
    await putPolicy([...RULES, { effect: 'deny', rooms: [room] }])
    await answersREST(stack, lou.token, 'forbidden', messages(room))
  },
  async 'its policy denies the namespace'({ stack, lou, room, putPolicy }) {
    await putPolicy([...RULES, { effect: 'deny', namespaces: ['/chat'] }])
    await answersREST(stack, lou.token, 'forbidden', messages(room))
  },
  async 'its key is revoked'({ stack, lou, id }) {
    await stack.authctl('key', 'revoke', id)
    await answersREST(stack, lou.token, 'key_revoked')
  },
  async 'its key is disabled'({ stack, lou, id }) {
    await stack.authctl('key', 'disable', id)
    await answersREST(stack, lou.token, 'key_disabled')
  },
  async 'its key gets a policy that denies the namespace'({ stack, lou, id, room }) {
    const file = join(stack.dir, 'elsewhere.json')
    writeFileSync(file, JSON.stringify([{ effect: 'allow', namespaces: ['/share'] }]))
    await stack.authctl('policy', 'put', 'elsewhere', file)
    await stack.authctl('key', 'edit', id, '--policy', 'elsewhere')
    await answersREST(stack, lou.token, 'forbidden', messages(room))
  },
  async "its key's time is over"({ stack, lou, id }) {
    await stack.authctl('key', 'edit', id, '--expires', '1')
    await answersREST(stack, lou.token, 'key_expired')
  },
  async 'its key is bound to other networks'({ stack, lou, id }) {
    await stack.authctl('key', 'edit', id, '--network', '127.0.5.0/24', '--bind-tokens')
    await answersREST(stack, lou.token, 'address_refused')
  },
  async 'it brings a token whose cap denies the room'(it) { it.renewed = await tokenFor(it.stack, it.key, it.subject, { cap: aboutRoom(it) }) },
  async 'it brings the token of another'(it) { it.renewed = await tokenFor(it.stack, it.key, 'eve') },
}

/** What is said from now on is heard, or is not there when another answer is. */
async function hearsRoom({ owner, lou, room }, hears, why) {
  await owner.says(room, `after ${why}`)
  await until('it is on its way', () => owner.heard.some(message => message.body === `after ${why}`))
  if (hears) await lou.hears(`after ${why}`)
  await lou.emits('no:such', {})
  assert.equal(lou.heard.some(message => message.body === `after ${why}`), hears, `hears what is said ${why}`)
}

async function isAnswered({ lou, room }, expected) {
  const answers = {
    join: codeOfAnswer(await lou.emits('room:join', { room })),
    send: codeOfAnswer(await lou.emits('message:send', { room, id: randomUUID(), body: 'still here' })),
    list: codeOfAnswer(await lou.emits('message:list', { room })),
  }
  assert.deepEqual(answers, { join: expected.join, send: expected.send, list: expected.list })
}

export async function losesAway(scene, loss, expected, transport) {
  const it = await member(scene, transport), { owner, lou, room } = it
  const { id } = lou.socket, gone = line => line.includes('"gateway.disconnect"') && line.includes(`"${id}"`)
  await owner.joins(room)
  await lou.losesConnection()
  await until('the gateway knows that it is away', () => it.stack.log('gateway-1').split('\n').some(gone))
  await ways[loss](it)
  if (it.renewed) lou.token = it.renewed
  await owner.says(room, 'missed')
  assert.equal(await comesBack(lou), expected.connects)
  if (expected.hears === undefined) return lou.leaves()
  await hearsRoom(it, expected.hears, 'it came back')
  assert.equal(lou.heard.some(message => message.body === 'missed'), expected.hears, 'hears what was said meanwhile')
  await isAnswered(it, expected)
  lou.leaves()
}

export async function losesPresent(scene, loss, { present, ...expected }, transport) {
  const it = await member(scene, transport), { owner, lou, room } = it
  await owner.joins(room)
  const ended = new Promise(resolve => lou.socket.once('disconnect', resolve))
  await ways[loss](it)
  if (it.renewed) assert.equal(codeOfAnswer(await lou.emits('auth:refresh', { token: it.renewed })), present === 'renewed not' ? 'forbidden' : 'ok')
  if (present === 'put out') await lou.hearsEvent('room:removed')
  if (!['stays', 'put out', 'renewed not'].includes(present)) {
    await ended
    assert.deepEqual(lou.events.filter(([event]) => event === 'error').map(([, failure]) => failure.code), [present])
    return lou.leaves()
  }
  await hearsRoom(it, present !== 'put out', 'since')
  assert.equal(lou.events.filter(([event]) => event === 'room:removed').length, present === 'put out' ? 1 : 0)
  await isAnswered(it, present === 'renewed not' ? { join: 'ok', send: 'ok', list: 'ok' } : expected)
  lou.leaves()
}

/** A member joins while the owner removes it, a few answers earlier or later: whatever it is told, it does not stay. */
export async function losesWhileJoining(scene, { rounds = 40, rooms = 8 } = {}) {
  const { owner, lou, subject } = await member(scene, 'websocket')
  const told = new Set()
  for (let round = 0; round < rounds; round++) {
    const ids = await Promise.all(Array.from({ length: rooms }, async () => (await owner.makesRoom({ open: false, members: [subject] })).id))
    await Promise.all(ids.map(async (room, i) => {
      const joining = lou.emits('room:join', { room })
      for (let answers = (round + i) % 5; answers > 0; answers--) await owner.emits('no:such', {})
      await owner.calls('room:remove', { room, member: subject })
      told.add(codeOfAnswer(await joining))
    }))
    await Promise.all(ids.map(async room => { await owner.joins(room); await owner.says(room, 'to who is left') }))
    await until('all are on their way', () => ids.every(room => owner.heard.some(message => message.room === room)))
    await lou.emits('no:such', {})
    assert.deepEqual(lou.heard.filter(message => ids.includes(message.room)), [], `round ${round}`)
    await Promise.all(ids.map(room => owner.calls('room:leave', { room })))
  }
  assert.ok(told.has('ok'), 'none joined before it was removed')
  lou.leaves()
}

/**
 * A member's connection is taken up again while the owner removes it, a few answers earlier or later, with the owner listening to
 * the rooms or nobody: whatever became of it, it hears nothing that was said to who is left.
 */
export async function losesWhileComingBack(scene, { rounds = 60 } = {}) {
  const { owner, lou, room: first, subject } = await member(scene, 'websocket')
  await owner.joins(first)
  const became = new Set()
  for (let round = 0; round < rounds; round++) {
    const { id: room } = await owner.makesRoom({ open: false, members: [subject] })
    if (round % 2) await owner.joins(room)
    await lou.joins(room)
    await lou.losesConnection()
    const back = comesBack(lou)
    for (let answers = round % 12; answers > 0; answers--) await owner.emits('no:such', {})
    await owner.calls('room:remove', { room, member: subject })
    const recovered = await back === 'recovered'
    const { seq } = await owner.says(room, 'to who is left')
    if (round % 2 === 0) await owner.joins(room, 0)
    await until('it is on its way', () => owner.heard.some(message => message.room === room && message.seq === seq))
    await lou.emits('no:such', {})
    assert.deepEqual(lou.heard.filter(message => message.room === room), [], `round ${round}, recovered: ${recovered}`)
    became.add(recovered)
    await owner.calls('room:leave', { room })
    if (!recovered) await lou.joins(first)
  }
  assert.ok(became.has(true), 'none was taken up before it was removed')
  lou.leaves()
}
