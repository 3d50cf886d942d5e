// callers.mjs - the callers of expectations.mjs with their keys and tokens, and their sockets over every path.
import assert from 'node:assert/strict'
import parser from 'socket.io-msgpack-parser'
import { wrongKey } from '../lib/keys.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'
import { callers } from './expectations.mjs'

export const MSGPACK_PATH = '/socket.io-msgpack/'
/** Settings of the stack that all this needs; more rooms than that on one socket are not put on record. */
export const RECOVERY_ROOMS_MAX = 8
export const env = { MADANG_CHAT_PUSH_SERVICES: 'localhost', MADANG_GATEWAY_MSGPACK_PATH: MSGPACK_PATH, MADANG_GATEWAY_RECOVERY_ROOMS_MAX: String(RECOVERY_ROOMS_MAX) }

export const transports = {
  websocket: { transports: ['websocket'] },
  polling: { transports: ['polling'] },
  msgpack: { transports: ['websocket'], path: MSGPACK_PATH, parser },
}

/** How a caller comes to its socket: straight, by taking up a connection that it lost, or by renewing the token of one. */
export const paths = [...Object.keys(transports), 'recovered', 'renewed']

const USER = '01a1fcfe-3db8-7efb-9c34-fc5b361312f6', FORMER_USER = '01a1fcfe-3db8-7efb-9c34-fc5b361312f7'
const HEARS = [{ effect: 'allow', actions: ['connect', 'subscribe'] }]
const CONNECTS = [{ effect: 'allow', actions: ['connect'] }]

/** Who is what in a room that is made for a caller. */
export const roles = {
  owner: 'owner', acting: 'owner', ungranted: 'owner', user: 'owner', capped: 'owner', anonymous: 'owner', expired: 'owner', revoked: 'owner', elsewhere: 'owner', forged: 'owner',
  member: 'member', another_key: 'member', read_only: 'member', listener: 'member', removed: 'removed', stranger: 'none', backend: 'none', admin: 'none',
}

/** Options of a Person that come over a transport. */
export const over = transport => ({ ...transports[transport], reconnection: false })

const codeOf = error => error.data?.code ?? (error.message === 'Invalid namespace' ? 'no_namespace' : error.message)

/** What CONNECT is answered: the person, or the code. */
export async function tryConnect(person, options) {
  try {
    return { person: await person.connects(options) }
  } catch (error) {
    person.leaves()
    return { refused: codeOf(error) }
  }
}

/** Connect again; `recovered`, `anew`, or the code. */
export async function comesBack(person) {
  try {
    return await person.comesBack() ? 'recovered' : 'anew'
  } catch (error) {
    return codeOf(error)
  }
}

export const codeOfAnswer = answer => answer?.error?.code ?? 'ok'

/** Until the gateway answers a request with this token so: it has heard of a change. */
export const answersREST = (stack, token, code, path = '/api/v1/rooms') =>
  until(`the gateway answers ${code}`, async () => ((await request(stack, 'GET', path, { token })).json?.error?.code ?? 'ok') === code)

const account = { email: 'uma@example.org', password: 'only Uma knows', nickname: 'uma' }

/** A user, and a session of hers that began long ago: `start` is her token, which no key has a part in. */
async function registered(stack) {
  const made = await request(stack, 'POST', '/api/v1/auth/register', { body: account })
  assert.equal(made.status, 201, made.text)
  const { access_token: token } = await signsIn(stack)
  await stack.sql('auth', "UPDATE session SET authenticated_at = now() - interval '1 hour'")
  return { subject: made.json.data.user.id, account, token, start: token }
}

/** Another session of hers. */
export async function signsIn(stack) {
  const answer = await request(stack, 'POST', '/api/v1/auth/login', { body: { email: account.email, password: account.password } })
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}

/**
 * The callers: each { subject, bearer, token, key, start }. `bearer` is what it brings over REST, `token` what its sockets
 * bring, `key` and `subject` what it asks for a token with, `start` a token of the same subject that may everything: with it
 * begin the connections that are taken up and the tokens that are renewed. Who lost its right has an `earlier` socket that
 * was there before, and `ended`, a promise of its end.
 */
export async function makeCallers(stack) {
  await stack.authctl('quota', 'set', 'scheduled', '100000', '--default') // so many wait, of few subjects
  const issue = (policy, ...more) => stack.authctl('key', 'issue', '--name', 'matrix', '--policy', policy, ...more)
  const [client, other, acting, ungranted, backend, admin, readOnly, revoked, elsewhere] = await Promise.all([
    issue('chat-client'), issue('chat-client'), issue('chat-backend', '--act-as-users'), issue('chat-backend', '--act-as-users'), issue('chat-backend'),
    issue('admin'), issue('read-only'), issue('chat-client'), issue('chat-client')])

  const bySubject = async (key, subject, more) => ({ key: key.key, subject, token: await tokenFor(stack, key.key, subject, more), start: await tokenFor(stack, client.key, subject) })
  const byKeyOnly = async (key, subject) => {
    const token = await tokenFor(stack, key.key, subject)
    return { key: key.key, subject: subject ?? `key:${key.id}`, token, start: token }
  }
  const made = {
    owner: await bySubject(client, 'olga'), member: await bySubject(client, 'mia'), stranger: await bySubject(client, 'stan'), removed: await bySubject(client, 'rita'),
    another_key: await bySubject(other, 'mia'), acting: await byKeyOnly(acting, USER), ungranted: { ...await byKeyOnly(ungranted, FORMER_USER), start: await tokenFor(stack, acting.key, FORMER_USER) },
    user: await registered(stack), backend: await byKeyOnly(backend),
    admin: await bySubject(admin, 'adam'), read_only: await bySubject(readOnly, 'mia'), listener: await bySubject(client, 'mia', { cap: HEARS }),
    capped: await bySubject(client, 'olga', { cap: CONNECTS }), anonymous: { start: await tokenFor(stack, client.key, 'olga') },
    expired: await bySubject(client, 'olga', { ttl_s: 10 }), revoked: await bySubject(revoked, 'olga'), elsewhere: await bySubject(elsewhere, 'olga'),
    forged: await bySubject(client, 'olga'),
  }
  assert.deepEqual(Object.keys(made), Object.keys(callers))
  for (const [name, one] of Object.entries(made)) Object.assign(one, { name, role: roles[name], bearer: one.token })
  made.backend.bearer = backend.key
  made.backend.asks = {} // for itself, without a subject
  made.forged.key = wrongKey(client.id)
  const [head, claims] = made.forged.token.split('.')
  made.forged.token = made.forged.bearer = [head, claims, made.owner.token.split('.')[2]].join('.')

  const lose = async (one, lost) => {
    one.earlier = await new Person(stack, `${one.name}, earlier`, one.token).connects(over('websocket'))
    one.ended = new Promise(resolve => one.earlier.socket.once('disconnect', resolve))
    await lost?.()
  }
  await lose(made.expired)
  await lose(made.revoked, () => stack.authctl('key', 'revoke', revoked.id))
  await lose(made.elsewhere, () => stack.authctl('key', 'edit', elsewhere.id, '--network', '127.0.5.0/24', '--bind-tokens'))
  await lose(made.ungranted, () => stack.authctl('key', 'edit', ungranted.id, '--no-act-as-users'))
  await Promise.all([made.expired, made.revoked, made.elsewhere, made.ungranted].map(one => one.ended))
  return made
}

/** A caller's socket over one path: { person }, or { refused: code } where it gets none or may not renew its token. */
export async function socketOver(stack, path, caller) {
  if (path in transports) return tryConnect(new Person(stack, `${caller.name}, ${path}`, caller.token), over(path))
  const person = await new Person(stack, `${caller.name}, ${path}`, caller.start).connects(over('websocket'))
  if (path === 'renewed') {
    const code = codeOfAnswer(await person.emits('auth:refresh', caller.token ? { token: caller.token } : {}))
    if (code === 'ok') return { person }
    person.leaves()
    return { refused: code }
  }
  await person.losesConnection()
  person.token = caller.token
  const back = await comesBack(person)
  if (back === 'recovered') return { person }
  person.leaves()
  return { refused: back }
}
