// r_webhooks - servers of other people are told what happens in a room: signed as Standard Webhooks has it, each thing at least once under one id,
// whatever the server answers and whoever is killed; and who looks after the room sees what became of it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
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
const LONG = 60000, PER_MINUTE = 30
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
      MADANG_CHAT_WEBHOOK_RETRY_S: '1', MADANG_CHAT_WEBHOOKS_MAX: '4', MADANG_CHAT_WEBHOOK_PER_MINUTE: String(PER_MINUTE),
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

test('smoke', { timeout: 120000 }, async () => {
  const at = await aRoom(), receiver = aReceiver()
  const hook = await makes(at, receiver)
  assert.match(hook.secret, /^whsec_/)
  await at.speaks(at.owner, 'hello')
  const [one] = await came(receiver, says('hello'))
  verifies(hook.secret, one)
  console.log(one.body, await shown(at, hook), await deliveries(at, hook), await attempts(at, hook))
  at.leaves()
})
