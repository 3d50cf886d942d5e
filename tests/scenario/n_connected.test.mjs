// n_connected - an operator sees who is connected to which gateway, and disconnects them; whoever of the gateways or services stands still or dies meanwhile.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { everybodyLeaves, Person, request, tokenFor } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

// Everything is on this machine, whose addresses are all of 127.0.0.0/8; what comes from 127.0.9.0/24 comes from a proxy.
let stack, doors, ids, key, backend, admin
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, env: { MADANG_AUTH_REGISTRATION: 'open', MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.9.0/24', MADANG_GATEWAY_RECOVERY_MS: '120000', MADANG_GATEWAY_CONNECT_TIMEOUT_MS: '600000' } })
  doors = stack.gatewayPorts.map(port => ({ url: `https://127.0.0.1:${port}`, ca: stack.ca }))
  ids = [1, 2].map(gatewayId)
  key = await stack.issueKey()
  backend = await stack.issueKey({ policy: 'chat-backend' })
  admin = await stack.authctl('key', 'issue', '--name', 'admin', '--policy', 'admin')
})
after(async () => {
  for (const door of doors ?? []) everybodyLeaves(door)
  await stack?.stop()
})

/** What a gateway called itself when it began last. */
const gatewayId = n => JSON.parse(stack.log(`gateway-${n}`).split('\n').filter(line => line.includes('"gateway.started"')).at(-1)).gateway
const rest = (method, path, body, { token = admin.key, door = doors[0] } = {}) => request(door, method, `/api/v1/admin/connections${path}`, { body, token })
const asked = async (...args) => {
  const { status, json, text } = await rest(...args)
  assert.equal(status, 200, text)
  return json
}
const refused = ({ status, json, text }, expected, code, message = /./) => {
  assert.deepEqual([status, json?.error?.code], [expected, code], text)
  assert.match(json.error.message, message)
}
/** All that fit, of gateways that all answered: a busy machine may want more than one look. */
const listed = (query = '', how = {}) => until(`all gateways answer ${query}`, async () => {
  const { data } = await asked('GET', `?limit=200${query}`, undefined, how)
  return !data.silent && data.connections
}, 60000)
const of = person => listed(`&subject=${encodeURIComponent(person.name)}`)
const ends = body => until('all gateways end', async () => {
  const { data } = await asked('POST', '/end', { reason: 'a test', ...body })
  return !data.silent && data
}, 60000)
const arrives = (door, name, options = {}) => Person.arrives(doors[door], key, name, options)
const named = what => `${what} ${randomUUID().slice(0, 8)}`
/** What becomes of a client, as its program hears it. */
function watched(person) {
  person.ends = []
  person.socket.on('disconnect', reason => person.ends.push(reason))
  return person
}
const endOf = person => until(`${person.name} hears of its end`, () => person.ends.at(-1))
const codesOf = person => person.events.filter(([event]) => event === 'error').map(([, { code }]) => code)
const audited = target => until(`auth hears of ${target}`, async () => {
  const entries = (await stack.authctl('audit', 'list', '--target', target)).audit
  return entries.length > 0 && entries.reverse()
}, 60000)
const told = () => until('auth has heard of all', async () => await stack.sql('chat', "SELECT count(*) FROM job WHERE kind = 'audit.tell'") === '0', 60000)
/** A registered user with a session for each time that they signed in. */
async function signsIn(times) {
  const email = `${randomUUID()}@example.org`, password = 'a heron at the weir', call = (path, body) => request(doors[0], 'POST', `/api/v1/auth/${path}`, { body })
  assert.equal((await call('register', { email, password, nickname: `n${randomUUID().slice(0, 8)}` })).status, 201)
  return Promise.all(Array.from({ length: times }, async () => (await call('login', { email, password })).json.data))
}

test('each connection is listed with whose it is, from where, by what and at which gateway, whichever gateway is asked', async () => {
  const name = named('ada'), started = Date.now() - 60000
  const ada = await arrives(0, name, { localAddress: '127.0.5.1', extraHeaders: { 'user-agent': 'kite/1.0 <b>"' + 'x'.repeat(1000), 'x-forwarded-for': '203.0.113.9' } })
  const phone = await arrives(1, name, { localAddress: '127.0.9.1', extraHeaders: { 'x-forwarded-for': '203.0.113.9' } })
  const tab = await arrives(1, name, { transports: ['polling'] })
  for (const door of doors) {
    const connections = await listed(`&subject=${encodeURIComponent(name)}`, { door })
    assert.deepEqual(connections.map(({ subject, address, transport, gateway }) => [subject, address, transport, gateway]),
      [[name, '127.0.0.1', 'polling', ids[1]], [name, '203.0.113.9', 'websocket', ids[1]], [name, '127.0.5.1', 'websocket', ids[0]]])
    assert.deepEqual(connections.map(({ sockets }) => sockets.map(({ id, namespace, subject, key: by, session }) => [id, namespace, subject, key.includes(by), typeof session])),
      [tab, phone, ada].map(person => [[person.socket.id, '/chat', name, true, 'string']]))
    assert.equal(connections[2].agent, ('kite/1.0 <b>"' + 'x'.repeat(1000)).slice(0, 200))
    for (const { id, since, heard, queued, held } of connections)
      assert.ok(/^[0-9a-f-]{36}$/.test(id) && since > started && heard >= since && heard < Date.now() + 60000 && queued >= 0 && held > 0, JSON.stringify({ id, since, heard, queued, held }))
    // A session's id is its client's secret: by it a stranger would speak for them.
    for (const person of [ada, phone, tab]) assert.ok(!JSON.stringify(connections).includes(person.socket.io.engine.id))
    assert.deepEqual((await asked('GET', `/${connections[0].id}`, undefined, { door })).data.sockets, connections[0].sockets)
  }
  ada.leaves()
  await until('who has left is not there', async () => (await of(ada)).length === 2)
  phone.leaves()
  tab.leaves()
})

test('connections are found by subject, key, session, namespace, network and gateway, and by several of these at once', async () => {
  const [mine, other] = await signsIn(2), subject = mine.user.id, name = named('bo')
  const connects = (door, token, options = {}) => new Person(doors[door], subject, token).connects(options)
  const a = await connects(0, mine.access_token, { localAddress: '127.0.6.1' }), b = await connects(1, other.access_token, { localAddress: '127.0.6.2' })
  const bo = await arrives(1, name, { localAddress: '127.0.7.1', namespace: '/system' })
  const socketsOf = async query => (await listed(query)).flatMap(({ sockets }) => sockets.map(({ id }) => id)).sort()
  const ids2 = (...people) => people.map(person => person.socket.id).sort()
  const session = (await listed(`&subject=${subject}&address=127.0.6.2`))[0].sockets[0].session
  const boKey = (await of(bo))[0].sockets[0].key
  for (const [query, ...people] of [
    [`&subject=${subject}`, a, b], [`&subject=${subject.toUpperCase()}`, a, b], [`&session=${session}`, b], [`&subject=${subject}&gateway=${ids[0]}`, a],
    [`&address=127.0.6.0/24`, a, b], ['&address=127.0.6.1', a], ['&address=::ffff:127.0.6.1', a], ['&address=127.0.6.1/32&session=' + session], [`&key=${boKey}&address=127.0.7.1`, bo],
    ['&namespace=/system&address=127.0.7.0/24', bo], ['&namespace=/chat&address=127.0.7.0/24'], ['&gateway=none'], [`&subject=${encodeURIComponent("x'; -- ")}`], ['&subject=%F0%9F%90%A6'],
  ]) assert.deepEqual(await socketsOf(query), ids2(...people), query)

  // One that says nothing of itself is there, too, and may be ended.
  const shy = await request(doors[0], 'GET', '/socket.io/?EIO=4&transport=polling', { from: '127.0.8.1' })
  assert.equal(shy.status, 200)
  const [silent] = await listed('&address=127.0.8.1')
  assert.deepEqual([silent.sockets, silent.subject, silent.transport], [[], undefined, 'polling'])
  assert.equal((await ends({ connection: silent.id })).ended, 1)
  await until('it is gone', async () => (await listed('&address=127.0.8.1')).length === 0)
  for (const person of [a, b, bo]) person.leaves()
})

test('pages name each connection once that is there all the while, whoever comes and goes between two of them', async () => {
  const name = named('cy'), people = []
  for (let i = 0; i < 12; i++) people.push(await arrives(i % 2, name))
  const seen = [], query = `?subject=${encodeURIComponent(name)}&limit=3`
  let after = '', leaving = [people[3], people[8]], gone = []
  do {
    const { data, meta } = await until('a page of all gateways', async () => {
      const page = await asked('GET', query + after)
      return !page.data.silent && page
    }, 60000)
    assert.ok(data.connections.length <= 3 && meta.limit === 3)
    seen.push(...data.connections)
    people.push(await arrives(seen.length % 2, name)) // who comes is on no later page
    if (leaving.length) {
      const person = leaving.pop()
      gone.push(person.socket.id)
      person.leaves()
      await until('they are gone', async () => !(await of(person)).some(({ sockets: [{ id }] }) => id === gone.at(-1)))
    }
    after = meta.next ? `&after=${meta.next}` : ''
  } while (after)
  const socketIds = seen.map(({ sockets: [{ id }] }) => id)
  assert.equal(new Set(socketIds).size, socketIds.length)
  assert.deepEqual(socketIds.filter(id => !gone.includes(id)), people.slice(0, 12).map(({ socket }) => socket.id).filter(Boolean).reverse())
  assert.deepEqual(seen.map(({ id }) => id), seen.map(({ id }) => id).sort().reverse())
  for (const person of people) person.leaves()
})

test('a page ends where a gateway ends that has more, so that none of its connections is left out', async () => {
  const address = '127.0.30.1', most = 195, agent = new https.Agent({ keepAlive: true, maxSockets: 8, localAddress: address })
  try {
    for (const door of doors) // all of one gateway before all of the other: one report is cut by its bytes
      assert.deepEqual(new Set((await Promise.all(Array.from({ length: most }, () => request(door, 'GET', '/socket.io/?EIO=4&transport=polling', { agent, from: address })))).map(({ status }) => status)), new Set([200]))
    const seen = []
    let after = ''
    do {
      const { data, meta } = await until('a page of all gateways', async () => {
        const page = await asked('GET', `?address=${address}&limit=200${after}`)
        return !page.data.silent && page
      }, 60000)
      seen.push(...data.connections.map(({ id }) => id))
      after = meta.next ? `&after=${meta.next}` : ''
    } while (after)
    assert.deepEqual([seen.length, new Set(seen).size, seen], [2 * most, 2 * most, [...seen].sort().reverse()])
    assert.equal((await ends({ address })).ended, 2 * most)
  } finally {
    agent.destroy()
  }
})

test('a subject is disconnected on all gateways: clients hear why and stay away until they connect again; once more it is nothing, and the audit has it once', async () => {
  const name = named('dan'), dan = await Promise.all([0, 1].map(door => arrives(door, name).then(watched)))
  const polling = watched(await arrives(1, name, { transports: ['polling'] })), eve = watched(await arrives(0, named('eve')))
  assert.equal((await ends({ subject: name, reason: 'a runaway script' })).ended, 3)
  for (const person of [...dan, polling]) {
    assert.equal(await endOf(person), 'io server disconnect')
    assert.deepEqual(codesOf(person), ['disconnected'])
    assert.equal(person.socket.active, false)
  }
  assert.deepEqual(await of(dan[0]), [])
  assert.deepEqual(await asked('POST', '/end', { subject: name, reason: 'again' }), { success: true, data: { ended: 0 } })
  await dan[0].connects() // it is no ban
  assert.equal((await of(dan[0])).length, 1)
  assert.deepEqual(eve.ends, [])
  const [entry, ...others] = await audited(name)
  await told()
  assert.deepEqual([entry.what, entry.detail.reason, entry.detail.subject, others], ['connection.end', 'a runaway script', name, []])
  assert.match(entry.who, /^key:/)
  assert.equal((await stack.authctl('audit', 'list', '--target', name)).audit.length, 1)
  for (const person of [...dan, polling, eve]) person.leaves()
})

test('one connection, a session, a key, a network, a gateway: those end and no others', async () => {
  const [mine, other] = await signsIn(2), id = mine.user.id
  const connects = async (door, token, name, options = {}) => watched(await new Person(doors[door], name, token).connects({ reconnection: false, ...options }))
  const a = await connects(0, mine.access_token, id), b = await connects(1, other.access_token, id)
  const ownKey = await stack.issueKey(), token = name => tokenFor(doors[0], ownKey, name)
  const [c, d, e, f] = await Promise.all([[0, '127.0.20.1'], [1, '127.0.20.2'], [0, '127.0.21.1'], [1, '127.0.22.1']].map(async ([door, localAddress], i) => connects(door, await token(`guest ${i}`), `guest ${i}`, { localAddress })))
  const everybody = [a, b, c, d, e, f], there = () => everybody.filter(({ ends }) => ends.length === 0)
  const all = await listed(), places = new Map(everybody.map(person => [person, all.find(({ sockets }) => sockets.some(({ id }) => id === person.socket.id))])), connectionOf = person => places.get(person)
  const steps = [
    [{ session: connectionOf(b).sockets[0].session }, [b]],
    [{ connection: connectionOf(c).id }, [c]],
    [{ address: '127.0.20.0/24' }, [d]],
    [{ key: connectionOf(e).sockets[0].key, gateway: ids[0] }, [e]],
    [{ key: connectionOf(e).sockets[0].key }, [f]],
    [{ subject: id, address: '127.0.20.0/24' }, []],
  ]
  for (const [which, people] of steps) {
    const rest = there().filter(person => !people.includes(person))
    assert.equal((await ends(which)).ended, people.length, JSON.stringify(which))
    for (const person of people) assert.equal(await endOf(person), 'io server disconnect')
    assert.deepEqual(there(), rest)
  }
  const [entry] = (await audited(`guest 0`)).slice(-1) // of one connection: of whose it was
  assert.equal(entry.detail.connection, connectionOf(c).id)
  await until('the network is in the audit', async () => (await audited('addresses')).some(({ detail }) => detail.address === '127.0.20.0/24'), 60000)
  assert.equal((await ends({ gateway: ids[0], subject: id })).ended, 1)
  assert.equal(await endOf(a), 'io server disconnect')
  // Addresses are shown and not written down: no service says one in its log that the operator asked for.
  for (const name of ['chat', 'auth']) assert.doesNotMatch(stack.log(name), /127\.0\.20\./)
})

test('with `back` clients come back by themselves to where they were, and miss nothing', async () => {
  const name = named('flo'), flo = watched(await arrives(0, name)), gus = await arrives(1, named('gus'))
  const { id: room } = await gus.makesRoom({ members: [name] })
  for (const person of [flo, gus]) await person.joins(room)
  const before = flo.socket.id
  assert.equal((await ends({ subject: name, back: true })).ended, 1)
  await gus.says(room, 'meanwhile')
  assert.equal(await endOf(flo), 'transport close')
  await until('flo is back', () => flo.socket.connected)
  await flo.hears('meanwhile')
  assert.deepEqual([flo.socket.id, codesOf(flo), flo.heard.filter(({ body }) => body === 'meanwhile').length], [before, [], 1])
  assert.equal((await audited(name))[0].detail.back, true)
  for (const person of [flo, gus]) person.leaves()
})

test('who may list may not end; nobody else does either; and what is asked in a wrong way is said', async () => {
  const name = named('hal'), hal = watched(await arrives(0, name)), [user] = await signsIn(1)
  for (const token of [hal.token, user.access_token, key, backend]) {
    for (const answer of [await rest('GET', '', undefined, { token }), await rest('GET', `/${randomUUID()}`, undefined, { token }), await rest('POST', '/end', { subject: name, reason: 'x' }, { token })])
      refused(answer, 403, 'forbidden')
  }
  for (const answer of [await request(doors[0], 'GET', '/api/v1/admin/connections'), await request(doors[0], 'POST', '/api/v1/admin/connections/end', { body: { subject: name, reason: 'x' } })])
    refused(answer, 401, 'unauthenticated')
  for (const [body, message] of [[{ reason: 'x' }, /say which/], [{ subject: name }, /reason/], [{ subject: name, reason: '' }, /reason/], [{ address: 'here', reason: 'x' }, /address/],
    [{ address: '127.0.0.1/8', reason: 'x' }, /address/], [{ connection: 'x', reason: 'x' }, /connection/], [{ subject: 7, reason: 'x' }, /subject/], [{ subject: 'x'.repeat(129), reason: 'x' }, /subject/]])
    refused(await rest('POST', '/end', body), 400, 'invalid_argument', message)
  for (const [query, message] of [['?address=nowhere', /address/], ['?after=x', /after/], ['?limit=0', /limit/], ['?limit=201', /limit/], [`?gateway=${'x'.repeat(9)}`, /gateway/]])
    refused(await rest('GET', query), 400, 'invalid_argument', message)
  await until('all gateways say so', async () => (await rest('GET', `/${randomUUID()}`)).json.error.code === 'not_found')
  assert.deepEqual([hal.ends, (await of(hal)).length], [[], 1])
  hal.leaves()
})

test('madangctl lists, shows and ends, as its manual says, with nothing that a terminal obeys', async () => {
  const name = named('ida'), ida = watched(await arrives(0, name, { extraHeaders: { 'user-agent': 'kite \u009b31m' } })), [{ id }] = await of(ida)
  const ctl = async (...words) => until(words.join(' '), async () => {
    const { status, out, err } = await stack.madangctl('connection', ...words)
    assert.ok(status === 0 || status === 3, err)
    return status === 0 && out
  }, 60000)
  const table = await ctl('list', '--of', name)
  assert.ok(table.includes(id) && table.includes(ids[0]) && table.includes('/chat') && table.startsWith('CONNECTION'), table)
  assert.doesNotMatch(table, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  assert.deepEqual(JSON.parse(await ctl('list', '--of', name, '--json')).connections.map(({ subject }) => subject), [name])
  assert.match(await ctl('show', id), new RegExp(`subject     ${name}\n[^]*socket      ${ida.socket.id} in /chat`))
  assert.equal(await ctl('end', '--connection', id, '--reason', 'from the shell'), '1 connections were ended.\n')
  assert.equal(await endOf(ida), 'io server disconnect')
  assert.equal((await stack.madangctl('connection', 'end', '--reason', 'everybody')).status, 1)
  assert.match((await audited(name))[0].who, /^admin:/)
})

test('a gateway that stands still is named, and nothing waits for it; killed, its connections are gone from the list', async () => {
  const name = named('jo'), jo = [await arrives(0, name, { reconnection: false }), await arrives(1, name, { reconnection: false })]
  assert.equal((await of(jo[0])).length, 2)
  const query = `?subject=${encodeURIComponent(name)}`, pid = stack.pid('gateway-2')
  process.kill(pid, 'SIGSTOP')
  try {
    const { data } = await asked('GET', query)
    assert.deepEqual([data.connections.map(({ gateway }) => gateway), data.silent], [[ids[0]], [ids[1]]])
    assert.deepEqual((await asked('POST', '/end', { gateway: ids[1], reason: 'it stands still' })).data, { ended: 0, silent: [ids[1]] })
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await ends({ gateway: ids[1] })
  assert.deepEqual((await of(jo[0])).map(({ gateway }) => gateway), [ids[0]])
  jo[1] = await arrives(1, name, { reconnection: false })
  await listed()
  process.kill(pid, 'SIGSTOP')
  try {
    const { status, out, err } = await stack.madangctl('connection', 'list', '--of', name)
    assert.deepEqual([status, out.split('\n').length, err.includes(ids[1])], [3, 3, true], err)
    refused(await rest('GET', `/${randomUUID()}`), 503, 'unavailable')
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  const [{ id }] = await listed(`&subject=${encodeURIComponent(name)}&gateway=${ids[1]}`)
  await stack.kill('gateway-2')
  assert.deepEqual((await asked('GET', query)).data.connections.map(({ gateway }) => gateway), [ids[0]])
  await stack.ready()
  ids[1] = gatewayId(2)
  await until('its old name is forgotten', async () => !(await asked('GET', query)).data.silent)
  refused(await rest('GET', `/${id}`), 404, 'not_found')
  for (const person of jo) person.leaves()
})

test('chat is killed while it asks: the first answer that comes then is of all gateways', async () => {
  const name = named('kim'), kim = [await arrives(0, name), await arrives(1, name)]
  for (let i = 0; i < 2; i++) {
    const asking = Promise.all(Array.from({ length: 20 }, () => rest('GET', `?subject=${encodeURIComponent(name)}`)))
    await stack.kill('chat')
    for (const { status, json, text } of [...await asking, await until('it answers', async () => {
      const answer = await rest('GET', `?subject=${encodeURIComponent(name)}`)
      return answer.status === 200 && answer
    })]) {
      assert.ok([200, 503, 504].includes(status), text)
      if (status === 200 && !json.data.silent) assert.equal(json.data.connections.length, 2, text)
    }
  }
  await stack.ready()
  // Killed at the deed: it is in the audit if anybody was ended.
  const ending = rest('POST', '/end', { subject: name, reason: 'in the middle' })
  await stack.kill('chat')
  await ending
  assert.ok((await ends({ subject: name })).ended <= 2)
  const entries = await audited(name)
  assert.ok(entries.length <= 2 && entries.every(({ what }) => what === 'connection.end'))
  for (const person of kim) person.leaves()
})

test('many who ask at once are answered each', async () => {
  const name = named('lea'), lea = [await arrives(0, name), await arrives(1, name)]
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => rest('GET', `?subject=${encodeURIComponent(name)}`, undefined, { door: doors[i % 2] })))
  for (const { status, json, text } of answers) assert.ok(status === 200 && (json.data.silent || json.data.connections.length === 2), text)
  const ended = await Promise.all(Array.from({ length: 8 }, () => rest('POST', '/end', { subject: name, reason: 'all at once' })))
  assert.equal(ended.reduce((sum, { json }) => sum + json.data.ended, 0), 2)
  for (const person of lea) person.leaves()
})

test('the commands of docs/operators.md about connections do what it says', async () => {
  const name = named('max'), max = watched(await arrives(0, name)), tab = watched(await arrives(1, name)), ada = watched(await arrives(1, 'ada'))
  const [{ id }] = await listed(`&subject=${encodeURIComponent(name)}&gateway=${ids[0]}`)
  const page = readFileSync(join(root, 'docs/operators.md'), 'utf8').split('\n## ').find(part => part.startsWith('Who is connected'))
  const commands = [...page.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block]) => block).join('').replaceAll('SUBJECT', `'${name}'`).replaceAll('CONNECTION', id)
  assert.equal(commands.trim().split('\n').length, 9)
  writeFileSync(join(stack.dir, 'admin.curl'), `cacert = "${stack.dir}/tls/ca.crt"\nheader = "Authorization: Bearer ${admin.key}"\nheader = "Content-Type: application/json"\n`)
  const env = { PATH: process.env.PATH, RUN: stack.dir, HOST: doors[0].url, CURL: `curl -sS --fail-with-body -w \\n --config ${join(stack.dir, 'admin.curl')}` }
  await listed()
  const { stdout } = await promisify(execFile)('bash', ['-ec', commands], { env, cwd: root })
  assert.match(stdout, new RegExp(`\n${id} [^]*subject     ${name}\n[^]*\n1 connections were ended[^]*\n0 connections were ended.\n.*"ended":1`))
  assert.deepEqual([await endOf(max), await endOf(tab), await endOf(ada)], ['io server disconnect', 'transport close', 'io server disconnect'])
  for (const person of [max, tab, ada]) person.leaves()
})
