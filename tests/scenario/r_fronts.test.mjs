// r_fronts - nginx, HAProxy and Caddy from Debian's packages before real gateways, with the configurations that docs/fronts has.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { X509Certificate, createHash, randomBytes, randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import { startBrowser } from '../lib/browser.mjs'
import { answersTo, readCorpora, startReference } from '../lib/corpora.mjs'
import { frontNames, saysOf, startFront } from '../lib/fronts.mjs'
import { Person, everybodyLeaves, isGapless, request, tokenFor } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { metricsText } from '../lib/prometheus.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

// Everything is on this machine, whose addresses are all of 127.0.0.0/8: fronts are .0.1, clients are others.
const SIZE = 100 << 20, PATIENCE = 60000
let stack, key, token
const fronts = {}, gatewayOf = name => frontNames.indexOf(name) + 1
/** The stack as somebody sees it who comes by a front. */
const by = name => ({ ca: stack.ca, url: fronts[name].url })
const direct = name => ({ ca: stack.ca, url: `https://127.0.0.1:${stack.gatewayPorts[gatewayOf(name) - 1]}` })

/** A gateway for each front, and each is told how its own says whose a request is. */
async function tellGateways() {
  for (const name of frontNames) {
    writeFileSync(join(stack.dir, 'env', `gateway-${gatewayOf(name)}`, 'MADANG_GATEWAY_PROXIES_SAY'), saysOf(name))
    await stack.kill(`gateway-${gatewayOf(name)}`, 'SIGTERM')
  }
  await stack.ready()
}

before(async () => {
  stack = await startStack({ gateways: frontNames.length, ownPorts: true, env: {
    MADANG_GATEWAY_TRUSTED_PROXIES: '127.0.0.1', MADANG_GATEWAY_ORIGINS: '*', MADANG_SHARE_MEDIA_BYTES: String(1 << 30),
  } })
  await tellGateways()
  const port = await freePorts(frontNames.length)
  for (const [i, name] of frontNames.entries())
    fronts[name] = await startFront(name, { dir: join(stack.dir, name), port: port + i, target: stack.gatewayPorts[i], tls: join(stack.dir, 'tls') })
  key = await stack.issueKey()
  for (const name of frontNames) await until(`${name} finds its gateway`, async () => (await request(by(name), 'GET', '/healthz')).status === 200, PATIENCE)
  token = await tokenFor(by('nginx'), key, 'ada')
})
after(async () => {
  for (const name of frontNames) if (fronts[name]) everybodyLeaves(by(name))
  for (const front of Object.values(fronts)) await front.stop()
  await stack?.stop()
})

const connects = subject => frontNames.flatMap(name => stack.log(`gateway-${gatewayOf(name)}`).split('\n'))
  .filter(line => line.includes('"gateway.connect"') && line.includes(`"${subject}"`) && line.endsWith('}')).map(JSON.parse)
const loggedAddress = subject => until(`${subject} is in a log`, () => connects(subject)[0]?.address)
/** The lie is told in each way that there is. */
const CLAIMS = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' }

test('people at three fronts are in one room, over WebSocket and polling, with their own addresses', async () => {
  const people = []
  for (const [i, name] of frontNames.entries())
    for (const [j, transports] of [['websocket'], ['polling'], ['polling', 'websocket']].entries()) {
      const from = `127.0.${10 + i}.${1 + j}`, subject = `${name}-${transports.join('-')}`
      const agent = new https.Agent({ ca: stack.ca, localAddress: from, keepAlive: true })
      people.push(Object.assign(await Person.arrives(by(name), key, subject, { token: await tokenFor(by(name), key, subject), agent, transports, extraHeaders: CLAIMS }), { from }))
    }
  const { id: room } = await people[0].makesRoom()
  for (const person of people) await person.joins(room)
  for (const person of people) await person.says(room, person.name)
  for (const person of people) {
    await until(`${person.name} hears everybody`, () => person.heard.length === people.length, PATIENCE)
    isGapless(person.heard)
    assert.equal(await loggedAddress(person.name), person.from)
  }
  for (const person of people) person.leaves()
})

/** What a connection of this address to a gateway is answered to these bytes, by TLS or, `before` it, to what does not begin with it. */
function asks(name, from, text, { before = false } = {}) {
  return new Promise((resolve, reject) => {
    let heard = ''
    const options = { port: stack.gatewayPorts[gatewayOf(name) - 1], host: '127.0.0.1', localAddress: from }
    const socket = before ? net.connect(options, () => socket.write(text)) : tls.connect({ ...options, ca: stack.ca }, () => socket.write(text))
    socket.on('data', data => { heard += data }).on('close', () => resolve(heard)).on('error', error => { if (error.code !== 'ECONNRESET') reject(error) })
  })
}

const healthz = more => `GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${more}\r\n`

test('who is no front is believed nothing, and cannot speak as one', async () => {
  for (const name of frontNames) {
    const person = await Person.arrives(direct(name), key, `liar-${name}`, {
      agent: new https.Agent({ ca: stack.ca, localAddress: '127.0.20.1' }), extraHeaders: CLAIMS, token: await tokenFor(by(name), key, `liar-${name}`),
    })
    assert.equal(await loggedAddress(`liar-${name}`), '127.0.20.1')
    person.leaves()
    for (const header of ['PROXY TCP4 203.0.113.9 127.0.0.1 40000 443\r\n', Buffer.from('0d0a0d0a000d0a515549540a2111000ccb0071097f0000019c4001bb', 'hex')]) {
      assert.doesNotMatch(await asks(name, '127.0.20.2', Buffer.concat([Buffer.from(header), Buffer.from(healthz(''))]), { before: true }), /HTTP\/1.1 200/)
      assert.match(await asks(name, '127.0.20.2', Buffer.concat([Buffer.from(header), Buffer.from(healthz(''))])), /^HTTP\/1.1 400 /)
    }
    assert.match(await asks(name, '127.0.20.2', healthz('')), /^HTTP\/1.1 200 /)
  }
  assert.equal(await asks('haproxy', '127.0.0.1', healthz(''), { before: true }), '', 'the front itself has to say whom it brings')
})

/** One request by HTTP/2. */
function asksH2(name, headers, body) {
  return new Promise((resolve, reject) => {
    const session = http2.connect(fronts[name].url, { ca: stack.ca }, () => {
      const stream = session.request(headers), chunks = []
      stream.on('response', head => { stream.head = head }).on('data', data => chunks.push(data)).on('error', reject)
        .on('end', () => { session.close(); resolve({ status: stream.head[':status'], protocol: session.alpnProtocol, text: Buffer.concat(chunks).toString() }) })
      stream.end(body)
    })
    session.on('error', reject)
  })
}

test('HTTP/2 ends at the front: requests, and polling beside what an HTTP/1.1 client sees', async () => {
  for (const name of frontNames) {
    const get = (path, more = {}) => asksH2(name, { ':path': path, ...more })
    assert.deepEqual(await get('/healthz'), { status: 200, protocol: 'h2', text: '{"status":"ok"}' })
    const made = await asksH2(name, { ':method': 'POST', ':path': '/api/v1/rooms', authorization: `Bearer ${token}`, 'content-type': 'application/json' }, '{"name":"by h2","open":true}')
    assert.equal(made.status, 201, made.text)
    const { sid } = JSON.parse((await get('/socket.io/?EIO=4&transport=polling')).text.slice(1))
    const said = await asksH2(name, { ':method': 'POST', ':path': `/socket.io/?EIO=4&transport=polling&sid=${sid}` }, `40/chat,${JSON.stringify({ token })}`)
    assert.equal(said.text, 'ok')
    assert.match((await get(`/socket.io/?EIO=4&transport=polling&sid=${sid}`)).text, /^40\/chat,\{"sid":/)
  }
})

test('HAProxy makes an upgrade of a WebSocket that comes by HTTP/2', async () => {
  const session = http2.connect(fronts.haproxy.url, { ca: stack.ca })
  await new Promise(resolve => session.once('remoteSettings', resolve))
  assert.equal(session.remoteSettings.enableConnectProtocol, true)
  const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/socket.io/?EIO=4&transport=websocket', 'sec-websocket-version': '13' }, { endStream: false })
  let heard = ''
  stream.on('data', data => { heard += data.toString('latin1') })
  const head = await new Promise((resolve, reject) => stream.on('response', resolve).on('error', reject))
  assert.equal(head[':status'], 200)
  await until('the first packet', () => /0\{"sid":"[\w-]+"/.test(heard))
  stream.close()
  session.close()
})

test('Caddy speaks HTTP/3 with a browser', async () => {
  const pin = createHash('sha256').update(new X509Certificate(readFileSync(join(stack.dir, 'tls/server.crt'))).publicKey.export({ type: 'spki', format: 'der' })).digest('base64')
  const browser = await startBrowser({ args: [`--origin-to-force-quic-on=localhost:${fronts.caddy.port}`, `--ignore-certificate-errors-spki-list=${pin}`,
      '--host-resolver-rules=MAP localhost 127.0.0.1'] })
  try {
    const page = await browser.newPage()
    assert.equal((await page.goto(`https://localhost:${fronts.caddy.port}/`)).status(), 200)
    assert.equal(await page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), 'h3')
    await page.goto(`https://localhost:${fronts.caddy.port}/socket.io/?EIO=4&transport=polling`)
    assert.match(await page.innerText('body'), /^0\{"sid":/)
  } finally {
    await browser.close()
  }
})

const uploadMetric = async () => {
  return Number(/^madang_share_file_bytes_total\{way="in"\} (\d+)$/m.exec(await metricsText(stack.healthPort + 4))[1])
}

/** 100 MiB, of which the second half is sent when the first is with share: nobody on the way waits for the whole. */
function sends(name, content) {
  const head = Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="large"\r\n\r\n'), tail = Buffer.from('\r\n--b--\r\n')
  return new Promise((resolve, reject) => {
    const req = https.request(`${fronts[name].url}/api/v1/media`, { method: 'POST', ca: stack.ca, agent: false,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'multipart/form-data; boundary=b', 'content-length': head.length + content.length + tail.length } }, res => {
      const chunks = []
      res.on('data', chunk => chunks.push(chunk)).on('end', () => resolve({ status: res.statusCode, text: Buffer.concat(chunks).toString() }))
    })
    req.on('error', reject)
    void (async () => {
      const had = await uploadMetric()
      req.write(head)
      req.write(content.subarray(0, SIZE / 2))
      await until('the first half is with share', async () => await uploadMetric() - had > SIZE / 4, 60000)
      req.write(content.subarray(SIZE / 2))
      req.end(tail)
    })().catch(reject)
  })
}

const reads = (name, path) => new Promise((resolve, reject) => {
  const hash = createHash('sha256')
  https.get(fronts[name].url + path, { ca: stack.ca, agent: false, headers: { authorization: `Bearer ${token}` } }, res => {
    res.on('data', chunk => hash.update(chunk)).on('end', () => resolve({ status: res.statusCode, hash: hash.digest('hex') })).on('error', reject)
  }).on('error', reject)
})

test('100 MiB stream through each of them, and back', async () => {
  for (const name of frontNames) {
    const content = randomBytes(SIZE)
    const kept = await sends(name, content)
    assert.equal(kept.status, 201, kept.text)
    assert.deepEqual(await reads(name, JSON.parse(kept.text).data.url), { status: 200, hash: createHash('sha256').update(content).digest('hex') })
  }
})

test('what is too large is refused by the gateway, in its own words', async () => {
  for (const name of frontNames) {
    const answer = await request(by(name), 'POST', '/api/v1/rooms', { token, raw: `{"name":"${'x'.repeat(2 << 20)}"}` }).catch(error => error)
    if (answer.status !== undefined) assert.deepEqual([answer.status, answer.json?.error.code], [413, 'too_large'], name)
    else assert.match(answer.code, /EPIPE|ECONNRESET/, name) // its answer was there before all was sent, and the front hung up
  }
})

/** Caddy 2.6 ends WebSockets when it is reloaded; the others leave them to what goes on beside the new one. */
const KEEPS_SOCKETS = ['nginx', 'haproxy']

test('a front that is reloaded costs no message, and of nginx and HAProxy no connection', async () => {
  for (const name of frontNames) {
    const speaker = await Person.arrives(by(name), key, `speaker-${name}`), listener = await Person.arrives(by(name), key, `listener-${name}`)
    let lost = 0
    for (const person of [speaker, listener]) person.socket.on('disconnect', () => { lost++ })
    const { id: room } = await speaker.makesRoom()
    for (const person of [speaker, listener]) {
      await person.joins(room)
      goesOn(person, room)
    }
    const sent = [], going = { on: true }
    const talk = (async () => { while (going.on) { const body = `${sent.length}`; sent.push(body); await saysOnce(speaker, room, body) } })()
    await until('they talk', () => listener.heard.length >= 5, PATIENCE)
    await fronts[name].reload()
    const at = sent.length
    await until('they go on', () => sent.length > at + 20, PATIENCE)
    going.on = false
    await talk
    await until('all is heard', () => listener.heard.length >= sent.length, PATIENCE)
    isGapless(listener.heard)
    assert.deepEqual(listener.heard.map(m => m.body), sent)
    if (KEEPS_SOCKETS.includes(name)) assert.equal(lost, 0, `${name} ended a connection`)
    assert.equal((await request(by(name), 'GET', '/healthz')).status, 200)
    for (const person of [speaker, listener]) person.leaves()
  }
})

/** As an application does: what its connection was not taken up with is joined again, from where it was; if that is lost, too, with the next one. */
function goesOn(person, room) {
  person.socket.on('connect', () => { if (!person.socket.recovered) person.joins(room, person.heard.at(-1)?.seq ?? 0).catch(() => {}) })
}

/** As an application sends: again with the same id until it is acknowledged. */
async function saysOnce(person, room, body) {
  const id = randomUUID()
  await until('it is acknowledged', () => person.socket.connected && person.socket.timeout(2000).emitWithAck('message:send', { room, id, body }).then(answer => answer.seq, () => false), PATIENCE)
}

/** So many at a time, or the file takes minutes. */
async function eachOf(items, run, most = 16) {
  const left = items[Symbol.iterator]()
  await Promise.all(Array.from({ length: most }, async () => { for (const item of left) await run(item) }))
}

/** Where llhttp sees fewer requests than we answer, and why both are right. */
const KNOWN = [
  [/utf-8 path|gunicorn: valid\/027/, 'bytes above 127 in a path, as curl sends them, are one request with or without them'],
  [/a good request$/, 'what is left of a body before the good request makes a method of its own, such as ETGET: 405'],
  [/Tabs in `Content-Length`/, 'a tab around a value is as good as a blank'],
  [/Setting a flag and pausing/, 'an Upgrade to what nobody knows is passed over, so what follows is a request'],
]
const isKnown = (name, extra, all) => KNOWN.some(([of, why]) => of.test(name) && (!why.endsWith('405') || (extra === 1 && all.at(-1) === 405)))

test('nothing is answered as more requests than it is', async t => {
  const llhttp = await startReference(), cases = readCorpora(), more = []
  let taken = 0
  try {
    for (const one of cases) one.requests = await llhttp.count(one.bytes)
    const dial = ready => tls.connect({ port: stack.gatewayPorts[gatewayOf('nginx') - 1], host: '127.0.0.1', ca: stack.ca, localAddress: '127.0.30.1' }, ready)
    await eachOf(cases, async ({ name, bytes, requests }) => {
      const answer = await answersTo(dial, bytes)
      taken += answer.taken
      if (answer.taken > requests && !isKnown(name, answer.taken - requests, answer.all)) more.push(`${name}: ${answer.all}, and it is ${requests}: ${JSON.stringify(bytes.toString('latin1'))}`)
    })
  } finally {
    await llhttp.stop()
  }
  t.diagnostic(`${cases.length} cases, ${cases.reduce((n, one) => n + one.requests, 0)} requests by llhttp, ${taken} taken`)
  assert.deepEqual(more, [])
  assert.ok(taken > cases.length / 8, 'what is good is taken')
})

test('and nothing of it becomes a part of what others ask for by the same front', async () => {
  const { text } = await request(by('nginx'), 'GET', '/robots.txt')
  assert.match(text, /^User-agent/i)
  for (const name of frontNames) {
    const dial = ready => tls.connect({ port: fronts[name].port, host: '127.0.0.1', ca: stack.ca, ALPNProtocols: ['http/1.1'] }, ready)
    await eachOf(readCorpora(), async one => {
      await answersTo(dial, one.bytes)
      for (const [path, body] of [['/healthz', '{"status":"ok"}'], ['/robots.txt', text]])
        assert.equal((await request(by(name), 'GET', path)).text, body, `${name}, after ${one.name}`)
    })
  }
})
