// p_share_reports - people with a browser report what the page of a link has shown them: without a line of JavaScript, in Korean and in English,
// light and dark; on paper there is nothing of it. What is taken down is a page like that of a code that never was.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import axe from 'axe-core'
import { opensIn, shows, startBrowser } from '../lib/browser.mjs'
import { request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'

const TALK = { name: '항구에서 만나요', data: { profiles: { ada: { name: '아다' } }, messages: [{ sender: 'ada', text: '내 번호는 02-123-4567이야' }, { sender: 'me', text: '좋아!' }] } }
let stack, key, admin, browser
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
  admin = await tokenFor(stack, await stack.issueKey({ policy: 'admin' }), 'adam')
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await stack?.stop()
})

async function shares(settings = {}) {
  const token = await tokenFor(stack, key, `ada ${randomUUID()}`), asks = async (path, body) => (await request(stack, 'POST', `/api/v1${path}`, { token, body })).json.data
  const talk = await asks('/conversations', TALK)
  return asks(`/conversations/${talk.id}/share`, settings)
}
const does = async (method, path, body) => (await request(stack, method, `/api/v1/admin/shares/${path}`, { token: admin, body })).json.data
const reported = async ({ id }) => (await does('GET', 'reports')).reports.filter(({ link }) => link === id)

/** A browser of its own without JavaScript, but where a test's own script looks at the page. */
async function opens({ code }, look) {
  const page = await opensIn(browser, stack.url, `/s/${code}`, look)
  await presses(page, /Open the conversation|대화 열기/)
  return page
}
const leave = page => page.context().close()
async function presses(page, name) {
  const [answer] = await Promise.all([page.waitForNavigation(), page.getByRole('button', { name }).click()])
  page.answer = answer
}
const says = async (page, words) => assert.match(await page.locator('main').innerText(), words)

test('whoever reads it opens a form, says what is wrong, and is thanked; in Korean, too', async () => {
  const link = await shares()
  for (const [locale, summary, reason, label, email, button, thanks, back] of [
    ['en-US', 'Report this conversation', 'Personal data of somebody', /More about it/, /Your e-mail/, 'Send the report', /Thank you for the report/, 'Back to the conversation'],
    ['ko-KR', '이 대화 신고하기', '개인 정보 노출', /자세한 내용/, /이메일/, '신고 보내기', /신고해 주셔서 감사합니다/, '대화로 돌아가기']]) {
    await stack.sql('share', `DELETE FROM share_report WHERE link = '${link.id}'`)
    const page = await opens(link, { locale })
    assert.ok(!await page.getByRole('button', { name: button }).isVisible(), 'it is closed until somebody wants it')
    await page.getByText(summary).click()
    await page.getByLabel(/What is wrong|신고 이유/).selectOption(reason)
    await page.getByLabel(label).fill('그건 제 번호예요 <b>')
    await page.getByLabel(email).fill('mina@example.org')
    await shows(page, `report-${locale}`)
    await presses(page, button)
    assert.equal(page.answer.status(), 200)
    await says(page, thanks)
    await shows(page, `reported-${locale}`)
    const [report] = await reported(link)
    assert.deepEqual([report.reason, report.text, report.email], ['personal_data', '그건 제 번호예요 <b>', 'mina@example.org'])
    await page.getByRole('link', { name: back }).click()
    await says(page, /내 번호는/)
    await leave(page)
  }
})

test('a form that says no reason, or an address that is none, is refused by a page; one sent by another site, and one without a visit, are no report', async () => {
  const link = await shares(), page = await opens(link), [{ name, value }] = (await page.context().cookies()).filter(cookie => cookie.name.includes('share'))
  const posts = (body, headers = {}) => request(stack, 'POST', `/s/${link.code}/report`, { raw: body, headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length, accept: 'text/html', cookie: `${name}=${value}`, 'sec-fetch-site': 'same-origin', ...headers } })
  for (const body of ['reason=boring', 'reason=spam&email=nobody']) {
    const { status, text } = await posts(body)
    assert.deepEqual([status, /could not be taken/.test(text)], [400, true], text)
  }
  assert.equal((await posts('reason=spam', { 'sec-fetch-site': 'cross-site' })).status, 403)
  const without = await posts('reason=spam', { cookie: 'a=b' })
  assert.deepEqual([without.status, /Open it again/.test(without.text)], [403, true])
  assert.deepEqual(await reported(link), [])
  assert.equal((await posts('reason=spam&text=&email=')).status, 200)
  assert.equal((await reported(link)).length, 1)
  await leave(page)
})

test('on a phone and on a desk, light and dark, it is as assistive programs want it, and on paper there is nothing of it', async () => {
  const link = await shares()
  for (const dark of [false, true]) for (const wide of [false, true]) {
    const page = await opens(link, { dark, wide, looked: true })
    await page.getByText('Report this conversation').click()
    await page.evaluate(axe.source)
    const check = async () => (await page.evaluate(() => window.axe.run())).violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ')}`)
    assert.deepEqual(await check(), [])
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing is to be scrolled sideways')
    await shows(page, `report-${dark ? 'dark' : 'light'}-${wide ? 'desk' : 'phone'}`)
    await page.emulateMedia({ media: 'print' })
    assert.ok(!await page.getByText('Report this conversation').isVisible())
    await leave(page)
  }
})

test('a page that is open when its link is taken down is closed, and shows what a code shows that never was', async () => {
  const link = await shares(), page = await opens(link, { looked: true })
  await says(page, /내 번호는/)
  await page.waitForFunction(() => document.querySelector('[data-watch]'))
  await does('POST', 'takedown', { share: link.url, reason: 'illegal' })
  await page.waitForFunction(() => !document.body.innerText.includes('내 번호는'), null, { timeout: 60000 })
  await says(page, /link has ended|nothing here/i)
  await shows(page, 'taken-down')
  await leave(page)
})
