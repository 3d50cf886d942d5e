// e_mesh - several gateways behind a plain round-robin balancer: any request may land anywhere.
import assert from 'node:assert/strict'
import https from 'node:https'
import tls from 'node:tls'
import { after, afterEach, before, test } from 'node:test'
import WebSocket from 'ws'
import { startBalancer } from '../lib/balancer.mjs'
import { Person, everybodyLeaves, isGapless, request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

const GATEWAYS = [1, 2, 3]
let stack, balancer, key
before(async () => {
  stack = await startStack({ gateways: 3, ownPorts: true, env: { MADANG_GATEWAY_SLOW_MS: '600000' } })
  balancer = await startBalancer(stack.port, stack.gatewayPorts)
  key = await stack.issueKey()
})
afterEach(async () => {
  everybodyLeaves(stack)
  await until('no session is left', async () => (await total('madang_gateway_sessions')) === 0)
})
after(async () => {
  try { await stack?.stop() } finally { await balancer?.stop() }
})

// Of a gateway that is just away: NaN, which equals nothing.
const each = (name, labels) => Promise.all(GATEWAYS.map(n => stack.metric(n, name, labels).catch(() => NaN)))
const total = async (name, labels) => (await each(name, labels)).reduce((a, b) => a + b)
const forwarded = kind => total('madang_mesh_forwarded_total', `kind="${kind}"`)

/** A connection for each request, so that the balancer sends each one elsewhere. */
const eachElsewhere = (where = stack) => ({ agent: new https.Agent({ keepAlive: false, ca: where.ca }) })
const polling = (where = stack) => ({ transports: ['polling'], ...eachElsewhere(where) })

/** What went wrong for a client, in its own words. */
function complaintsOf(person) {
  const complaints = []
  person.socket.on('disconnect', reason => complaints.push(`disconnect: ${reason}`))
  person.socket.on('connect_error', error => complaints.push(`connect_error: ${error.message}`))
  person.socket.io.on('reconnect_attempt', n => complaints.push(`reconnect_attempt ${n}`))
  person.socket.io.engine.on('upgradeError', error => complaints.push(`upgradeError: ${error.message}`))
  return complaints
}

async function twoInARoom(options) {
  const ada = await Person.arrives(stack, key, 'ada', options())
  const bo = await Person.arrives(stack, key, 'bo', options())
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  await bo.joins(room)
  return { ada, bo, room }
}

async function exchange(speaker, room, count, name) {
  for (let i = 0; i < count; i++) await speaker.says(room, `${name} ${i}`)
}

/** The number of the only gateway that has a session. */
const ownerOf = () => until('one gateway has the session', async () => {
  const counts = await each('madang_gateway_sessions')
  return counts.reduce((a, b) => a + b) === 1 ? 1 + counts.indexOf(1) : 0
})

test('a polling client has a thousand exchanges over three gateways without one error', { timeout: 180000 }, async () => {
  const { ada, bo, room } = await twoInARoom(polling)
  const complaints = [ada, bo].map(complaintsOf)
  const before = await each('madang_mesh_forwarded_total', 'kind="po')

  await Promise.all([exchange(ada, room, 500, 'ada'), exchange(bo, room, 500, 'bo')])
  await until('each heard the other', () => ada.heard.length === 1000 && bo.heard.length === 1000, 20000)
    .catch(error => { throw new Error(`${error.message}: ${ada.heard.length}, ${bo.heard.length}`) })

  for (const person of [ada, bo]) isGapless(person.heard)
  assert.deepEqual(complaints.flat(), [])
  const now = await each('madang_mesh_forwarded_total', 'kind="po')
  now.forEach((count, i) => assert.ok(count - before[i] > 100, `gateway ${i + 1} handed on ${count - before[i]} requests`))
})

test('stock clients upgrade, on another gateway than the one that has them', { timeout: 60000 }, async () => {
  const people = [], complaints = []
  const arrive = async (name, options) => {
    const person = await Person.arrives(stack, key, name, { transports: ['polling', 'websocket'], ...options })
    complaints.push(complaintsOf(person))
    people.push(person)
    await until('it is on WebSocket', () => person.socket.io.engine.transport.name === 'websocket')
  }
  const before = await forwarded('upgrade')
  for (const name of ['ada', 'bo', 'cy']) await arrive(name)
  for (let i = 0; i < 3 || (i < 20 && await forwarded('upgrade') - before < 2); i++) await arrive(`di ${i}`, eachElsewhere())
  assert.ok(await forwarded('upgrade') - before >= 2, 'upgrades were not handed on')
  assert.ok(await total('madang_mesh_tunnels') >= 2)

  const { id: room } = await people[0].makesRoom()
  for (const person of people) await person.joins(room)
  await Promise.all(people.map(person => exchange(person, room, 50, person.name)))
  await until('all heard all', () => people.every(p => p.heard.length === 50 * people.length))
  for (const person of people) isGapless(person.heard)
  assert.deepEqual(complaints.flat(), [])
})

/** A client on WebSocket by way of a gateway that does not have its session. */
async function tunnelled(name) {
  for (let tries = 0; tries < 20; tries++) {
    const before = await forwarded('upgrade')
    const person = await Person.arrives(stack, key, name, { transports: ['polling', 'websocket'], ...eachElsewhere() })
    await until('it is on WebSocket', () => person.socket.io.engine.transport.name === 'websocket')
    if (await forwarded('upgrade') > before) return person
    person.leaves()
  }
  throw new Error('all upgrades landed on the owner')
}

/** A WebSocket at gateway 2 for a session that gateway 1 has; no token is asked for that. */
async function strangersTunnel(whileItOpens = async () => {}) {
  const at = n => `127.0.0.1:${stack.gatewayPorts[n - 1]}/socket.io/?EIO=4`
  const answer = await request({ ...stack, url: `https://${at(1)}`, ca: stack.ca }, 'GET', '&transport=polling')
  const { sid } = JSON.parse(answer.text.slice(1))
  const begin = () => new WebSocket(`wss://${at(2)}&transport=websocket&sid=${sid}`, { ca: stack.ca }).on('error', () => {})
  const ws = await whileItOpens(begin) ?? begin()
  if (ws.readyState === WebSocket.CONNECTING) await new Promise(resolve => ws.once('open', resolve))
  ws.send('2probe')
  await new Promise(resolve => ws.once('message', resolve))
  ws.send('5')
  return ws
}

test('a WebSocket elsewhere is open when the owner knows of it, and not before', { timeout: 30000 }, async () => {
  const owner = stack.pid('gateway-1')
  let state
  const ws = await strangersTunnel(async begin => {
    process.kill(owner, 'SIGSTOP')
    const begun = begin()
    await pause(300)
    state = begun.readyState
    process.kill(owner, 'SIGCONT')
    return begun
  })
  assert.equal(state, WebSocket.CONNECTING)
  ws.terminate()
})

test('a probe is answered by the gateway that carries the WebSocket, ahead of all that the owner answers elsewhere', { timeout: 60000 }, async t => {
  const owner = stack.pid('gateway-1')
  const at = n => `127.0.0.1:${stack.gatewayPorts[n - 1]}/socket.io/?EIO=4`
  const poll = (n, sid) => request({ ...stack, url: `https://${at(n)}`, ca: stack.ca }, 'GET', `&transport=polling&sid=${sid}`)
  for (let round = 0; round < 20; round++) {
    const { sid } = JSON.parse((await request({ ...stack, url: `https://${at(1)}`, ca: stack.ca }, 'GET', '&transport=polling')).text.slice(1))
    const ws = new WebSocket(`wss://${at(2)}&transport=websocket&sid=${sid}`, { ca: stack.ca })
    const told = [], began = Date.now(), seen = [`round ${round}`] // when what came, for whoever finds this failed
    ws.on('message', data => {
      seen.push(`told ${data} at ${Date.now() - began}`)
      if (String(data) !== '2') told.push(String(data)) // a ping comes when it is time
    })
    await new Promise((resolve, reject) => { ws.once('open', resolve); ws.once('error', reject) })
    seen.push(`open at ${Date.now() - began}`)
    if (round === 0) {
      process.kill(owner, 'SIGSTOP')
      ws.send('2probe')
      await until('it is answered while the owner stands still', () => told.length === 1).finally(() => process.kill(owner, 'SIGCONT'))
      ws.send('5')
    } else { // nothing is waited for
      ws.send('2probe')
      ws.send('5')
    }
    await until('a poll is too late', async () => {
      const { status, text } = await poll(1 + round % 3, sid)
      seen.push(`${status} ${text} at ${Date.now() - began}`)
      return status === 400
    })
    assert.deepEqual(told, ['3probe'], `it came before the 400, and once: ${seen.slice(0, 5)} … ${seen.slice(-5)}`)
    if (Date.now() - began > 10000) t.diagnostic(`a round that took long: ${seen.slice(0, 5)} … ${seen.slice(-5)}`)
    ws.send('40/nowhere,')
    await until('the session is on it', () => told.length === 2)
    assert.match(told[1], /^44\/nowhere,/)
    ws.terminate()
  }
})

test('stock clients upgrade over several gateways, again and again, without a word of complaint', { timeout: 120000 }, async () => {
  const complaints = []
  const before = await forwarded('upgrade')
  for (let i = 0; i < 60; i++) {
    const person = await Person.arrives(stack, key, 'ada', { transports: ['polling', 'websocket'], ...eachElsewhere() })
    complaints.push(complaintsOf(person))
    await until('it is on WebSocket', () => person.socket.io.engine.transport.name === 'websocket')
    await person.calls('room:list', {})
    person.leaves()
  }
  assert.deepEqual(complaints.flat().filter(text => !/client disconnect/.test(text)), [])
  assert.ok(await forwarded('upgrade') - before >= 20, 'upgrades were not handed on')
})

test('a flood through some tunnels does not end the others', { timeout: 60000 }, async () => {
  const quiet = await strangersTunnel()
  const loud = await Promise.all(Array.from({ length: 8 }, () => strangersTunnel()))
  const frame = Buffer.from('81810000000033', 'hex') // a pong that nobody asked for
  const outcome = ws => new Promise(resolve => { ws.once('pong', () => resolve('open')); ws.once('close', code => resolve(code)) })
  const outcomes = loud.map(outcome)
  for (const ws of loud) {
    ws._socket.write(Buffer.alloc(20000 * frame.length, frame))
    ws.ping() // answered when what was sent before it has been read
  }
  assert.deepEqual(await Promise.all(outcomes), loud.map(() => 'open'))
  quiet.ping()
  assert.equal(await outcome(quiet), 'open')
  for (const ws of [quiet, ...loud]) ws.terminate()
})

test('what a gateway holds for a tunnel counts for the subject of its session', { timeout: 60000 }, async () => {
  const held = by => stack.metric(2, 'madang_gateway_held_bytes', `by="${by}"`)
  const base = 16000 // of a connection with TLS, at the least
  await until('nobody is there', async () => await held('all') < base)
  const ws = await strangersTunnel()
  await until('it is a stranger\'s', async () => await held('strangers') > base)
  ws.send(`40/chat,${JSON.stringify({ token: await tokenFor(stack, key, 'fay') })}`)
  await until('it is fay\'s', async () => await held('strangers') < base)
  ws.send(Buffer.alloc(500000, 'x'), { fin: false, binary: false })
  await until('and what is held for her', async () => await held('all') > base + 500000)
  assert.ok(await held('strangers') < base)
  ws.terminate()
  await until('all is given back', async () => await held('all') < base)
})

/** One request of HTTP over a socket of our own: its answer's text. */
function rawAsk(socket, method, sid, body = '') {
  socket.write(`${method} /socket.io/?EIO=4&transport=polling${sid && `&sid=${sid}`} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  return new Promise(resolve => socket.once('data', data => resolve(String(data))))
}

test('a request of polling elsewhere counts for the subject of its session, and not for strangers', { timeout: 60000 }, async () => {
  const held = by => stack.metric(2, 'madang_gateway_held_bytes', `by="${by}"`), base = 16000
  await until('nobody is there', async () => await held('all') < base)
  const home = tls.connect({ port: stack.gatewayPorts[0], host: '127.0.0.1', ca: stack.ca })
  const sid = /"sid":"([^"]+)"/.exec(await rawAsk(home, 'GET', ''))[1]
  await rawAsk(home, 'POST', sid, `40/chat,${JSON.stringify({ token: await tokenFor(stack, key, 'gus') })}`)
  assert.match(await rawAsk(home, 'GET', sid), /40\/chat/)
  const away = tls.connect({ port: stack.gatewayPorts[1], host: '127.0.0.1', ca: stack.ca })
  assert.match(await rawAsk(away, 'POST', sid, '42/chat,1["room:list"]'), /200 OK/)
  away.write(`POST /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 600000\r\n\r\n${'x'.repeat(500000)}`)
  await until('its body is held', async () => await held('all') > base + 450000)
  assert.ok(await held('strangers') < base, 'for gus')
  away.destroy()
  await rawAsk(home, 'POST', sid, '1')
  home.destroy()
  await until('all is given back', async () => await held('all') < base)
})

test('bodies for sessions that are none leave the pipe to the others, and the log is not theirs', { timeout: 60000 }, async () => {
  const quiet = await strangersTunnel()
  const outcome = new Promise(resolve => { quiet.once('message', data => resolve(String(data))); quiet.once('close', code => resolve(code)) })
  const at = n => ({ ...stack, url: `https://127.0.0.1:${stack.gatewayPorts[n - 1]}/socket.io/?EIO=4&transport=polling`, ca: stack.ca })
  const { sid } = JSON.parse((await request(at(1), 'GET', '')).text.slice(1))
  await request(at(1), 'POST', `&sid=${sid}`, { raw: '1' })
  const none = i => sid.slice(0, 4) + String(i).padStart(sid.length - 4, 'x')
  const posts = () => stack.metric(2, 'madang_mesh_forwarded_total', 'kind="post"'), before = await posts()
  const owner = stack.pid('gateway-1'), answers = [], flood = []
  const post = bytes => flood.push(request(at(2), 'POST', `&sid=${none(flood.length)}`, { raw: '4' + 'x'.repeat(bytes), from: '127.7.0.1' })
    .then(answer => answers.push(answer.status)))
  process.kill(owner, 'SIGSTOP')
  try {
    for (const bytes of [999000, 100000, 10000, 1000, 100]) { // what is full for one still has room for a smaller one
      const had = answers.length
      for (let i = 0; i < 36 && answers.length === had; i += 6) { // no more of them than that takes: the owner is waited for so long, and no longer
        for (let n = 0; n < 6; n++) post(bytes)
        await until('each is on its way or answered', async () => answers.length + await posts() - before >= flood.length)
      }
    }
    quiet.send(`40/nowhere,{"filler":"${'x'.repeat(10000)}"}`)
    await pause(100) // until it has been read, too
  } finally {
    process.kill(owner, 'SIGCONT')
  }
  assert.match(await outcome, /^44\/nowhere,/)
  await Promise.all(flood)
  assert.ok(answers.includes(429) && answers.includes(400), `${answers}`)
  assert.ok(stack.log('gateway-2').split('\n').filter(line => line.includes('mesh.refused')).length <= 10)
  quiet.terminate()
})

test('large and binary messages go through a tunnel whole, both ways', async () => {
  const far = await tunnelled('far')
  const near = await Person.arrives(stack, key, 'near')
  const { id: room } = await near.makesRoom()
  await near.joins(room)
  await far.joins(room)
  const big = Buffer.alloc(700000, 7), small = Buffer.from([0, 255, 10])
  for (const [from, to] of [[far, near], [near, far]]) {
    from.socket.emit('app:drawn', { room }, big, small)
    const [, , first, second] = await to.hearsEvent('app:drawn')
    assert.ok(big.equals(first) && small.equals(second))
  }
})

test('a slow reader behind a tunnel is held by its window, and then hears all', { timeout: 60000 }, async () => {
  const far = await tunnelled('far')
  const near = await Person.arrives(stack, key, 'near')
  const { id: room } = await near.makesRoom()
  await near.joins(room)
  await far.joins(room)
  const complaints = complaintsOf(far)
  const drawn = () => far.events.filter(([event]) => event === 'app:drawn').length
  const tcp = far.socket.io.engine.transport.ws._socket
  tcp.pause()
  for (let i = 0; i < 30; i++) near.socket.emit('app:drawn', { room }, Buffer.alloc(700000))
  for (let i = 0; i < 50; i++) await near.says(room, 'a message')
  assert.equal(far.heard.length, 0, 'the pause had no effect')
  tcp.resume()
  await until('it heard all messages', () => far.heard.length === 50, 20000)
    .catch(error => { throw new Error(`${error.message}: ${far.heard.length} ${drawn()} ${complaints}`) })
  isGapless(far.heard)
  assert.ok(drawn() > 0 && drawn() < 30, `${drawn()} of 30 events found room for a slow reader`)
  assert.deepEqual(complaints, [])
})

test('a poll whose client hangs up ends the session, wherever it hangs', async () => {
  const people = await Promise.all(['ada', 'bo', 'cy', 'di'].map(name => Person.arrives(stack, key, name, polling())))
  for (const person of people) person.socket.io.reconnection(false)
  await until('they poll', () => people.every(person => person.socket.io.engine.transport._polling))
  await until('their polls have arrived', async () => { // a connection that is cut before says nothing of a session
    const received = await total('madang_gateway_received_bytes_total')
    await pause(200)
    return await total('madang_gateway_received_bytes_total') === received
  })
  await until('their sessions are over', async () => {
    balancer.cut()
    return (await total('madang_gateway_sessions')) === 0
  }) // a ping would be due after 25 s only
})

test('a sid that nobody has is error 1, soon', async () => {
  for (const sid of ['AAAAAAAAAAAAAAAAAAAA', 'short', 'AAAAAAAAAAAAAAAAAAA%C3%A9']) {
    const answer = await request(stack, 'GET', `/socket.io/?EIO=4&transport=polling&sid=${sid}`)
    assert.deepEqual([answer.status, answer.json], [400, { code: 1, message: 'Session ID unknown' }])
  }
})

test('a gateway that has just begun, and has not heard of the others yet, keeps their clients waiting', { timeout: 60000 }, async () => {
  const home = tls.connect({ port: stack.gatewayPorts[0], host: '127.0.0.1', ca: stack.ca })
  const sid = /"sid":"([^"]+)"/.exec(await rawAsk(home, 'GET', ''))[1]
  await rawAsk(home, 'POST', sid, `40/chat,${JSON.stringify({ token: await tokenFor(stack, key, 'hal') })}`)
  process.kill(stack.pid('chat'), 'SIGSTOP')
  try {
    await stack.kill('gateway-2', 15)
    const young = await until('it listens', () => new Promise(resolve => {
      const socket = tls.connect({ port: stack.gatewayPorts[1], host: '127.0.0.1', ca: stack.ca }, () => resolve(socket))
      socket.on('error', () => resolve(false))
    }))
    let told = false
    const answer = rawAsk(young, 'GET', sid).finally(() => { told = true })
    await pause(1500)
    assert.equal(told, false, 'it knows of nobody yet')
    process.kill(stack.pid('chat'), 'SIGCONT')
    assert.match(await answer, /200 OK[^]*40\/chat/)
    await rawAsk(young, 'POST', sid, '1')
    young.destroy()
  } finally {
    process.kill(stack.pid('chat'), 'SIGCONT')
    home.destroy()
  }
  await stack.ready()
})

const leaves = [
  ['its owner is killed, on polling', 9, polling],
  ['its owner is drained, on polling', 15, polling],
  ['its owner is killed, on WebSocket', 9, () => ({ transports: ['polling', 'websocket'], ...eachElsewhere() })],
  ['its owner is drained, on WebSocket', 15, () => ({ transports: ['polling', 'websocket'], ...eachElsewhere() })],
]
for (const [what, signal, options] of leaves)
  test(`a client goes on when ${what}`, { timeout: 60000 }, async () => {
    const ada = await Person.arrives(stack, key, 'ada', options())
    if (options !== polling) await until('it is on WebSocket', () => ada.socket.io.engine.transport.name === 'websocket')
    const owner = await ownerOf()
    const { id: room } = await ada.makesRoom()
    await ada.joins(room)
    await ada.says(room, 'before')
    await ada.hears('before')
    let disconnects = 0
    ada.socket.on('disconnect', () => disconnects++)
    const back = new Promise(resolve => ada.socket.once('connect', resolve))
    await Promise.all([stack.kill(`gateway-${owner}`, signal), back])
    await ada.joins(room, 1)
    await ada.says(room, 'after')
    await ada.hears('after')
    isGapless(ada.heard)
    assert.equal(disconnects, 1)
    await stack.ready()
  })

test('a gateway in between may leave: a polling client of another does not notice', { timeout: 60000 }, async () => {
  const ada = await Person.arrives(stack, key, 'ada', polling())
  const complaints = complaintsOf(ada)
  const owner = await ownerOf()
  const between = GATEWAYS.find(n => n !== owner)
  const { id: room } = await ada.makesRoom()
  await ada.joins(room)
  const talk = exchange(ada, room, 100, 'ada')
  await stack.kill(`gateway-${between}`, 15)
  await talk
  await until('it heard all', () => ada.heard.length === 100)
  isGapless(ada.heard)
  assert.deepEqual(complaints, [])
  await stack.ready()
})
