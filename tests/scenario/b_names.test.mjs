// b_names - what is checked is what is delivered: however a client writes a name, a policy is asked about what others hear.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { writeFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import msgpack from 'socket.io-msgpack-parser'
import { startStack } from '../lib/stack.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'

// Mallory may say everything but `admin:*`, and nothing in `barred`; Bo listens.
let stack, bo, key, mallory, room, barred
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_MSGPACK_PATH: '/msgpack/' } })
  const open = await stack.issueKey()
  bo = await Person.arrives(stack, open, 'bo')
  room = (await bo.makesRoom()).id
  barred = (await bo.makesRoom()).id
  await bo.joins(room)
  const file = join(stack.dir, 'names.json')
  writeFileSync(file, JSON.stringify([{ effect: 'allow' }, { effect: 'allow', namespaces: ['/chat'], actions: ['publish'], events: ['typing', 'admin:*'] },
    { effect: 'deny', events: ['admin:*'] }, { effect: 'deny', rooms: [barred] }]))
  await stack.authctl('policy', 'put', 'names', file)
  key = await stack.issueKey({ policy: 'names' })
  mallory = await Person.arrives(stack, key, 'mallory')
  await mallory.joins(room)
})
after(async () => { bo?.leaves(); mallory?.leaves(); await stack?.stop() })

/** Send these messages as they are, of which the first is a packet with `#` for an ack id; what is acknowledged. */
let acks = 5000
const sends = (packet, ...parts) => new Promise((resolve, reject) => {
  const id = acks++
  setTimeout(reject, 15000, new Error(`no acknowledgement of ${packet}`)).unref()
  mallory.socket.acks[id] = (first, second) => resolve(second ?? first)
  mallory.socket.once('disconnect', reason => reject(new Error(`the session ended: ${reason}`)))
  mallory.socket.io.engine.write(packet.replace('#', String(id)))
  for (const part of parts) mallory.socket.io.engine.write(part)
})
const heardAdmin = () => bo.events.filter(([name]) => name !== 'typing' && name !== 'message')

/** All that was sent before has arrived: the same socket's next one has. */
const isThrough = async () => {
  const before = bo.events.filter(([name]) => name === 'typing').length
  await mallory.emits('typing', { room })
  await until('bo hears typing', () => bo.events.filter(([name]) => name === 'typing').length > before)
}

/** A name that a policy denies is no name that it relays. */
const denied = ['forbidden', 'no_event']

const escaped = text => [...text].map(c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')).join('')

test('a denied event is denied however its name is written', async () => {
  for (const name of ['admin:ban', '\\u0061dmin:ban', 'admin\\u003Aban', 'admin:\\u0062an', escaped('admin:ban')]) {
    const answer = await sends(`2/chat,#["${name}",{"room":"${room}"}]`)
    assert.ok(denied.includes(answer?.error?.code), `${name}: ${JSON.stringify(answer)}`)
  }
  await isThrough()
  assert.deepEqual(heardAdmin(), [])
})

test('a name that has no decoding is refused, and says where; the session lives', async () => {
  for (const name of ['\\u0061dmin:ban\\ud800', 'admin:ban\\udc00', '\\ud800\\u0061', 'admin:ban\\u0000', '\\u0000admin:ban']) {
    const answer = await sends(`2/chat,#["${name}",{"room":"${room}"}]`)
    assert.equal(answer?.error?.code, 'invalid_argument', `${name}: ${JSON.stringify(answer)}`)
    assert.match(answer.error.message, /at byte \d+$/)
  }
  await isThrough()
  assert.deepEqual(heardAdmin(), [])
})

test('the same with attachments', async () => {
  for (const [name, codes] of [['\\u0061dmin:ban', denied], ['admin:ban\\ud800', ['invalid_argument']]]) {
    const answer = await sends(`51-/chat,#["${name}",{"room":"${room}","x":{"_placeholder":true,"num":0}}]`, Buffer.from('x'))
    assert.ok(codes.includes(answer?.error?.code), `${name}: ${JSON.stringify(answer)}`)
  }
  await isThrough()
  assert.deepEqual(heardAdmin(), [])
})

test('an argument that readers would read differently goes to nobody', async () => {
  const before = bo.events.length
  for (const argument of [`{"room":"${room}","room":"${barred}"}`, `{"room":"${room}","r\\u006fom":"${barred}"}`, `{"room":"${room}","x":1e999}`,
    `{"room":"${room}","x":1e-400}`, `{"room":"${room}","x":"\\udfff"}`, `{"room":"${room}","x":"\\u0000"}`, `{"room":"${room}","\\ud800":1}`]) {
    for (const event of ['typing', 'message:send', 'room:list', 'auth:refresh']) {
      const answer = await sends(`2/chat,#["${event}",${argument}]`)
      assert.equal(answer?.error?.code, 'invalid_argument', `${event} ${argument}: ${JSON.stringify(answer)}`)
    }
  }
  await isThrough()
  assert.equal(bo.events.length, before + 1)
})

test('a room is the one that is meant, however its id is written', async () => {
  for (const event of ['typing', 'message:send', 'message:list', 'room:join', 'room:leave'])
    for (const id of [escaped(barred), `\\u00${barred.charCodeAt(0).toString(16)}${barred.slice(1)}`, barred.toUpperCase()]) {
      const answer = await sends(`2/chat,#["${event}",{"r\\u006fom":"${id}","id":"12345678","body":"x"}]`)
      assert.equal(answer?.error?.code, 'forbidden', `${event} ${id}: ${JSON.stringify(answer)}`)
    }
})

test('an allowed event is heard by its decoded name, with its arguments as they came', async () => {
  const answer = await sends(`2/chat,#["\\u0074y\\u0070ing",{"room":"${room}","n":1.50,"t":"\\u00e9\\/"} , [ ]]`)
  assert.deepEqual(answer, {})
  const [, first, second] = await until('bo hears it', () => bo.events.find(([name, argument]) => name === 'typing' && argument.n === 1.5))
  assert.deepEqual([first.t, second], ['é/', []])
})

test('packets of the msgpack parser obey the same', async () => {
  const eve = await Person.arrives(stack, key, 'eve', { path: '/msgpack/', parser: msgpack })
  await eve.joins(room)
  const before = bo.events.length
  assert.ok(denied.includes((await eve.emits('admin:ban', { room })).error?.code))
  await eve.isRefused('admin:ban\0', { room }, 'invalid_argument', /NUL/)
  await eve.isRefused('typing', { room, x: 'a\0b' }, 'invalid_argument', /NUL/)
  await eve.isRefused('typing', { room: barred }, 'forbidden')
  // A map with a key twice: no JavaScript object has that.
  const twice = Buffer.concat([Buffer.from('84a47479706502a36e7370a52f63686174a26964', 'hex'), Buffer.from([0xcd, 0x17, 0x70]), Buffer.from('a464617461', 'hex'),
    Buffer.from('92a6747970696e6782', 'hex'), ...[room, barred].flatMap(id => [Buffer.from('a4726f6f6dd924', 'hex'), Buffer.from(id)])])
  const answer = await new Promise(resolve => { eve.socket.acks[6000] = (first, second) => resolve(second ?? first); eve.socket.io.engine.write(twice) })
  assert.equal(answer?.error?.code, 'invalid_argument', JSON.stringify(answer))
  assert.deepEqual(await eve.emits('typing', { room, by: 'eve' }), {})
  await until('bo hears eve', () => bo.events.some(([name, argument]) => name === 'typing' && argument.by === 'eve'))
  assert.equal(bo.events.length, before + 1)
  eve.leaves()
})

test('CONNECT with such JSON is refused with a code', async () => {
  const codeOf = raw => new Promise(resolve => {
    const engine = mallory.socket.io.engine
    const listen = data => {
      if (!/^[04]\/error,/.test(String(data))) return
      engine.off('data', listen)
      resolve(JSON.parse(data.slice('4/error,'.length)).data?.code ?? 'connected')
    }
    engine.on('data', listen)
    engine.write(`0/error,${raw}`)
  })
  const token = await tokenFor(stack, key, 'x')
  assert.equal(await codeOf(`{"token":"${token}","token":"${token}"}`), 'invalid_argument')
  assert.equal(await codeOf(`{"token":"${token}","x":"\\ud800"}`), 'invalid_argument')
})

test('REST reads paths and queries once, and bodies by the same door', async () => {
  const token = await tokenFor(stack, key, 'mallory')
  const status = async (method, path, options = {}) => { const answer = await request(stack, method, path, { token, ...options }); return [answer.status, answer.json?.error?.code] }
  const first = `%${barred.charCodeAt(0).toString(16)}${barred.slice(1)}`
  assert.deepEqual(await status('GET', `/api/v1/rooms/${first}/messages`), [403, 'forbidden'])
  assert.deepEqual(await status('GET', `/api/v1/rooms/${first.replace('%', '%25')}/messages`), [400, 'invalid_argument'])
  assert.deepEqual(await status('GET', `/api/v1/rooms/${barred}%00/messages`), [400, 'malformed'])
  assert.deepEqual(await status('GET', `/api/v1/rooms/${barred}%ed%a0%80/messages`), [400, 'malformed'])
  assert.deepEqual(await status('GET', `/api/v1/rooms/${room}/messages?room=${barred}`), [200, undefined]) // the path's holds
  assert.deepEqual(await status('GET', `/api/v1/rooms/${barred}/messages?room=${room}`), [403, 'forbidden'])
  // A URL's dots would be taken out before they are sent; and Node 18 takes for a URL what was spread from its options of one.
  const { hostname, port } = new URL(stack.url)
  const asWritten = path => new Promise((resolve, reject) => https.get({ hostname, port, path, ca: stack.ca, agent: false,
    headers: { authorization: `Bearer ${token}` } }, res => { res.resume(); resolve(res.statusCode) }).on('error', reject))
  for (const path of [`/api/v1/rooms/../rooms/${room}/messages`, '/api/v1//rooms', '/api/v1/./rooms', '/api/v1/rooms/%2e%2e/rooms', '/api/v1/%72ooms', '/api/v1%2frooms'])
    assert.equal(await asWritten(path), 404, path)
  const post = raw => status('POST', `/api/v1/rooms/${room}/messages`, { raw })
  assert.deepEqual(await post(`{"id":"12345678","body":"x","room":"${barred}"}`), [201, undefined]) // stored where the path says
  assert.deepEqual(await post('{"id":"12345678","body":"x","body":"y"}'), [400, 'invalid_argument'])
  assert.deepEqual(await post('{"id":"12345678","body":"\\ud800"}'), [400, 'invalid_argument'])
  assert.deepEqual(await post('{"id":"12345678","body":"x","meta":1e400}'), [400, 'invalid_argument'])
  assert.deepEqual(await post('{"id":"12345678","body":"x"'), [400, 'malformed'])
})
