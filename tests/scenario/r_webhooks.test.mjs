// r_webhooks - servers of other people are told what happens in a room: signed as Standard Webhooks has it, each thing at least once under one id,
// whatever the server answers and whoever is killed; and who looks after the room sees what became of it.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { Person } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { bin, root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const { webhook_events: types } = JSON.parse(execFileSync(join(bin, 'protodoc'), ['contract'], { encoding: 'utf8' }))
const LONG = 60000, PER_MINUTE = 1000, WAITING = 50
let stack, key, port, server
const receivers = new Map()

/** Somebody's server at a path of its own: what came, and how it answers. */
function aReceiver(answer = () => ({})) {
  const path = `/${randomUUID()}`, receiver = { path, came: [], answer, url: `http://127.0.0.1:${port}${path}` }
  receivers.set(path, receiver)
  return receiver
}
function serve(req, res) {
  const chunks = []
  req.on('data', chunk => chunks.push(chunk))
  req.on('end', async () => {
    const receiver = receivers.get(req.url), body = Buffer.concat(chunks).toString(), id = req.headers['webhook-id']
    const one = { id, headers: req.headers, body, is: JSON.parse(body), nth: receiver.came.filter(other => other.id === id).length + 1 }
    receiver.came.push(one)
    const { status = 204, headers = {}, text = '' } = await receiver.answer(one)
    one.status = status
    res.writeHead(status, headers).end(text)
  })
}

before(async () => {
  port = await freePorts(1)
  server = createServer(serve)
  await new Promise(resolve => server.listen(port, '127.0.0.1', resolve))
  stack = await startStack({
    env: {
      MADANG_CHAT_WEBHOOK_RETRY_S: '1', MADANG_CHAT_WEBHOOKS_MAX: '4', MADANG_CHAT_WEBHOOK_PER_MINUTE: String(PER_MINUTE), MADANG_CHAT_WEBHOOK_WAITING_MAX: String(WAITING),
      MADANG_FETCH_PLAIN: '1', MADANG_FETCH_INSIDE: '127.0.0.1', MADANG_FETCH_PORTS: String(port),
    },
  })
  key = await stack.issueKey()
})
after(async () => {
  server?.closeAllConnections()
  server?.close()
  await stack?.stop()
})

let n = 0
/** An owner and a member of a room. */
async function aRoom(more = {}) {
  const part = ++n, [owner, member] = await Promise.all(['owner', 'member'].map(async name => Object.assign(await Person.arrives(stack, key, `${name}-${part}`), { id: `${name}-${part}` })))
  const { id: room } = await owner.makesRoom({ open: false, members: [member.id], ...more })
  const speaks = async (who, body, thread) => until('the store knows', async () => {
    const answer = await who.emits('message:send', { room, id: randomUUID(), body, ...(thread ? { thread } : {}) })
    return answer.error ? undefined : answer
  }, LONG)
  return { room, owner, member, speaks, path: `/api/v1/rooms/${room}/webhooks`, leaves: () => [owner, member].forEach(person => person.leaves()) }
}
async function ok(answer) {
  const { status, json, text } = await answer
  assert.ok(status < 300, text)
  return json?.data
}
const makes = (at, receiver, more = {}) => ok(at.owner.rest('POST', at.path, { url: receiver.url, ...more }))
const shown = async (at, { id }) => (await ok(at.owner.rest('GET', at.path))).webhooks.find(one => one.id === id)
const deliveries = async (at, { id }, state) => (await ok(at.owner.rest('GET', `${at.path}/${id}/deliveries?limit=100${state ? `&state=${state}` : ''}`))).deliveries
const attempts = async (at, { id }) => (await ok(at.owner.rest('GET', `${at.path}/${id}/attempts?limit=100`))).attempts
const came = (receiver, matches = () => true, count = 1) => until('it came', () => {
  const all = receiver.came.filter(matches)
  return all.length >= count && all
}, LONG)
const says = text => one => one.is.data.text === text
const verifies = (secret, one) => new Webhook(secret).verify(one.body, one.headers)

/** Its job runs now, whatever it waits for. */
const due = ({ id }) => stack.sql('chat', `UPDATE webhook SET held_until = NULL WHERE id = '${id}'; UPDATE webhook_delivery SET due_at = now() WHERE webhook_id = '${id}' AND state = 'waiting';
  UPDATE job SET run_at = now() WHERE kind = 'webhook.send' AND key = '${id}' AND lease IS NULL; NOTIFY chat_jobs`)
const isDone = (at, hook) => until('nothing waits', async () => (await shown(at, hook)).waiting === 0, LONG)

test('each row of proto/webhooks.def is told, verified by the library, in the order of the log, and is a line of docs/webhooks.md', { timeout: 180000 }, async () => {
  const at = await aRoom(), receiver = aReceiver(), few = aReceiver(), { room, owner, member } = at
  const hook = await makes(at, receiver), ofFew = await makes(at, few, { events: ['reaction.add', 'member.change'] })
  const { seq } = await at.speaks(owner, '안녕 <b>&"\u0001')
  const { seq: reply } = await at.speaks(member, 'a reply', seq)
  await owner.calls('message:edit', { room, seq, id: randomUUID(), body: 'another text' })
  await owner.calls('reaction:add', { room, seq, emoji: '👍' })
  await owner.calls('reaction:remove', { room, seq, emoji: '👍' })
  await owner.calls('pin:add', { room, seq })
  await owner.calls('pin:remove', { room, seq })
  await came(receiver, one => one.is.type === 'pin.remove')
  await owner.calls('message:withhold', { room, seq: reply, reason: 'not here' })
  await owner.calls('message:release', { room, seq: reply, reason: 'after all' })
  await came(receiver, one => one.is.type === 'message.release')
  await owner.calls('message:delete', { room, seq: reply })
  await came(receiver, one => one.is.type === 'message.delete')
  await owner.calls('room:update', { room, topic: 'another topic' })
  await owner.calls('room:invite', { room, members: Array.from({ length: 40 }, (_, i) => `new ${i}`) })
  await owner.calls('member:role', { room, member: member.id, role: 'moderator' })
  await owner.calls('room:remove', { room, member: member.id })
  await ok(owner.rest('POST', `${at.path}/${hook.id}/test`))
  await came(receiver, one => one.is.type === 'webhook.test')
  await isDone(at, hook)

  for (const one of receiver.came) verifies(hook.secret, one)
  assert.throws(() => verifies(ofFew.secret, receiver.came[0]))
  assert.deepEqual([...new Set(receiver.came.map(one => one.is.type))].sort(), types.map(({ type }) => type).sort())
  const log = receiver.came.filter(one => one.is.data.seq)
  assert.deepEqual(log.map(({ is }) => [is.type, is.data.seq, is.data.target, is.data.text]), [
    ['message.send', 1, undefined, '안녕 <b>&"\u0001'], ['message.send', 2, undefined, 'a reply'], ['message.edit', 3, 1, 'another text'], ['reaction.add', 4, 1, '👍'],
    ['reaction.remove', 5, 1, '👍'], ['pin.add', 6, 1, undefined], ['pin.remove', 7, 1, undefined], ['message.withhold', 8, 2, 'not here'], ['message.release', 9, 2, 'after all'],
    ['message.delete', 10, 2, undefined]])
  assert.deepEqual([log[1].is.data.thread, log[1].is.data.sender, log[1].is.data.room], [seq, member.id, room])
  assert.equal(log[0].is.timestamp, new Date(log[0].is.data.at).toISOString())
  assert.equal(new Set(receiver.came.map(one => one.id)).size, receiver.came.length)
  const members = receiver.came.filter(one => one.is.type === 'member.change').map(({ is }) => is.data)
  assert.deepEqual(members.map(data => data.members.length), [30, 10, 1, 1])
  assert.deepEqual(members.slice(2), [{ room, by: owner.id, members: [{ subject: member.id, role: 'moderator' }] }, { room, by: owner.id, members: [{ subject: member.id, role: '' }] }])
  assert.deepEqual(receiver.came.find(one => one.is.type === 'room.change').is.data, { room, by: owner.id })

  await came(few, one => one.is.type === 'member.change', 4)
  assert.deepEqual([...new Set(few.came.map(one => one.is.type))].sort(), ['member.change', 'reaction.add'])
  const page = readFileSync(join(root, 'docs/webhooks.md'), 'utf8')
  for (const { type } of types) assert.match(page, new RegExp(`^\\|[^|]*\`${type}\``, 'm'))
  at.leaves()
})

test('the receiver of docs/webhooks.md takes what we send, once', { timeout: 120000 }, async () => {
  const at = await aRoom(), code = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/webhooks.md'), 'utf8'))[1], one = aReceiver()
  const hook = await makes(at, one), own = await freePorts(1)
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: join(root, 'tests'), env: { ...process.env, PORT: String(own), WEBHOOK_SECRET: hook.secret }, stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', data => { printed += data })
  try {
    one.answer = async ({ headers, body }) => {
      for (const times of [1, 2]) { // and a second time, as we might
        const { status } = await until(`it listens, ${times}`, () => fetch(`http://127.0.0.1:${own}/`, { method: 'POST', headers: Object.fromEntries(Object.entries(headers).filter(([name]) => /^webhook|content-type/.test(name))), body }).catch(() => undefined))
        assert.equal(status, 204)
      }
      const wrong = await fetch(`http://127.0.0.1:${own}/`, { method: 'POST', headers: { 'webhook-id': headers['webhook-id'], 'webhook-timestamp': headers['webhook-timestamp'], 'webhook-signature': headers['webhook-signature'] }, body: `${body} ` })
      assert.equal(wrong.status, 401)
      return {}
    }
    await at.speaks(at.owner, 'to the example')
    await came(one)
    await isDone(at, hook)
    await until('it is printed', () => printed)
    assert.equal(printed, `${at.owner.id}: to the example\n`)
    assert.equal((await deliveries(at, hook, 'done')).length, 1)
  } finally {
    child.kill()
  }
  at.leaves()
})

test('a secret is shown once and kept nowhere else; one that is changed signs beside the new one for as long as was said', { timeout: 120000 }, async () => {
  const at = await aRoom(), receiver = aReceiver(), body = { url: receiver.url, client_key: randomUUID() }
  const lost = await ok(at.owner.rest('POST', at.path, body)), hook = await ok(at.owner.rest('POST', at.path, body))
  assert.deepEqual([hook.id, hook.secret === lost.secret], [lost.id, false])
  assert.equal((await shown(at, hook)).secret, undefined)
  await at.speaks(at.owner, 'first')
  const [first] = await came(receiver, says('first'))
  verifies(hook.secret, first)
  assert.throws(() => verifies(lost.secret, first))
  const second = await ok(at.owner.rest('POST', `${at.path}/${hook.id}/rotate`, { overlap_s: 3600 }))
  assert.ok(second.former_until > Date.now() + 3000000 && second.secret !== hook.secret)
  await at.speaks(at.owner, 'both')
  const [both] = await came(receiver, says('both'))
  for (const secret of [hook.secret, second.secret]) verifies(secret, both)
  const third = await ok(at.owner.rest('POST', `${at.path}/${hook.id}/rotate`, { overlap_s: 0 }))
  await at.speaks(at.owner, 'one')
  const [one] = await came(receiver, says('one'))
  verifies(third.secret, one)
  for (const secret of [hook.secret, second.secret]) assert.throws(() => verifies(secret, one))
  const rows = await stack.sql('chat', "SELECT string_agg(w::text, ' ') || (SELECT string_agg(d::text, ' ') FROM webhook_delivery d) FROM webhook w"), logs = ['chat', 'store', 'gateway-1'].map(name => stack.log(name)).join()
  for (const secret of [lost, hook, second, third].map(made => made.secret.slice(6))) {
    const hex = Buffer.from(secret, 'base64').toString('hex'), text = Buffer.from(`whsec_${secret}`).toString('hex')
    for (const where of [rows, logs]) assert.ok(![secret, hex, text].some(what => where.includes(what)))
  }
  const audit = await until('the audit has it', async () => {
    const entries = (await stack.authctl('audit', 'list', '--target', at.room)).audit
    return entries.filter(({ what }) => what.startsWith('webhook.')).length >= 4 && entries
  }, LONG)
  assert.deepEqual(audit.filter(({ what }) => what.startsWith('webhook.')).map(({ what, who }) => [what, who]).sort(), [['webhook.create', at.owner.id], ['webhook.create', at.owner.id], ['webhook.rotate', at.owner.id], ['webhook.rotate', at.owner.id]])
  at.leaves()
})

test('what is not taken comes again, the same under the same id, and others of the room go on; no redirect is followed', { timeout: 120000 }, async () => {
  let fails = true
  const at = await aRoom(), elsewhere = aReceiver(), other = aReceiver()
  const receiver = aReceiver(({ is, nth, headers }) => !says('stubborn')({ is }) || !fails ? {} : nth === 1 ? { status: 500, text: `sorry, ${headers['webhook-signature']}` } : { status: 302, headers: { location: elsewhere.url } })
  const hook = await makes(at, receiver), ofOther = await makes(at, other)
  await at.speaks(at.owner, 'stubborn')
  await came(receiver, says('stubborn'), 2)
  await at.speaks(at.owner, 'easy')
  for (const one of [other, receiver]) await came(one, says('easy'))
  const waits = await until('it waits', async () => (await deliveries(at, hook, 'waiting')).find(({ attempts }) => attempts >= 2), LONG)
  const [last] = (await attempts(at, hook)).filter(({ delivery }) => delivery === waits.id)
  assert.ok(waits.attempts > 2 || waits.due_at >= last.at + 48000) // 60 times what the second one waited for, but a fifth

  // What comes while it is held has its turn when that is over, however late the other one's is.
  await stack.sql('chat', `UPDATE webhook_delivery SET due_at = now() + interval '1 hour' WHERE webhook_id = '${hook.id}'; UPDATE webhook SET held_until = now() + interval '3 seconds' WHERE id = '${hook.id}';
    UPDATE job SET run_at = now() + interval '1 hour' WHERE lease IS NULL AND (kind = 'webhook.sweep' OR (kind = 'webhook.send' AND key = '${hook.id}'))`)
  await at.speaks(at.owner, 'meanwhile')
  await came(receiver, says('meanwhile'))
  fails = false
  await due(hook)
  await isDone(at, hook)
  const tries = receiver.came.filter(says('stubborn'))
  assert.deepEqual(tries.map(({ id, body }) => [id, body]), tries.map(() => [tries[0].id, tries[0].body]))
  assert.deepEqual(tries.map(({ status }) => status), [500, ...tries.slice(2).map(() => 302), 204])
  tries.forEach(one => verifies(hook.secret, one))
  assert.deepEqual([elsewhere.came.length, other.came.length], [0, 3])
  const log = (await attempts(at, hook)).filter(({ delivery }) => delivery === tries[0].id).reverse()
  assert.deepEqual(log.map(({ result, status, answer }) => [result, status, answer]), [['answered', 500, 'sorry, v1,...'], ...tries.slice(2).map(() => ['answered', 302, undefined]), ['answered', 204, undefined]])
  assert.deepEqual((await deliveries(at, ofOther)).map(({ attempts }) => attempts), [1, 1, 1])
  at.leaves()
})

test('410 ends it, who made it is told, and what waited is replayed under the same ids when it is told again', { timeout: 120000 }, async () => {
  let gone = true
  const at = await aRoom(), receiver = aReceiver(() => gone ? { status: 410 } : {}), hook = await makes(at, receiver)
  const ears = await new Person(stack, at.owner.name, at.owner.token).connects({ namespace: '/notification' })
  await at.speaks(at.owner, 'over')
  const off = await until('it is off', async () => { const is = await shown(at, hook); return is.off && is }, LONG)
  assert.deepEqual([off.off, off.dead, off.waiting, off.off_at > 0], ['gone', 1, 0, true])
  const note = await until('its maker hears it', () => ears.events.find(([event, is]) => event === 'notification' && is.kind === 'webhook_off'), LONG)
  assert.deepEqual([note[1].room, note[1].by], [at.room, `server:webhook:${hook.id}`])
  assert.equal((await at.owner.rest('POST', `${at.path}/${hook.id}/replay`)).status, 409)
  assert.equal((await at.owner.rest('POST', `${at.path}/${hook.id}/test`)).status, 409)
  const { seq } = await at.speaks(at.owner, 'nobody hears it')
  await until('the log is read', async () => (await at.owner.calls('room:list', {})).rooms.find(({ id }) => id === at.room).head >= seq, LONG)
  gone = false
  assert.equal((await ok(at.owner.rest('PATCH', `${at.path}/${hook.id}`, { paused: 'no' }))).off, undefined)
  assert.equal((await ok(at.owner.rest('POST', `${at.path}/${hook.id}/replay`))).deliveries, 1)
  await came(receiver, says('over'), 2)
  await at.speaks(at.owner, 'again')
  await came(receiver, says('again'))
  assert.deepEqual(receiver.came.map(one => one.is.data.text), ['over', 'over', 'again'])
  assert.equal(receiver.came[0].id, receiver.came[1].id)
  await isDone(at, hook)
  assert.equal((await ok(at.owner.rest('POST', `${at.path}/${hook.id}/replay`, { delivery: receiver.came[2].id }))).deliveries, 1) // one that was taken
  assert.equal((await came(receiver, says('again'), 2))[1].id, receiver.came[2].id)
  assert.equal((await at.owner.rest('POST', `${at.path}/${hook.id}/replay`, { delivery: randomUUID() })).status, 404)
  ears.leaves()
  at.leaves()
})

test('Retry-After holds the whole webhook for so long; ten attempts and it is dead; failing for days it is off', { timeout: 120000 }, async () => {
  const at = await aRoom(), receiver = aReceiver(() => ({ status: 429, headers: { 'retry-after': '600' } })), hook = await makes(at, receiver)
  await at.speaks(at.owner, 'busy')
  const held = await until('it is held', async () => { const is = await shown(at, hook); return is.held_until && is }, LONG)
  assert.ok(held.failing_since > 0)
  const [attempt] = await attempts(at, hook)
  assert.ok(held.held_until >= attempt.at + 600000 && (await deliveries(at, hook))[0].due_at >= attempt.at + 600000)
  const { seq } = await at.speaks(at.owner, 'behind it')
  await until('it waits, too', async () => (await shown(at, hook)).waiting === 2, LONG)
  assert.deepEqual([receiver.came.length, seq], [1, 2])

  await stack.sql('chat', `UPDATE webhook_delivery SET attempts = 9 WHERE webhook_id = '${hook.id}' AND data->>'seq' = '1'`)
  await due(hook)
  const [dead] = await until('it is dead', async () => { const all = await deliveries(at, hook, 'dead'); return all.length && all }, LONG)
  assert.deepEqual([dead.attempts, dead.id], [10, receiver.came[0].id])

  await stack.sql('chat', `UPDATE webhook SET failing_since = now() - interval '4 days' WHERE id = '${hook.id}'`)
  const before = receiver.came.length
  await due(hook)
  await until('another attempt failed', async () => (await attempts(at, hook)).length > before, LONG)
  assert.equal((await shown(at, hook)).off, undefined)
  await stack.sql('chat', `UPDATE webhook SET failing_since = now() - interval '6 days' WHERE id = '${hook.id}'`)
  await due(hook)
  await until('it is off', async () => (await shown(at, hook)).off === 'failing', LONG)
  const { notifications } = await ok(at.owner.rest('GET', '/api/v1/notifications'))
  assert.deepEqual(notifications.map(is => [is.kind, is.by]), [['webhook_off', `server:webhook:${hook.id}`]])
  at.leaves()
})

test('a server that answers nothing keeps no other waiting, and an attempt ends after 15 s', { timeout: 120000 }, async () => {
  const at = await aRoom(), never = [], slow = aReceiver(() => new Promise(resolve => never.push(resolve))), quick = aReceiver()
  const ofSlow = await makes(at, slow), ofQuick = await makes(at, quick)
  await at.speaks(at.owner, 'one')
  await came(slow, says('one'))
  await at.speaks(at.owner, 'two')
  await came(quick, says('two'))
  await isDone(at, ofQuick)
  assert.equal(slow.came.length, 1) // one at a time
  const [timeout] = await until('the attempt has ended', async () => { const all = await attempts(at, ofSlow); return all.length && all }, LONG)
  assert.deepEqual([timeout.result, timeout.status, timeout.ms >= 14000], ['timeout', undefined, true])
  never.forEach(resolve => resolve({}))
  at.leaves()
})

test('chat and store killed in between: each entry comes, in any case under one id', { timeout: 180000 }, async () => {
  let kill
  const at = await aRoom(), receiver = aReceiver(({ is }) => { if (is.data.text === 'word 4') kill(); return {} }), hook = await makes(at, receiver)
  const killed = new Promise(resolve => { kill = () => { kill = () => {}; resolve(stack.kill('chat')) } })
  for (let i = 0; i < 10; i++) await at.speaks(at.owner, `word ${i}`)
  await killed
  await stack.sql('chat', "UPDATE job SET run_at = now() WHERE kind = 'webhook.send'") // as if its lease had lapsed, after 45 s
  await stack.kill('store')
  await stack.ready()
  for (let i = 10; i < 15; i++) await at.speaks(at.owner, `word ${i}`)
  const all = Array.from({ length: 15 }, (_, i) => `word ${i}`)
  for (const word of all) await came(receiver, says(word))
  await isDone(at, hook)
  const ids = new Map()
  for (const { id, is } of receiver.came) ids.set(is.data.text, (ids.get(is.data.text) ?? new Set()).add(id))
  assert.deepEqual([...ids.keys()].sort(), [...all].sort())
  for (const [word, of] of ids) assert.equal(of.size, 1, word)
  assert.equal(new Set([...ids.values()].map(([id]) => id)).size, all.length)
  assert.equal((await deliveries(at, hook, 'done')).length, all.length)
  receiver.came.forEach(one => verifies(hook.secret, one))
  at.leaves()
})

test('no request goes where none may: other addresses, ports, schemes; and a URL that could not is refused when it is said', { timeout: 120000 }, async () => {
  const at = await aRoom()
  for (const url of ['ftp://example.org/', 'https://user:secret@example.org/', 'file:///etc/passwd', 'example.org', 'https://', 'http://127.0.0.1/a b'])
    assert.equal((await at.owner.rest('POST', at.path, { url })).json.error.code, 'invalid_argument', url)
  assert.equal((await at.owner.rest('POST', at.path, { url: 'https://example.org/', events: ['message.sent'] })).json.error.code, 'invalid_argument')
  const hooks = []
  for (const [url, result] of [[`http://127.0.0.2:${port}/`, 'address_refused'], [`http://[::1]:${port}/`, 'address_refused'], [`http://169.254.169.254:${port}/latest/meta-data`, 'address_refused'], ['http://127.0.0.1:1/', 'port_refused']])
    hooks.push([await ok(at.owner.rest('POST', at.path, { url })), result])
  assert.equal((await at.owner.rest('POST', at.path, { url: 'https://example.org/' })).json.error.code, 'too_large') // MADANG_CHAT_WEBHOOKS_MAX
  await at.speaks(at.owner, 'to nobody')
  for (const [hook, result] of hooks) {
    const [one] = await until(`${hook.url} was tried`, async () => { const all = await attempts(at, hook); return all.length && all }, LONG)
    assert.deepEqual([one.result, one.status, one.answer], [result, undefined, undefined], hook.url)
  }
  at.leaves()
})

test('told is whoever looks after the room: not paused, not by who may no more, and of a room or a person that is no more nothing stays', { timeout: 120000 }, async () => {
  const at = await aRoom(), receiver = aReceiver(), { room, owner, member } = at
  const reads = async seq => until('the log is read', async () => (await owner.calls('room:list', {})).rooms.find(({ id }) => id === room).head >= seq, LONG)
  assert.equal((await member.rest('POST', at.path, { url: receiver.url })).json.error.code, 'forbidden')
  await owner.calls('member:role', { room, member: member.id, role: 'admin' })
  const hook = await ok(member.rest('POST', at.path, { url: receiver.url, events: ['message.send'] }))
  await at.speaks(owner, 'an admin')
  await came(receiver, says('an admin'))
  await owner.calls('member:role', { room, member: member.id, role: 'member' })
  await reads((await at.speaks(owner, 'a member')).seq)
  assert.equal((await shown(at, hook)).off, 'forbidden')
  await owner.calls('member:role', { room, member: member.id, role: 'admin' })
  assert.equal((await ok(owner.rest('PATCH', `${at.path}/${hook.id}`, { paused: 'yes' }))).paused, true)
  await reads((await at.speaks(owner, 'paused')).seq)
  await ok(owner.rest('PATCH', `${at.path}/${hook.id}`, { paused: 'no' }))
  await at.speaks(owner, 'told again')
  await came(receiver, says('told again'))
  assert.deepEqual(receiver.came.map(one => one.is.data.text), ['an admin', 'told again'])
  await ok(owner.rest('DELETE', `${at.path}/${hook.id}`))
  assert.equal((await owner.rest('GET', `${at.path}/${hook.id}/attempts`)).status, 404)
  const last = await makes(at, receiver)
  await reads((await at.speaks(owner, 'the last')).seq)
  await came(receiver, says('the last'))
  await isDone(at, last)
  await owner.calls('room:delete', { room })
  assert.equal(await stack.sql('chat', `SELECT (SELECT count(*) FROM webhook WHERE room_id = '${room}') + (SELECT count(*) FROM webhook_delivery WHERE webhook_id IN ('${hook.id}', '${last.id}')) + (SELECT count(*) FROM webhook_attempt WHERE webhook_id IN ('${hook.id}', '${last.id}'))`), '0')
  at.leaves()
})

test('words of a deleted message are not told, and a long text is cut', { timeout: 120000 }, async () => {
  let fails = true
  const at = await aRoom(), receiver = aReceiver(() => fails ? { status: 503 } : {}), hook = await makes(at, receiver)
  const { seq } = await at.speaks(at.owner, 'a mistake')
  await came(receiver, says('a mistake'))
  const { seq: long } = await at.speaks(at.owner, '가'.repeat(900))
  await at.owner.calls('message:delete', { room: at.room, seq })
  await until('its words are gone', async () => await stack.sql('chat', `SELECT count(*) FROM webhook_delivery WHERE webhook_id = '${hook.id}' AND message = ${seq} AND text IS NULL`) === '1', LONG)
  fails = false
  await due(hook)
  await came(receiver, one => one.is.type === 'message.delete')
  await isDone(at, hook)
  const last = receiver.came.filter(one => one.is.data.seq === seq).pop()
  assert.deepEqual([last.status, last.is.type, 'text' in last.is.data, last.id], [204, 'message.send', false, receiver.came[0].id])
  assert.equal(receiver.came.find(one => one.is.data.seq === long).is.data.text, '가'.repeat(900))
  at.leaves()
})

test('what was told long ago is forgotten, sooner where the room keeps what was said for fewer days; who has no job gets one', { timeout: 120000 }, async () => {
  const at = await aRoom(), receiver = aReceiver(), hook = await makes(at, receiver)
  for (const text of ['old', 'of the day before', 'new']) await at.speaks(at.owner, text)
  await came(receiver, () => true, 3)
  await isDone(at, hook)
  await at.owner.calls('room:update', { room: at.room, kept_days: 2 })
  await came(receiver, one => one.is.type === 'room.change')
  await isDone(at, hook)
  const aged = (text, days) => stack.sql('chat', `UPDATE webhook_delivery SET made_at = now() - interval '${days} days' WHERE webhook_id = '${hook.id}' AND text = '${text}'`)
  await aged('old', 3)
  await aged('of the day before', 1)
  await stack.sql('chat', `UPDATE webhook_attempt SET at = now() - interval '8 days' WHERE webhook_id = '${hook.id}'
    AND delivery_id IN (SELECT id FROM webhook_delivery WHERE webhook_id = '${hook.id}' AND type = 'room.change')`)
  await stack.sql('chat', `UPDATE webhook_delivery SET state = 'waiting', ended_at = NULL WHERE webhook_id = '${hook.id}' AND text = 'new'`) // and nobody has put a job
  await until('it was swept', async () => {
    await stack.sql('chat', "UPDATE job SET run_at = now() WHERE kind = 'webhook.sweep' AND lease IS NULL AND run_at > now(); NOTIFY chat_jobs")
    return receiver.came.filter(says('new')).length === 2
  }, LONG)
  await isDone(at, hook)
  assert.deepEqual(await stack.sql('chat', `SELECT string_agg(coalesce(text, type), ', ' ORDER BY place) FROM webhook_delivery WHERE webhook_id = '${hook.id}'`), 'of the day before, new, room.change')
  assert.equal((await attempts(at, hook)).filter(({ type }) => type === 'room.change').length, 0)
  at.leaves()
})

test('so many attempts in a minute, and so many that wait: what comes then is dead, and can be replayed', { timeout: 120000 }, async () => {
  const at = await aRoom(), receiver = aReceiver(), hook = await makes(at, receiver)
  await stack.sql('chat', `UPDATE webhook SET minute = now() + interval '1 hour', attempts = ${PER_MINUTE - 2} WHERE id = '${hook.id}'`)
  for (const text of ['a', 'b', 'c']) await at.speaks(at.owner, text)
  await until('the job waits', async () => await stack.sql('chat', `SELECT count(*) FROM job WHERE kind = 'webhook.send' AND key = '${hook.id}' AND run_at > now() + interval '1 minute' AND lease IS NULL`) === '1', LONG)
  assert.deepEqual(receiver.came.map(one => one.is.data.text), ['a', 'b'])
  await stack.sql('chat', `INSERT INTO webhook_delivery (id, webhook_id, type, at, subjects, data, state, due_at) SELECT gen_random_uuid(), '${hook.id}', 'webhook.test', now(), '{}', '{}', 'waiting', now() + interval '1 day' FROM generate_series(1, ${WAITING})`)
  assert.deepEqual((await at.owner.rest('POST', `${at.path}/${hook.id}/test`)).json.error.code, 'conflict')
  const { seq } = await at.speaks(at.owner, 'one too many')
  const [dead] = await until('it is dead', async () => { const all = await deliveries(at, hook, 'dead'); return all.length && all }, LONG)
  assert.deepEqual([dead.type, dead.attempts, receiver.came.length, seq], ['message.send', 0, 2, 4])
  await stack.sql('chat', `DELETE FROM webhook_delivery WHERE webhook_id = '${hook.id}' AND data = '{}'; UPDATE webhook SET minute = NULL, attempts = 0 WHERE id = '${hook.id}'`)
  assert.equal((await ok(at.owner.rest('POST', `${at.path}/${hook.id}/replay`))).deliveries, 1)
  await came(receiver, says('one too many'))
  await came(receiver, says('c'))
  at.leaves()
})
