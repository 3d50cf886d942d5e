// n_ends - what ends for a person when something happens to them: sockets, requests and sessions, on every gateway, also one that was cut off.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { everybodyLeaves, Person, request, tokenFor } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { startSink } from '../lib/smtp_sink.mjs'
import { startStack } from '../lib/stack.mjs'
import { codeOf, stepNow } from '../lib/totp.mjs'
import { until } from '../lib/wait.mjs'

const password = 'a heron at the weir'
let stack, sink, doors, key
before(async () => {
  const port = await freePorts()
  sink = await startSink(port)
  stack = await startStack({ gateways: 2, ownPorts: true, env: { MADANG_CALL_BUDGET_MS: '30000', MADANG_AUTH_REGISTRATION: 'open', MADANG_AUTH_SMTP_URL: `smtp://127.0.0.1:${port}`, MADANG_AUTH_SMTP_TLS: '0', MADANG_AUTH_MAIL_FROM: 'gate@madang.example' } })
  doors = stack.gatewayPorts.map(port => ({ url: `https://127.0.0.1:${port}`, ca: stack.ca }))
  key = await stack.issueKey({ more: ['--act-as-users'] })
})
after(async () => {
  for (const door of doors ?? []) everybodyLeaves(door)
  await stack?.stop()
  await sink?.stop()
})

const call = (method, path, body, token, door = doors[0]) => request(door, method, `/api/v1/${path}`, { body, token })
async function ok(answer) {
  assert.ok((await answer).status < 300, (await answer).text)
  return (await answer).json?.data
}
const connects = (door, name, token) => new Person(door, name, token).connects({ transports: ['websocket'], reconnection: false })
const codeAt = async (door, token) => (await call('GET', 'rooms', undefined, token, door)).json.error?.code ?? 'ok'
const refreshes = async session => (await call('POST', 'auth/refresh', { refresh_token: session.refresh_token })).json.error?.code ?? 'ok'
const logIn = email => ok(call('POST', 'auth/login', { email, password }))

/** Somebody with two sessions and a token that a back end has for them: each with a socket at both gateways. */
async function arrives(nickname) {
  const email = `${nickname}@example.org`
  await ok(call('POST', 'auth/register', { email, password, nickname }))
  const { user } = await ok(call('POST', 'auth/verify', { token: (await sink.next(email)).token }))
  const mine = await logIn(email), other = await logIn(email)
  const tokens = { mine: mine.access_token, other: other.access_token, key: await tokenFor(doors[0], key, user.id) }
  const sockets = Object.fromEntries(await Promise.all(Object.entries(tokens).map(async ([whose, token]) => [whose, await Promise.all(doors.map(door => connects(door, `${nickname}'s ${whose}`, token)))])))
  return { nickname, email, id: user.id, mine, other, tokens, sockets, as: (method, path, body) => ok(call(method, path, body, mine.access_token)) }
}

/** What happens, and whose sockets, tokens and refreshes are over then; `tokens` alone: a refresh brings others. */
const happenings = {
  'disabled': { does: one => stack.authctl('user', 'disable', one.nickname), ends: ['mine', 'other', 'key'] },
  'deleted': { does: one => one.as('DELETE', 'users/me'), ends: ['mine', 'other', 'key'] },
  'banned': { does: one => stack.authctl('ban', 'add', '--subject', one.id), ends: ['mine', 'other', 'key'] },
  'another password': { does: one => one.as('PUT', 'users/me/password', { password, new_password: 'two herons at the weir' }), ends: ['other'] },
  'another password by mail': {
    async does(one) {
      await call('POST', 'auth/reset', { email: one.email })
      await ok(call('POST', 'auth/reset/confirm', { token: (await sink.next(one.email)).token, password: 'two herons at the weir' }))
    },
    ends: ['mine', 'other'],
  },
  'another e-mail': {
    async does(one) {
      await one.as('PUT', 'users/me/email', { email: `new.${one.email}` })
      await ok(call('POST', 'auth/email', { token: (await sink.next(`new.${one.email}`)).token }))
    },
    ends: ['mine', 'other'],
  },
  'another factor': {
    async does(one) {
      const { secret } = await one.as('POST', 'auth/totp', {})
      await one.as('POST', 'auth/totp/confirm', { code: codeOf(secret, stepNow()) })
    },
    ends: ['other'],
  },
  'another policy': { does: one => stack.authctl('user', 'set-policy', one.nickname, 'read-only'), ends: ['mine', 'other', 'key'], refreshed: ['mine', 'other'] },
  'the end of all sessions': { does: one => one.as('DELETE', 'auth/sessions'), ends: ['mine', 'other'] },
  'the end of the others': { does: one => one.as('DELETE', 'auth/sessions?others=true'), ends: ['other'] },
}

for (const [what, { does, ends, refreshed = ['mine', 'other', 'key'].filter(whose => !ends.includes(whose)) }] of Object.entries(happenings))
  test(`${what}: what ends, ends on both gateways, and nothing else`, async () => {
    const one = await arrives(what.replaceAll(' ', '-').replaceAll('the-', '').slice(0, 20))
    await does(one)
    for (const [whose, sockets] of Object.entries(one.sockets)) {
      if (ends.includes(whose)) await until(`${whose} is gone`, () => sockets.every(({ socket }) => !socket.connected))
      for (const door of doors) {
        const code = await codeAt(door, one.tokens[whose])
        assert.equal(code === 'ok', !ends.includes(whose), `${whose}: ${code}`)
      }
    }
    for (const whose of ['mine', 'other']) {
      const code = await refreshes(one[whose])
      assert.equal(code === 'ok', refreshed.includes(whose), `the refresh of ${whose}: ${code}`)
    }
    for (const [whose, sockets] of Object.entries(one.sockets))
      if (!ends.includes(whose)) for (const person of sockets) await person.makesRoom()
  })

/** The same to five who have nothing in common, by whoever may: a user, a session, two keys, a policy. */
async function strangers(name) {
  const policy = `policy-${name}`, file = join(stack.dir, `${policy}.json`)
  const rules = actions => writeFileSync(file, JSON.stringify([{ effect: 'allow', actions }]))
  rules(['connect', 'emit', 'history'])
  await stack.authctl('policy', 'put', policy, file)
  const [user, guest] = [await arrives(`${name}-user`), await arrives(`${name}-guest`)]
  const keys = { revoked: await stack.issueKey(), edited: await stack.issueKey(), policy: await stack.issueKey({ policy }) }
  const tokens = { disabled: user.tokens.mine, 'session ended': guest.tokens.other }
  for (const [what, key] of Object.entries(keys)) tokens[what] = await tokenFor(doors[0], key, `${name}-${what}`)
  const id = what => keys[what].split('_')[1]
  return {
    tokens, stays: guest.tokens.mine, user, guest,
    sockets: await Promise.all(Object.entries(tokens).map(([what, token]) => connects(doors[1], `${name}: ${what}`, token))),
    async end() {
      await stack.authctl('user', 'disable', user.id)
      await stack.authctl('session', 'logout', guest.other.session)
      await stack.authctl('key', 'revoke', id('revoked'))
      await stack.authctl('key', 'edit', id('edited'), '--policy', 'read-only')
      rules(['connect'])
      await stack.authctl('policy', 'put', policy, file)
    },
    /** The same, by hand with psql, when there is no auth. */
    endInDatabase: () => stack.sql('auth', `
      SELECT trust_note('subject', '${user.id}', date_trunc('second', now()), now() + interval '1 hour');
      SELECT trust_note('session', '${guest.other.session}', date_trunc('second', now()), now() + interval '1 hour');
      UPDATE api_key SET revoked_at = now() WHERE id = '${id('revoked')}';
      UPDATE api_key SET policy = 'read-only' WHERE id = '${id('edited')}';
      UPDATE policy SET rules = '[{"effect": "allow", "actions": ["connect"]}]', version = version + 1 WHERE name = '${policy}'`),
  }
}
const makesRoom = (token, door, agent) => request(door, 'POST', '/api/v1/rooms', { body: { name: 'a room' }, token, agent })
const over = { disabled: 'session_ended', 'session ended': 'session_ended', revoked: 'key_revoked', edited: 'forbidden', policy: 'forbidden' }

test('a gateway that stood still obeys each of these before it serves anybody again', async () => {
  const all = await strangers('still'), pid = stack.pid('gateway-2'), stopped = Date.now()
  const each = Object.entries({ ...all.tokens, stays: all.stays }).map(([what, token]) => [what, token, new https.Agent({ ca: stack.ca, keepAlive: true })])
  for (const [, token, agent] of each) await ok(makesRoom(token, doors[1], agent)) // whose connection is there when it goes on
  let asked, said
  process.kill(pid, 'SIGSTOP')
  try {
    await all.end()
    asked = each.map(([what, token, agent]) => [what, makesRoom(token, doors[1], agent)])
    said = all.sockets.map(person => person.emits('room:create', { name: 'a room' }).then(({ error }) => error?.code ?? 'ok', () => 'no answer'))
    await until('it stood still for a while', () => Date.now() - stopped > 1500)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  for (const [what, answer] of asked) assert.equal((await answer).json.error?.code ?? 'ok', over[what] ?? 'ok', what)
  for (const answer of await Promise.all(said)) assert.ok(['no answer', 'forbidden'].includes(answer), answer)
  for (const [,, agent] of each) agent.destroy()
})

test('a gateway that was cut off from auth obeys each of these when it is back', async () => {
  const all = await strangers('away'), pid = stack.pid('auth')
  process.kill(pid, 'SIGSTOP')
  await all.endInDatabase() // of which the process that stands still tells nobody any more
  await stack.kill('auth')
  await stack.ready()
  for (const [what, token] of Object.entries(all.tokens))
    for (const door of doors) await until(`${what} is over`, async () => (await makesRoom(token, door)).json.error?.code === over[what])
  await until('sockets of what ended are gone', () => all.sockets.slice(0, 3).every(({ socket }) => !socket.connected))
  for (const person of all.sockets.slice(3)) await person.isRefused('room:create', { name: 'a room' }, 'forbidden')
  assert.equal((await makesRoom(all.stays, doors[1])).status, 201)
})
