// p_share_viewers - a browser with JavaScript at the page of a link: it is told of a change, and closed when the link ends, by whichever of two gateways
// the owner came; its policy of contents stops nothing, and nothing is loaded from elsewhere.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import axe from 'axe-core'
import { shows, startBrowser } from '../lib/browser.mjs'
import { request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until as wait } from '../lib/wait.mjs'

const until = (what, condition) => wait(what, condition, 120000)
let stack, key, browser, gateways
before(async () => {
  stack = await startStack({ gateways: 2, ownPorts: true, env: { MADANG_GATEWAY_ORIGINS: '*' } })
  gateways = stack.gatewayPorts.map(port => ({ url: `https://127.0.0.1:${port}`, ca: stack.ca }))
  key = await stack.issueKey()
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await stack?.stop()
})

/** A link, whose owner comes by the second gateway. */
async function shares(settings = {}) {
  const token = await tokenFor(gateways[1], key, `ada ${randomUUID()}`), asks = async (method, path, body) => (await request(gateways[1], method, `/api/v1${path}`, { token, body })).json?.data
  const talk = await asks('POST', '/conversations', { name: 'At the harbour', messages: [{ sender: 'bo', text: 'The tide is at six.' }] }), link = await asks('POST', `/conversations/${talk.id}/share`, settings)
  return {
    ...link,
    changes: changes => asks('PATCH', `/conversations/${talk.id}`, changes),
    edits: changes => asks('PATCH', `/share-links/${link.id}`, changes),
    resets: () => asks('POST', `/share-links/${link.id}/reset`, {}),
    revokes: () => asks('DELETE', `/share-links/${link.id}`),
  }
}

/** Opened and listening, at the first gateway. */
async function looks({ code }, { locale = 'en-US', open = 'Open the conversation', dark = false } = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale, colorScheme: dark ? 'dark' : 'light', viewport: { width: 390, height: 780 } }), page = await context.newPage()
  page.complaints = []
  page.on('request', one => { if (!one.url().startsWith(gateways[0].url)) page.complaints.push(one.url()) })
  page.on('console', message => { if (/Content Security Policy|Refused to/.test(message.text())) page.complaints.push(message.text()) })
  page.on('pageerror', error => page.complaints.push(String(error)))
  const listening = page.waitForEvent('websocket', { timeout: 120000 })
  await page.goto(`${gateways[0].url}/s/${code}`)
  const before = await stack.metric(1, 'madang_socketio_sockets', '"/link"')
  await page.getByRole('button', { name: open, exact: true }).click()
  await page.locator('.talk').waitFor({ timeout: 120000 })
  await until('it listens', async () => await stack.metric(1, 'madang_socketio_sockets', '"/link"') > before)
  await listening
  return page
}
async function leave(page) {
  assert.deepEqual(page.complaints, [])
  await page.context().close()
}
const heading = (page, words) => page.getByRole('heading', { name: words }).waitFor({ timeout: 120000 })

test('a change is said on the page, which shows it when its reader wants that; it is no other view', async () => {
  for (const [locale, open, say, look, name] of [['en-US', 'Open the conversation', 'The conversation has changed.', 'Show it as it is now', 'changed'], ['ko-KR', '대화 열기', '대화 내용이 바뀌었습니다.', '바뀐 대화 보기', 'changed-ko']]) {
    const link = await shares(), page = await looks(link, { locale, open, dark: locale === 'ko-KR' })
    assert.equal(await page.getByRole('status').innerText(), '')
    await link.changes({ data: { messages: [{ sender: 'bo', text: 'The tide is at seven.' }] } })
    await page.getByText(say).waitFor({ timeout: 120000 })
    assert.match(await page.locator('.talk').innerText(), /at six/, 'what somebody reads stays')
    await shows(page, name)
    await page.evaluate(axe.source)
    const { violations } = await page.evaluate(() => globalThis.axe.run())
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [])
    await page.getByRole('link', { name: look }).click()
    await page.getByText('The tide is at seven.').waitFor({ timeout: 120000 })
    assert.equal(await page.getByText(say).count(), 0)
    assert.equal((await link.edits({ label: 'x' })).views, 1)
    await leave(page)
  }
})

test('the page is closed at once when its link ends, and shows what anybody is shown there', async () => {
  const ends = [[link => link.revokes(), 'This link has ended'], [link => link.resets(), 'There is nothing here|This link has ended'], [link => link.edits({ expires_at: 1 }), 'This link has ended'], [link => link.edits({ password: 'what nobody knows' }), 'A shared conversation']]
  for (const [end, words] of ends) {
    const link = await shares(), page = await looks(link)
    await end(link)
    await heading(page, new RegExp(words))
    assert.doesNotMatch(await page.content(), /harbour|tide/)
    assert.equal(page.url(), `${gateways[0].url}/s/${link.code}`)
    assert.equal(await page.locator('#password').count(), words === 'A shared conversation' ? 1 : 0)
    await shows(page, `ended-${ends.findIndex(([one]) => one === end)}`)
    await leave(page)
  }
})

test('a page whose gateway is killed listens again, and is closed if the link has ended meanwhile', async () => {
  const link = await shares(), page = await looks(link)
  process.kill(stack.pid('gateway-1'), 'SIGSTOP')
  await link.revokes()
  assert.match(await page.content(), /tide/)
  await stack.kill('gateway-1')
  await heading(page, 'This link has ended')
  assert.doesNotMatch(await page.content(), /harbour|tide/)
  await page.context().close()
})

test('the scripts are ours and the same for everybody; a page that nobody has opened has none', async () => {
  const link = await shares(), gate = await request(gateways[0], 'GET', `/s/${link.code}`, { headers: { accept: 'text/html' } })
  assert.doesNotMatch(gate.text + gate.headers['content-security-policy'], /script/)
  for (const file of ['watch.js', 'socket.io.esm.min.js', 'socket.io.LICENSE.txt']) {
    const answer = await request(gateways[0], 'GET', `/watch/${file}`)
    assert.deepEqual([answer.status, answer.headers['cache-control'], answer.headers['x-content-type-options']], [200, 'no-cache', 'nosniff'], file)
  }
  assert.equal((await request(gateways[0], 'GET', '/watch/other.js')).status, 404)
})
