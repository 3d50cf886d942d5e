// e_cost_mesh - what a client sends to a gateway that has not its session is read there: and so it is counted there.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { randomBytes } from 'node:crypto'
import WebSocket from 'ws'
import { request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const STRANGER_PACKETS = 200, STRANGER_BYTES = 262144, PACKETS = 500
let stack, token
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, env: { MADANG_GATEWAY_RATE_PERCENT: '100', MADANG_GATEWAY_DEFLATE: '1',
    MADANG_GATEWAY_PACKETS_PER_S: String(PACKETS) } })
  token = await tokenFor(at(1), await stack.issueKey(), 'ada')
})
after(() => stack?.stop())

const at = n => ({ url: `https://127.0.0.1:${stack.gatewayPorts[n - 1]}`, ca: stack.ca })
const floods = who => stack.metric(2, 'madang_gateway_floods_total', `who="${who}"`)
const carried = () => stack.metric(2, 'madang_mesh_forwarded_total', 'kind="message"')

/** Its session is the first gateway's, its WebSocket is at the second. */
async function visitor({ known = false } = {}) {
  const sid = JSON.parse((await request(at(1), 'GET', '/socket.io/?EIO=4&transport=polling')).text.slice(1)).sid
  const ws = new WebSocket(`${at(2).url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket&sid=${sid}`, { ca: stack.ca, perMessageDeflate: true })
  ws.heard = []
  ws.ended = new Promise(resolve => ws.once('close', (code, reason) => resolve([code, String(reason)])))
  ws.on('message', data => ws.heard.push(String(data)))
  ws.on('error', () => {})
  await until('it is open', () => ws.readyState === WebSocket.OPEN)
  ws.send('2probe')
  await until('its probe is answered', () => ws.heard.includes('3probe'))
  ws.send('5')
  if (!known) return ws
  ws.send(`40/chat,${JSON.stringify({ token })}`)
  await until('it is in', () => ws.heard.some(text => text.startsWith('40/chat,')))
  return ws
}

test('frames that go no further are counted by the gateway that reads them', async () => {
  for (const send of [ws => ws.ping(), ws => ws.pong(), ws => ws.send('', { fin: false })]) {
    const before = await floods('stranger'), beforeKnown = await floods('known')
    const early = await visitor()
    for (let i = 0; i < STRANGER_PACKETS + 1; i++) send(early)
    assert.deepEqual(await early.ended, [1008, 'too much before a namespace'])
    assert.equal(await floods('stranger'), before + 1)
    const late = await visitor({ known: true })
    for (let i = 0; i < PACKETS * 10 * 3; i++) send(late)
    assert.deepEqual(await late.ended, [1008, 'too much at once'])
    assert.equal(await floods('known'), beforeKnown + 1)
  }
})

test('a stranger has no more inflated there than where its session is; whoever has joined has', async () => {
  const words = randomBytes(STRANGER_BYTES / 2).toString('hex') // packs to a half
  const before = await carried(), early = await visitor()
  early.send('6' + words)
  assert.equal((await early.ended)[0], 1009)
  assert.equal(await carried(), before + 2, 'only the probe and the 5 were handed on')
  const late = await visitor({ known: true })
  late.send('6' + words)
  late.send('42/chat,1["room:list",{}]')
  await until('it is answered', () => late.heard.some(text => text.startsWith('43/chat,1')))
  late.terminate()
})

test("what it holds there counts for its subject, and no more for strangers", async () => {
  const strangers = () => stack.metric(2, 'madang_gateway_held_bytes', 'by="strangers"')
  await until('nobody is there', async () => await strangers() === 0)
  const early = await visitor()
  await until('a stranger is', async () => await strangers() > 0)
  const late = await visitor({ known: true })
  early.terminate()
  await until('one is left, who is known', async () => await strangers() === 0)
  assert.equal(late.readyState, WebSocket.OPEN)
  assert.ok(await stack.metric(2, 'madang_gateway_held_bytes', 'by="all"') > 0)
  late.terminate()
})
