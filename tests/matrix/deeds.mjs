// deeds.mjs - what the callers do: the rooms that it is done to, and the same arguments over REST and over a socket.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { Person, request } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'
import { codeOfAnswer, over, transports, tryConnect } from './callers.mjs'
import { contract, eventName, routeName } from './rows.mjs'

const send = ({ room }) => ({ room, id: randomUUID(), body: 'a message' })

/** What a FORM row takes. */
const aForm = () => ({ raw: '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\na file\r\n--b--\r\n', headers: { 'content-type': 'multipart/form-data; boundary=b' } })

/** The arguments of each deed, in a state; `at` has the room or the conversation. */
const args = {
  'room:create': () => ({ name: 'a room' }),
  'room:list': () => ({}),
  'room:join': ({ room }, state) => ({ room, ...(state.includes('from a seq') ? { since: 0 } : {}) }),
  'room:leave': ({ room }) => ({ room }),
  'room:invite': ({ room }) => ({ room, members: ['somebody new'] }),
  'room:remove': ({ room }, state, caller) => ({ room, member: state.startsWith('itself') ? caller.subject ?? 'olga' : 'vic' }),
  'message:send': send,
  'message:list': ({ room }) => ({ room }),
  'room:event': ({ room }) => ({ room, event: 'order:ready', data: { table: 7 } }),
  'conversation:create': () => ({ name: 'a conversation', data: {} }),
  'conversation:get': ({ conversation }) => ({ conversation }),
  'media:create': () => ({}),
  'media:get': ({ media }) => ({ media, name: 'any name' }),
  'media:delete': ({ media }) => ({ media }),
  'token:issue': (at, state, caller) => ({ api_key: caller.key, ...(caller.asks ?? { subject: caller.subject }) }),
  'keys:read': () => ({}),
  relay: ({ room }) => ({ room, x: 1 }),
}

const isJoined = state => state.includes('joined') && !state.includes('not joined')

/** What a deed is done to, made anew for each time that it is done. */
export class Scene {
  constructor(stack, callers) { Object.assign(this, { stack, callers, hosts: {} }) }

  /** Sockets that make the rooms: one for each subject that owns some, and one whom others may remove. */
  async opens() {
    const host = async (name, caller) => { this.hosts[name] = await new Person(this.stack, `${name}'s host`, caller.start).connects(over('websocket')) }
    await Promise.all(['owner', 'acting', 'ungranted'].map(name => host(name, this.callers[name])))
    const { backend, stranger } = this.callers
    this.mediaOfAnother = { stranger: await this.media(backend.start) }
    this.mediaOfOthers = await this.media(stranger.start)
    this.conversationOf = {}
    for (const caller of Object.values(this.callers)) this.conversationOf[caller.name] = await this.conversation(caller.start)
    this.anothers = await this.conversation(backend.start)
    this.another = await this.conversation(stranger.start)
  }

  async conversation(token) {
    const answer = await request(this.stack, 'POST', '/api/v1/conversations', { token, body: { name: 'a conversation', data: {} } })
    assert.equal(answer.status, 201, answer.text)
    return answer.json.data.id
  }

  async media(token) {
    const answer = await request(this.stack, 'POST', '/api/v1/media', { token, ...aForm() })
    assert.equal(answer.status, 201, answer.text)
    return answer.json.data.id
  }

  hostOf(caller) { return this.hosts[caller.name] ?? this.hosts.owner }

  /** A room in which the caller is what it is; a message is in its log. */
  async room(caller, open, { joinedBy } = {}) {
    const host = this.hostOf(caller), members = ['vic', ...(['member', 'removed'].includes(caller.role) ? [caller.subject] : [])]
    const { id: room } = await host.makesRoom({ open, members })
    await host.says(room, 'the first')
    if (joinedBy) await joinedBy.emits('room:join', { room })
    if (caller.role === 'removed') {
      await host.calls('room:remove', { room, member: caller.subject })
      if (joinedBy) await until(`${joinedBy.name} is put out`, () => joinedBy.events.some(([event, change]) => event === 'room:removed' && change.room === room))
    }
    return { room }
  }

  async at(deed, state, caller, person) {
    if (deed === 'conversation:get')
      return { conversation: state === 'missing' ? randomUUID() : state === "one's own" ? this.conversationOf[caller.name] : caller.name === 'stranger' ? this.anothers : this.another }
    if (deed === 'media:get' || deed === 'media:delete')
      return { media: state === 'missing' ? randomUUID() : state === "one's own" ? await this.media(caller.start) : this.mediaOfAnother[caller.name] ?? this.mediaOfOthers }
    if (state === 'missing') return { room: randomUUID() }
    if (!/open|closed/.test(state)) return {}
    return this.room(caller, state.includes('open'), { joinedBy: isJoined(state) ? person : undefined })
  }
}

/** Over REST: what stands in the path comes from the arguments; the rest is the body, or of a GET the query. */
export async function overREST(scene, row, deed, state, caller) {
  const rest = args[deed](await scene.at(deed, state, caller), state, caller)
  const path = row.path.replace(/\{(\w+)\}/g, (_, name) => {
    const value = rest[name]
    delete rest[name]
    return encodeURIComponent(value)
  })
  const query = row.http === 'GET' && Object.keys(rest).length ? `?${new URLSearchParams(rest)}` : ''
  const answer = await request(scene.stack, row.http, path + query,
    { token: row.who === 'BEARER' ? caller.bearer : undefined, ...(row.body === 'FORM' ? aForm() : ['POST', 'PUT', 'PATCH'].includes(row.http) ? { body: rest } : {}) })
  if (answer.status < 400) return 'ok'
  const code = answer.json?.error?.code
  assert.equal(answer.status, contract.errors[code], `${code} came with ${answer.status}`)
  return code
}

/** Over a socket that is there, or was refused. */
export async function overSocket(scene, event, deed, state, caller, socket) {
  if (socket.refused) return socket.refused
  return codeOfAnswer(await socket.person.emits(event, args[deed](await scene.at(deed, state, caller, socket.person), state, caller)))
}

export async function overConnect(scene, namespace, caller, transport) {
  const { person, refused } = await tryConnect(new Person(scene.stack, caller.name, caller.token), { ...over(transport), namespace })
  person?.leaves()
  return refused ?? 'ok'
}

/**
 * All that a row asks for in one state: each path with a function that does it and says what was answered. A state of a
 * joined socket is none of REST.
 */
export function waysOf(scene, row, deed, state, caller, sockets) {
  if (deed === 'connect') return Object.keys(transports).map(transport => [transport, () => overConnect(scene, state, caller, transport)])
  const route = contract.routes.find(one => routeName(one) === row)
  if (route) return isJoined(state) ? [] : [['REST', () => overREST(scene, route, deed, state, caller)]]
  const event = deed === 'relay' ? 'typing' : contract.events.find(on => eventName(on) === row).event
  return Object.entries(sockets[caller.name]).map(([path, socket]) => [path, () => overSocket(scene, event, deed, state, caller, socket)])
}

