// p_push - a browser at the page of docs/push.md: it takes our key, and its service worker shows what we send. Its own push service is Google's, and is not asked: what would come from there the browser is handed here.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startBrowser } from '../lib/browser.mjs'
import { Person, tokenFor } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { Browser, startPushService } from '../lib/push_service.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const LONG = 60000, dir = mkdtempSync(join(tmpdir(), 'madang-push-page-'))
let stack, key, service, browser
before(async () => {
  const port = await freePorts(1), [, page, worker] = [...readFileSync(join(root, 'docs/push.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code)
  mkdirSync(join(dir, 'site'))
  for (const [name, text] of Object.entries({ 'push.js': page, 'push-worker.js': worker, 'page.html': '<!doctype html><title>page</title><p>hello' })) writeFileSync(join(dir, 'site', name), text)
  service = await startPushService(dir, port)
  stack = await startStack({ env: {
    MADANG_GATEWAY_STATIC_DIR: join(dir, 'site'), MADANG_CHAT_PUSH_SERVICES: 'localhost', MADANG_CHAT_PUSH_AFTER_S: '1',
    MADANG_FETCH_CA: service.trust, MADANG_FETCH_INSIDE: '127.0.0.1', MADANG_FETCH_PORTS: String(port),
  } })
  key = await stack.issueKey()
  browser = await startBrowser({ args: ['--ignore-certificate-errors'] }) // a service worker is not taken from elsewhere
})
after(async () => {
  await browser?.close()
  service?.stop()
  rmSync(dir, { recursive: true })
  await stack?.stop()
})

/** At the page, with the permission that its user would be asked for. */
async function opens() {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['notifications'] }), page = await context.newPage()
  await page.goto(`${stack.url}/page.html`)
  return page
}

test('a browser takes our key as applicationServerKey, and the page of docs/push.md registers what it says', { timeout: 180000 }, async () => {
  const page = await opens(), token = await tokenFor(stack, key, 'ada'), subscription = new Browser(service.origin).subscription
  const tries = await page.evaluate(async token => {
    const { data: { key } } = await (await fetch('/api/v1/push/key', { headers: { authorization: `Bearer ${token}` } })).json()
    const { pushManager } = await navigator.serviceWorker.register('/push-worker.js').then(() => navigator.serviceWorker.ready)
    const subscribe = applicationServerKey => pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }).then(() => 'subscribed', error => error.name)
    const asks = key => Promise.race([subscribe(key), new Promise(resolve => setTimeout(resolve, 20000, 'asked'))])
    return { broken: await subscribe(`AAAA${key.slice(4)}`), short: await subscribe(key.slice(0, 80)), ours: await asks(key) }
  }, token)
  assert.deepEqual([tries.broken, tries.short], ['InvalidAccessError', 'InvalidAccessError'])
  assert.ok(['AbortError', 'asked', 'subscribed'].includes(tries.ours), tries.ours) // the key is one, and its push service is asked, which need not be there
  const made = await page.evaluate(async ([token, subscription]) => {
    PushManager.prototype.subscribe = async options => ({ toJSON: () => ({ ...subscription, asked: options }) })
    const { tellMe, tellMeNoMore } = await import('/push.js')
    const first = await tellMe(token, 'a browser'), again = await tellMe(token, 'a browser')
    return { first, again, gone: await tellMeNoMore(token, first.id) ?? null, twice: await tellMeNoMore(token, first.id).catch(error => error.message) }
  }, [token, subscription])
  assert.deepEqual([made.first.service, made.first.name, made.again.id, made.gone], [service.origin, 'a browser', made.first.id, null])
  assert.match(made.twice, /no such browser/)
  await page.context().close()
})

test('its service worker shows what came, the last of several with the same collapse id', { timeout: 180000 }, async () => {
  const [by, to] = await Promise.all(['bo <b>', 'cy'].map(name => Person.arrives(stack, key, name))), subscribed = new Browser(service.origin)
  assert.equal((await to.rest('POST', '/api/v1/push/subscriptions', subscribed.subscription)).status, 200)
  const { id: room } = await by.calls('room:direct', { subject: 'cy' })
  const came = async n => (await until('it is posted', () => service.came.length >= n && service.came, LONG)).slice(0, n).map(({ body }) => JSON.stringify(subscribed.reads(body)))
  const page = await opens(), cdp = await page.context().newCDPSession(page), registered = new Promise(resolve => {
    cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => registrations[0] && resolve(registrations[0].registrationId))
  })
  await cdp.send('ServiceWorker.enable')
  await page.evaluate(() => navigator.serviceWorker.register('/push-worker.js').then(() => navigator.serviceWorker.ready).then(() => true))
  const registrationId = await registered
  const shows = async data => {
    await cdp.send('ServiceWorker.deliverPushMessage', { origin: stack.url, registrationId, data })
    return until('it is shown', () => page.evaluate(async data => {
      const all = await (await navigator.serviceWorker.ready).getNotifications()
      const shown = all.map(({ title, body, tag, data: note }) => ({ title, body, tag, note }))
      return shown.some(({ note }) => JSON.stringify(note) === data) && shown
    }, data), LONG)
  }
  await by.says(room, 'one')
  const [first] = await came(1)
  assert.deepEqual(await shows(first), [{ title: 'bo <b>', body: 'has written to you', tag: `direct:${room}`, note: JSON.parse(first) }])
  await by.says(room, 'two')
  const [, second] = await came(2)
  assert.notEqual(second, first)
  assert.deepEqual((await shows(second)).map(({ tag, note }) => [tag, note.seq]), [[`direct:${room}`, 2]])
  await page.context().close()
  by.leaves()
  to.leaves()
})
