// e_cost - what a connection may cost before it is known, and after: packets and bytes are counted before they are read, and the
// gateway's CPU time stays with those who are honest.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import WebSocket from 'ws'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const STRANGER_PACKETS = 200, STRANGER_BYTES = 262144, PACKETS = 500, BYTES = 200000
let stack, key, token
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '100', MADANG_GATEWAY_DEFLATE: '1', MADANG_GATEWAY_PLAIN: '1',
    MADANG_GATEWAY_PACKETS_PER_S: String(PACKETS), MADANG_GATEWAY_BYTES_PER_S: String(BYTES) } })
  key = await stack.issueKey()
  token = await tokenFor(stack, key, 'ada')
})
after(() => stack?.stop())

const floods = who => stack.metric(1, 'madang_gateway_floods_total', `who="${who}"`)
const packetsIn = () => stack.metric(1, 'madang_socketio_events_total')

/** Milliseconds of CPU that the gateway has used. */
const cpu = () => {
  const fields = readFileSync(`/proc/${stack.pid('gateway-1')}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** A WebSocket of somebody who speaks Engine.IO by hand; `ended` is its close code and reason. */
async function stranger({ known = false, deflate = false, plain = false } = {}) {
  const ws = new WebSocket(`${(plain ? stack.plainUrl : stack.url).replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, { ca: stack.ca, perMessageDeflate: deflate })
  ws.heard = []
  ws.ended = new Promise(resolve => ws.once('close', (code, reason) => resolve([code, String(reason)])))
  ws.on('message', data => ws.heard.push(String(data)))
  ws.on('error', () => {})
  await until('it is open', () => ws.heard.length === 1)
  if (known) {
    ws.send(`40/chat,${JSON.stringify({ token })}`)
    await until('it is in', () => ws.heard.length === 2)
  }
  return ws
}
const repeat = (ws, n, text) => { for (let i = 0; i < n; i++) ws.send(text) }

test('a stranger sends so many packets, of whatever kind, and is then closed', async () => {
  for (const packet of ['6', '3', '40/nowhere,']) {
    const before = await floods('stranger')
    const ws = await stranger()
    repeat(ws, packet[0] === '4' ? 20 : STRANGER_PACKETS, packet)
    if (packet[0] === '4') await until('all are answered', () => ws.heard.length === 21)
    ws.send(`40/chat,${JSON.stringify({ token })}`)
    if (packet[0] === '4') {
      await until('20 of 200 is no flood', () => ws.heard.some(text => text.startsWith('40/chat,')))
      ws.terminate()
    } else {
      assert.deepEqual(await ws.ended, [1008, 'too much before a namespace'])
      assert.equal(await floods('stranger'), before + 1)
    }
  }
  const ws = await stranger()
  repeat(ws, STRANGER_PACKETS - 1, '6')
  ws.send(`40/chat,${JSON.stringify({ token })}`)
  await until('the last one that may come is read', () => ws.heard.some(text => text.startsWith('40/chat,')))
  repeat(ws, STRANGER_PACKETS, '6')
  ws.send('42/chat,1["room:list",{}]')
  await until('whoever is in may send more', () => ws.heard.some(text => text.startsWith('43/chat,1')))
  ws.terminate()
})

/** What is no Engine.IO packet: each kind of frame by itself, the fragments of one message that never ends. */
const FRAMES = {
  pings: ws => ws.ping('x'),
  pongs: ws => ws.pong(),
  'empty fragments': ws => ws.send('', { fin: false }),
}

test('frames that are no packets are counted with them: before a namespace is joined, and after', async () => {
  for (const [kind, send] of Object.entries(FRAMES)) for (const plain of [false, true]) {
    const before = await floods('stranger'), beforeKnown = await floods('known')
    const early = await stranger({ plain })
    for (let i = 0; i < STRANGER_PACKETS + 1; i++) send(early)
    assert.deepEqual(await early.ended, [1008, 'too much before a namespace'], kind)
    assert.equal(await floods('stranger'), before + 1)
    const late = await stranger({ plain, known: true })
    for (let i = 0; i < PACKETS * 10 * 3; i++) send(late)
    assert.deepEqual(await late.ended, [1008, 'too much at once'], kind)
    assert.equal(await floods('known'), beforeKnown + 1)
  }
})

test('some pings, and a message in a hundred fragments, are nobody\'s flood', async () => {
  const ws = await stranger()
  let pongs = 0
  ws.on('pong', () => pongs++)
  for (let i = 0; i < 20; i++) ws.ping('x')
  const connect = `40/chat,${JSON.stringify({ token })}`, step = Math.ceil(connect.length / 100)
  for (let at = 0; at < connect.length; at += step) ws.send(connect.slice(at, at + step), { fin: at + step >= connect.length })
  await until('it is in, and each ping was answered', () => pongs === 20 && ws.heard.some(text => text.startsWith('40/chat,')))
  ws.terminate()
})

test("a stranger's bytes are few, in one message or in many, and its POSTs have no more", async () => {
  const large = await stranger()
  large.send('4' + 'x'.repeat(STRANGER_BYTES))
  assert.equal((await large.ended)[0], 1009)
  const many = await stranger()
  repeat(many, 30, '6' + ' '.repeat(10000))
  assert.deepEqual(await many.ended, [1008, 'too much before a namespace'])

  const open = async () => JSON.parse((await request(stack, 'GET', '/socket.io/?EIO=4&transport=polling')).text.slice(1)).sid
  const post = async (sid, body) => (await request(stack, 'POST', `/socket.io/?EIO=4&transport=polling&sid=${sid}`, { raw: body, headers: { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body) } })).status
  assert.equal(await post(await open(), '6' + ' '.repeat(STRANGER_BYTES)), 413)
  assert.equal(await post(await open(), Array(100000).fill('6').join('\x1e')), 429)
  const sid = await open()
  assert.equal(await post(sid, Array(STRANGER_PACKETS - 1).fill('6').join('\x1e')), 200)
  assert.equal(await post(sid, '6'), 429)
  assert.equal(await post(sid, '6'), 400, 'the session is gone')
})

test('a CONNECT brings a token and not a book, and neither does a refresh', async () => {
  const ws = await stranger()
  ws.send(`40/chat,${JSON.stringify({ token, more: 'x'.repeat(20000) })}`)
  await until('it is refused', () => ws.heard.length === 2)
  assert.match(ws.heard[1], /^44\/chat,.*"code":"too_large"/)
  ws.send(`40/chat,${JSON.stringify({ token, more: 'x'.repeat(4000) })}`)
  await until('it is in', () => ws.heard.length === 3)
  assert.match(ws.heard[2], /^40\/chat,/)
  ws.send(`42/chat,1["auth:refresh",${JSON.stringify({ token, more: 'x'.repeat(20000) })}]`)
  await until('it is refused', () => ws.heard.length === 4)
  assert.match(ws.heard[3], /^43\/chat,1\[\{"error":\{"code":"too_large"/)
  ws.terminate()
})

test('whoever is in sends so many packets a second, and bytes, and is then closed', async () => {
  const before = await floods('known')
  for (const packet of ['6', '3', '43/chat,7[]', '42/chat,["no:such"]']) {
    const ws = await stranger({ known: true })
    repeat(ws, PACKETS * 10 * 3, packet)
    assert.deepEqual(await ws.ended, [1008, 'too much at once'])
  }
  const ws = await stranger({ known: true })
  repeat(ws, 40, '6' + ' '.repeat(90000))
  assert.deepEqual(await ws.ended, [1008, 'too much at once'])
  assert.equal(await floods('known'), before + 5)
})

test('what is inflated is bounded by what came, and counts as what it is', async () => {
  const bomb = await stranger({ known: true, deflate: true })
  bomb.send('6' + ' '.repeat(900000))
  assert.equal((await bomb.ended)[0], 1009, 'a thousand times what came')
  const fair = await stranger({ known: true, deflate: true })
  fair.send('42/chat,1["room:list",{}]')
  await until('it is answered', () => fair.heard.some(text => text.startsWith('43/chat,1')))
  const words = JSON.stringify(Array.from({ length: 20000 }, (_, i) => ({ x: i % 97, y: i % 89 })))
  assert.ok(words.length > 200000 && deflateRawSync(words).length * 100 > words.length)
  repeat(fair, 40, '6' + words)
  assert.deepEqual(await fair.ended, [1008, 'too much at once'])
  const early = await stranger({ deflate: true })
  early.send('6' + words + words)
  assert.equal((await early.ended)[0], 1009, 'before it is known, not even that')
})

/** What an honest visit costs is the measure: CPU time is that of this machine, as busy as it is. */
const VISITS = 20
test(`a connection that is closed for what it sends has cost less than ${VISITS} honest visits`, { timeout: 120000 }, async () => {
  /** CPU milliseconds of one `work`, of some seconds of it one after the other. */
  const costOf = async (work, seconds = 1) => {
    const from = cpu(), end = Date.now() + seconds * 1000
    let rounds = 0
    for (; Date.now() < end; rounds++) await work()
    return (cpu() - from) / rounds
  }
  const honest = await costOf(async () => {
    const bo = await Person.arrives(stack, key, 'bo', { token, reconnection: false })
    await bo.emits('room:list', {})
    bo.leaves()
  }, 2)
  const book = JSON.stringify({ token: 'x'.repeat(100000), more: Array(10000).fill({}) })
  const attacks = {
    'empty packets': async () => { const ws = await stranger(); repeat(ws, 20000, '6'); return ws.ended },
    'JSON of nobody': async () => { const ws = await stranger(); repeat(ws, 40, `40/chat,${book}`); return ws.ended },
    'a thousand times inflated': async () => { const ws = await stranger({ deflate: true }); repeat(ws, 20, '6' + ' '.repeat(900000)); return ws.ended },
    'a token for each namespace': async () => { const ws = await stranger(); for (let i = 0; i < 300; i++) ws.send(`40/chat,${JSON.stringify({ token: `${i}${token}` })}`); return ws.ended },
  }
  for (const [name, attack] of Object.entries(attacks)) {
    const cost = await costOf(attack)
    console.log(`# ${name}: ${cost.toFixed(2)} ms of CPU a connection, as ${(cost / honest).toFixed(1)} honest visits of ${honest.toFixed(2)} ms`)
    assert.ok(cost < honest * VISITS, `${name}: ${cost} ms, and an honest visit ${honest}`)
  }
})
