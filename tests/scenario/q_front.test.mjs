// q_front - the page at /, in a browser: what it says to everybody, and what it becomes with a link of `authctl demo link`: two people
// who talk, and what goes over their wires. Chromium; SHOTS=DIR keeps pictures.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { shows, startBrowser } from '../lib/browser.mjs'
import { Person, request } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

const require = createRequire(import.meta.url)
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
let stack, browser
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '100' } })
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await stack?.stop()
})

/** A page of its own context. Whatever it loads comes from us, and its policy of contents stops nothing, as its `complaints` say. */
async function opens(path, { locale = 'en-US', dark = false, narrow = false, script = true } = {}) {
  const context = await browser.newContext({
    javaScriptEnabled: script, ignoreHTTPSErrors: true, locale, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce',
    viewport: narrow ? { width: 390, height: 780 } : { width: 1280, height: 800 },
  })
  const page = await context.newPage()
  page.complaints = []
  page.on('request', one => { if (!one.url().startsWith(stack.publicUrl)) page.complaints.push(one.url()) })
  page.on('websocket', one => { if (new URL(one.url()).host !== new URL(stack.publicUrl).host) page.complaints.push(one.url()) })
  page.on('console', message => { if (message.type() === 'error') page.complaints.push(message.text()) })
  page.on('pageerror', error => page.complaints.push(error.stack))
  await page.goto(path.startsWith('https:') ? path : stack.publicUrl + path)
  return page
}

/** By axe's rules, run outside of what the page's policy allows. */
async function isAccessible(page) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run())
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ')}`), [])
}

/** A picture. */

const link = async () => (await stack.authctl('demo', 'link')).url
const side = (page, name) => page.getByRole('region', { name, exact: true })
const isConnected = (page, name) => side(page, name).getByText('connected', { exact: true }).waitFor()
async function says(page, name, text) {
  await side(page, name).getByRole('textbox').fill(text)
  await side(page, name).getByRole('button', { name: 'Send' }).click()
}
const talk = (page, name) => side(page, name).getByRole('log').locator('p').allInnerTexts()
const hears = (page, name, text) => until(`${name} hears ${text}`, async () => (await talk(page, name)).includes(text))
/** Opens a link as a person does: by the button. */
async function begins(options, url) {
  const page = await opens(url ?? await link(), options)
  await page.locator('[data-part=begin]').click()
  return page
}
const tokensIn = page => page.evaluate(() => JSON.parse(sessionStorage.getItem('madang-demo')).people.map(person => person.token))

test('the page is whole for everybody: in both languages, light and dark, on a phone, without scripts', async () => {
  for (const [name, options] of Object.entries({ wide: {}, dark: { dark: true }, korean: { locale: 'ko-KR' }, narrow: { narrow: true }, plain: { script: false } })) {
    const page = await opens('/', options)
    assert.match(await page.locator('main').innerText(), options.locale ? /메시징 백엔드/ : /messaging back end/)
    assert.equal(await page.locator('html').getAttribute('lang'), options.locale ? 'ko' : 'en')
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the window')
    assert.equal(await page.locator('#live').isVisible(), false, 'without a link nothing is live')
    if (options.script !== false && !options.locale) await isAccessible(page)
    await shows(page, `front-${name}`)
    assert.deepEqual(page.complaints, [])
    await page.context().close()
  }
})

test('its links lead somewhere', async () => {
  const page = await opens('/', { script: false })
  for (const path of new Set(await page.locator('a').evaluateAll(links => links.map(one => one.getAttribute('href'))))) {
    const { status } = await request(stack, 'GET', path, { headers: BROWSER })
    assert.equal(status, 200, path)
  }
  await page.context().close()
})

test('the client that it has is the one of npm, with its licence', async () => {
  const hash = bytes => createHash('sha256').update(bytes).digest('hex')
  for (const [path, file] of [['socket.io.esm.min.js', 'dist/socket.io.esm.min.js'], ['socket.io.LICENSE.txt', 'LICENSE']]) {
    const answer = await request(stack, 'GET', `/welcome/${path}`)
    assert.equal(hash(answer.text), hash(readFileSync(join(root, 'tests/node_modules/socket.io-client', file))), path)
  }
})

test('two people talk, and each packet is beside them, without the tokens', async () => {
  const page = await begins({})
  await Promise.all([isConnected(page, 'Ada'), isConnected(page, 'Bora')])
  assert.equal(new URL(page.url()).hash, '', 'the secret is not left in the address')
  await says(page, 'Ada', 'Hello, Bora')
  await hears(page, 'Bora', 'Hello, Bora')
  await says(page, 'Bora', 'Hello, <b>Ada</b>')
  await hears(page, 'Ada', 'Hello, <b>Ada</b>')
  await side(page, 'Ada').getByText(/^#1 · on disk · [\d.]+ ms$/).waitFor()
  assert.deepEqual(await talk(page, 'Ada'), ['Hello, Bora', 'Hello, <b>Ada</b>'], 'one\'s own is there once')
  const wire = await page.locator('[data-part=wire] .frame').allInnerTexts()
  const of = pattern => wire.filter(line => pattern.test(line))
  assert.ok(of(/Ada ←\s*open\s*0\{"sid"/).length === 1, wire.join('\n'))
  assert.ok(of(/Ada →\s*CONNECT\s*40\/chat,\{"token":"•••"\}/).length === 1, wire.join('\n'))
  assert.ok(of(/Ada →\s*EVENT\s*42\/chat,\d+\["message:send",\{.*"body":"Hello, Bora"/).length === 1, wire.join('\n'))
  assert.ok(of(/Ada ←\s*ACK [\d.]+ ms\s*43\/chat,\d+\[\{.*"seq":1/).length === 1, wire.join('\n'))
  assert.ok(of(/Bora ←\s*EVENT\s*42\/chat,\["message",\{/).length >= 1, wire.join('\n'))
  await until('the upgrade is seen', async () => (await page.locator('[data-part=wire] .note').allInnerTexts()).filter(line => /websocket/.test(line)).length === 2)
  const html = await page.content()
  for (const token of await tokensIn(page)) for (const piece of token.split('.')) assert.ok(!html.includes(piece), 'no token is in the page')
  await isAccessible(page)
  await shows(page, 'demo-wide')
  await page.setViewportSize({ width: 390, height: 780 })
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the window')
  await shows(page, 'demo-narrow')
  await page.reload()
  await hears(page, 'Bora', 'Hello, Bora')
  await hears(page, 'Ada', 'Hello, <b>Ada</b>')
  assert.deepEqual(page.complaints, [])
  await page.context().close()
})

test('whose line is cut misses nothing, and hears nothing twice', async () => {
  const page = await begins({ dark: true })
  await Promise.all([isConnected(page, 'Ada'), isConnected(page, 'Bora')])
  await says(page, 'Ada', 'before')
  await hears(page, 'Bora', 'before')
  await side(page, 'Bora').getByRole('button', { name: 'Cut the line' }).click()
  await side(page, 'Bora').getByText('away', { exact: true }).waitFor()
  for (const text of ['one', 'two', 'three']) {
    await says(page, 'Ada', text)
    await hears(page, 'Ada', text)
  }
  await side(page, 'Ada').getByText(/^#4 ·/).waitFor()
  assert.deepEqual(await talk(page, 'Bora'), ['before'])
  await side(page, 'Bora').getByRole('button', { name: 'Reconnect' }).click()
  await hears(page, 'Bora', 'three')
  assert.deepEqual(await talk(page, 'Bora'), ['before', 'one', 'two', 'three'])
  await shows(page, 'demo-dark')
  assert.deepEqual(page.complaints, [])
  await page.context().close()
})

test('a link is good once, and a guessed one never; both are told so on the page', async () => {
  const url = await link()
  const first = await begins({ locale: 'ko-KR' }, url)
  await first.getByText('연결됨', { exact: true }).nth(1).waitFor()
  await shows(first, 'demo-korean')
  for (const [tried, locale, words] of [[url, 'en-US', /This link is used up/], [url.replace(/=.*/, `=${'x'.repeat(43)}`), 'ko-KR', /이미 사용한 링크입니다/], [url.replace(/=.*/, '=x'), 'en-US', /This link is used up/]]) {
    const page = await begins({ locale, narrow: true }, tried)
    await page.getByRole('alert').getByText(words).waitFor()
    await isAccessible(page)
    await shows(page, `demo-gone-${locale}`)
    assert.deepEqual(page.complaints.filter(line => !/status of 4\d\d/.test(line)), [])
    await page.context().close()
  }
  await first.context().close()
})

const TUS = { 'tus-resumable': '1.0.0' }
const open = async () => (await request(stack, 'POST', '/demo', { body: { secret: (await link()).split('=')[1] } })).json.data

test('what opens a link is its secret in a body, once among many at once', async () => {
  const secret = (await link()).split('=')[1]
  assert.equal((await request(stack, 'GET', `/demo?secret=${secret}`)).status, 405)
  const answers = await Promise.all(Array.from({ length: 8 }, () => request(stack, 'POST', '/demo', { body: { secret } })))
  assert.deepEqual(answers.map(answer => answer.status).sort(), [200, ...Array(7).fill(410)])
  const good = answers.find(answer => answer.status === 200)
  assert.equal(good.headers['cache-control'], 'no-store')
  assert.ok(good.json.data.expires_at <= Date.now() + 3600e3)
  for (const name of ['auth', 'chat', 'gateway-1']) assert.ok(!stack.log(name).includes(secret), `${name} logs no secret`)
})

test('its tokens open that room and nothing else', async () => {
  const routes = await open(), demo = await open(), other = await open() // refused, too, an attempt counts to its rate
  const [{ id }] = routes.people, [{ token }] = demo.people
  const { paths } = JSON.parse(readFileSync(join(root, 'docs/openapi.json')))
  const headersOf = { '/api/v1/media': { 'content-type': 'multipart/form-data; boundary=x' }, '/api/v1/conversations/import': { 'content-type': 'multipart/form-data; boundary=x' }, '/api/v1/admin/rooms/import': { 'content-type': 'application/x-ndjson' }, '/api/v1/uploads': TUS, '/api/v1/uploads/{transfer}': { ...TUS, 'content-type': 'application/offset+octet-stream' } }
  let tried = 0
  for (const [path, verbs] of Object.entries(paths)) {
    for (const [verb, { security }] of Object.entries(verbs)) {
      if (!security?.length || path === '/api/v1/auth/factor' || path.startsWith('/account')) continue // a factor is proved by a session that may nothing yet
      const filled = path.replace('{room}', other.room).replace(/\{[^}]*\}/g, id)
      const asks = () => request(stack, verb.toUpperCase(), filled, { token: routes.people[tried % 2].token, body: ['get', 'delete', 'head'].includes(verb) ? undefined : {}, headers: headersOf[path] })
      let answer = await asks()
      for (; answer.status === 429; answer = await asks()) await pause(answer.json.error.details.retry_after_ms)
      assert.equal(answer.status, 403, `${verb} ${filled}: ${answer.status} ${answer.text}`)
      tried++
    }
  }
  assert.ok(tried > 40, `${tried} routes`)
  const person = await new Person(stack, 'demo', token).connects()
  await person.joins(demo.room)
  const owner = await Person.arrives(stack, await stack.issueKey(), 'olga'), { id: anyones } = await owner.makesRoom()
  for (const room of [other.room, anyones]) await person.isRefused('room:join', { room }, 'forbidden')
  await person.isRefused('message:send', { room: other.room, id: 'demo-0001', body: 'x' }, 'forbidden')
  await person.isRefused('message:list', { room: other.room }, 'forbidden')
  await person.isRefused('room:create', {}, 'forbidden')
  await person.isRefused('room:list', {}, 'forbidden')
  await person.isRefused('room:invite', { room: demo.room, members: ['eve'] }, 'forbidden')
  await person.isRefused('room:remove', { room: demo.room }, 'forbidden')
  await person.isRefused('anything', { room: demo.room }, 'no_event')
  for (const namespace of ['/', '/notification', '/system', '/error'])
    await assert.rejects(new Person(stack, namespace, token).connects({ namespace }), /./, namespace)
  owner.leaves()
  person.leaves()
})

test('what it may cost is bounded', async () => {
  const demo = await open(), person = await new Person(stack, 'demo', demo.people[0].token).connects()
  await person.joins(demo.room)
  const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => person.emits('message:send', { room: demo.room, id: `demo-${1000 + i}`, body: 'x' })))
  const refused = answers.filter(answer => answer.error)
  assert.ok(refused.length > 0 && refused.every(answer => answer.error.code === 'rate_limited'), `${refused.length} were refused`)
  person.leaves()
})

test('when its time is over both people, the room and what was said are erased', async () => {
  const demo = await open(), users = demo.people.map(person => person.id)
  const person = await new Person(stack, 'demo', demo.people[0].token).connects()
  await person.joins(demo.room)
  await person.says(demo.room, 'soon nobody can read this')
  person.leaves()
  const of = column => `${column} IN ('${users.join("','")}')`
  assert.equal(await stack.sql('auth', `SELECT count(*) FROM account WHERE ${of('id')}`), '2')
  assert.notEqual(await stack.sql('auth', `SELECT count(*) FROM limit_change WHERE ${of('subject')}`), '0')
  await stack.sql('auth', `UPDATE account SET delete_at = now() - interval '1 second' WHERE ${of('id')}`)
  for (const service of ['auth', 'chat']) {
    const { jobs } = await stack.rpc(service, 'job.list', { kind: 'demo.end' })
    for (const { id, key } of jobs) if ([...users, demo.room].includes(key)) await stack.rpc(service, 'job.retry', { job: id })
  }
  const isNone = (service, query) => until(query, async () => await stack.sql(service, `SELECT count(*) FROM ${query}`) === '0', 20000)
  await isNone('auth', `account WHERE ${of('id')}`)
  await isNone('auth', `limit_change WHERE ${of('subject')}`)
  await isNone('chat', `room WHERE id = '${demo.room}'`)
  await isNone('chat', `member WHERE ${of('subject')}`)
  await isNone('store', `message WHERE room_id = '${demo.room}' AND body <> ''`)
})

test('who goes to an interface with a browser is told in words why there is nothing', async () => {
  for (const [path, status, code] of [['/api/v1/rooms', 401, 'unauthenticated'], ['/api/v1/nothing', 404, 'no_route'], ['/welcome/nothing', 404, 'no_route']]) {
    for (const [language, home] of [['en', 'To the first page'], ['ko', '첫 페이지로']]) {
      const page = await request(stack, 'GET', path, { headers: { ...BROWSER, 'accept-language': language } })
      assert.deepEqual([page.status, page.headers['content-type']], [status, 'text/html; charset=utf-8'], page.text)
      assert.match(page.headers['content-security-policy'], /^default-src 'none'; style-src 'sha256-/)
      assert.match(page.text, new RegExp(`data-code="${code}"`))
      assert.ok(page.text.includes(home), page.text)
    }
    assert.equal((await request(stack, 'GET', path)).json.error.code, code)
  }
  const large = await request(stack, 'POST', '/account/login', { raw: 'x'.repeat(20000), headers: { ...BROWSER, 'content-type': 'application/x-www-form-urlencoded' } })
  assert.deepEqual([large.status, large.headers['content-type']], [413, 'text/html; charset=utf-8'])
  const answers = await Promise.all(Array.from({ length: 80 }, () => request(stack, 'GET', '/api/v1/auth/oauth/nobody', { headers: BROWSER, from: '127.0.0.9' }))) // 60 in a minute
  const often = answers.find(answer => answer.status === 429)
  assert.match(often.text, /<html lang="en">[^]*data-code="rate_limited"/)
  assert.ok(Number(often.headers['retry-after']) > 0)
})

test('without a demo there is nothing of it', async () => {
  const without = await startStack({ env: { MADANG_DEMO: '0' } })
  try {
    const page = await request(without, 'GET', '/', { headers: BROWSER })
    assert.match(page.text, /messaging back end/)
    assert.doesNotMatch(page.text, /authctl demo|<script|noscript/)
    for (const path of ['/welcome/live.js', '/welcome/socket.io.esm.min.js']) assert.equal((await request(without, 'GET', path)).status, 404, path)
    const refused = await request(without, 'POST', '/demo', { body: { secret: 'x'.repeat(43) } })
    assert.deepEqual([refused.status, refused.json.error.code], [404, 'no_route'])
    await assert.rejects(without.authctl('demo', 'link'), /the demo is off: MADANG_DEMO/)
  } finally {
    await without.stop()
  }
})
