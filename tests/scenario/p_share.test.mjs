// p_share - people with a browser at the page of a link: a button, and behind it the conversation, without a line of JavaScript, in Korean and
// in English, light and dark, on paper, too. What follows links by itself opens nothing.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import axe from 'axe-core'
import { opensIn, shows, startBrowser } from '../lib/browser.mjs'
import { pngOf } from '../lib/images.mjs'
import { request, tokenFor } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const NASTY = '"><script>alert(1)</script><img src=x onerror=alert(1)>\''
const TALK = {
  name: '항구에서 만나요', theme: 'courtyard', data: {
    profiles: { ada: { name: '아다' }, bo: { name: 'Bo' }, me: { name: '나' } },
    messages: [
      { type: 'date', text: '2026년 11월 28일' }, { sender: 'ada', text: '내일 몇 시에 볼까?', time: '오후 9:12' }, { sender: 'ada', text: '여섯 시에 물이 들어온대.\n좀 일찍 만나자.', time: '오후 9:12' },
      { sender: 'bo', text: 'Five is good. I bring the bread 🍞 and the long rope, the one that we bought last year, if it has not been lent to somebody.', time: '9:15 PM' }, { sender: 'me', text: '좋아, 다섯 시!', time: '오후 9:16' },
      { sender: 'me', text: 'ㅎㅎ' }, { sender: 'ada', image: 'https://elsewhere.example/x.png' }, { sender: 'layla', text: 'مرحبا بالجميع', time: 1795000000000 }, { type: 'system', text: 'Bo left' },
    ],
    statusBar: { battery: 40 },
  },
}
let stack, key, browser
before(async () => {
  stack = await startStack()
  key = await stack.issueKey()
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await stack?.stop()
})

/** A link to a conversation, which may be one of files that its owner keeps, and what its owner sees of it. */
async function shares(conversation, settings = {}) {
  const token = await tokenFor(stack, key, `ada ${randomUUID()}`)
  if (typeof conversation === 'function') conversation = await conversation((content, name) => keeps(token, content, name))
  const asks = async (method, path, body) => (await request(stack, method, `/api/v1${path}`, { token, body })).json?.data
  const talk = await asks('POST', '/conversations', conversation), link = await asks('POST', `/conversations/${talk.id}/share`, settings)
  return {
    ...link, path: `/s/${link.code}`,
    changes: changes => asks('PATCH', `/conversations/${talk.id}`, changes),
    edits: changes => asks('PATCH', `/share-links/${link.id}`, changes),
    resets: async () => (await asks('POST', `/share-links/${link.id}/reset`, {})).code,
    revokes: () => asks('DELETE', `/share-links/${link.id}`),
    views: async () => (await asks('GET', `/conversations/${talk.id}/share`)).links[0].views,
  }
}

/** Its path, once it was read if it is an image. */
async function keeps(token, content, name) {
  const form = Buffer.concat([Buffer.from(`--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n--b--\r\n')])
  const answer = await request(stack, 'POST', '/api/v1/media', { token, raw: form, headers: { 'content-type': 'multipart/form-data; boundary=b' } })
  assert.equal(answer.status, 201, answer.text)
  const { id, url } = answer.json.data
  await until('it is read', async () => (await request(stack, 'GET', `/api/v1/media/${id}`, { token })).json.data.state === 'ready', 60000)
  return url
}

const opens = (path, look) => opensIn(browser, stack.url, path, look)
const leave = page => page.context().close()
async function presses(page, name = 'Open the conversation') {
  await page.getByRole('button', { name, exact: true }).click()
  await page.waitForLoadState('domcontentloaded')
}
const goes = async page => { page.answer = await page.goto(page.url()) }
const says = async (page, words) => assert.match(await page.locator('main').innerText(), words)
/** Without a browser: what a program sees. */
const reads = (path, headers = {}) => request(stack, 'GET', path, { headers: { accept: 'text/html', ...headers } })

test('what may be kept is saved by a link, and stands by itself; what may not has no such link', async () => {
  const link = await shares(async keeps => ({ ...TALK, data: { ...TALK.data, messages: [...TALK.data.messages, { sender: 'ada', text: NASTY, file: await keeps('High water: six.', 'tides.txt') }] } })), page = await opens(link.path, { locale: 'ko-KR' })
  await presses(page, '대화 열기')
  const saves = async name => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name, exact: true }).click()])
    return { name: download.suggestedFilename(), path: await download.path() }
  }
  const text = await saves('텍스트로')
  assert.equal(text.name, '항구에서 만나요.txt')
  assert.match(readFileSync(text.path, 'utf8'), /^메시지: 10, [^]*\[오후 9:12\] 아다: 여섯 시에 물이 들어온대\.\n {4}좀 일찍 만나자\.\n/m)
  assert.equal(readFileSync((await saves('프로그램용으로')).path, 'utf8').trim().split('\n').length, 13)
  const html = await saves('웹 페이지로'), context = await browser.newContext({ viewport: { width: 390, height: 780 } }), saved = await context.newPage(), loaded = []
  saved.on('request', one => loaded.push(one.url()))
  saved.on('dialog', dialog => assert.fail(dialog.message()))
  const where = join(stack.dir, 'saved.html')
  copyFileSync(html.path, where)
  await saved.goto(`file://${where}`)
  await says(saved, /여섯 시에 물이 들어온대[^]*tides\.txt[^]*<script>alert\(1\)<\/script>/)
  assert.deepEqual(loaded, [`file://${where}`])
  await shows(saved, 'share-saved')
  await context.close()
  await link.edits({ download: false })
  await goes(page)
  assert.equal(await page.locator('.keep').count(), 0)
  await leave(page)
})

test('whoever presses the button reads the conversation, and looks again without another view', async () => {
  const link = await shares(TALK, { label: 'nobody sees this' }), page = await opens(link.path, { locale: 'ko-KR' })
  assert.equal(page.answer.status(), 200)
  await says(page, /공유된 대화/)
  assert.ok(!(await page.content()).includes(TALK.name))
  assert.equal(await link.views(), 0)
  await shows(page, 'gate')
  await presses(page, '대화 열기')
  assert.equal(await page.title(), TALK.name)
  assert.equal(await link.views(), 1)
  await says(page, /내일 몇 시에 볼까/)
  await shows(page, 'talk')
  assert.deepEqual(await page.locator('.talk li').evaluateAll(lines => lines.map(line => line.className)),
    ['notice', 'theirs', 'theirs goes-on', 'theirs', 'mine', 'mine goes-on', 'theirs', 'theirs', 'notice'])
  assert.deepEqual(await page.locator('.who').allTextContents(), ['아다', '아다', 'Bo', '나', '나', '아다', 'layla'])
  assert.equal(await page.locator('.bubble').nth(1).innerText(), '여섯 시에 물이 들어온대.\n좀 일찍 만나자.')
  await says(page, /2026-11-18 11:06 UTC|보여 줄 수 없는/)
  await goes(page)
  await says(page, /내일 몇 시에/)
  await page.getByRole('link', { name: 'English' }).click()
  await says(page, /Messages: 9/)
  await page.reload()
  await page.goBack()
  assert.equal(await link.views(), 1, 'the same visit')
  const cookie = (await page.context().cookies()).find(({ name }) => name === '__Secure-madang_share')
  assert.deepEqual([cookie.path, cookie.httpOnly, cookie.secure, cookie.sameSite], ['/s', true, true, 'Lax'])
  await leave(page)
})

test('what draws previews and follows links opens nothing, whatever it says that it is', async () => {
  const link = await shares({ ...TALK, name: 'the secret name' }, { view_budget: 1 })
  for (const agent of ['facebookexternalhit/1.1', 'Twitterbot/1.0', 'kakaotalk-scrap/1.0', 'Slackbot-LinkExpanding 1.0', 'TelegramBot (like TwitterBot)', 'Mozilla/5.0 (compatible; Googlebot/2.1)', 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156 Safari/537.36'])
    for (const method of ['HEAD', 'GET']) {
      const answer = await request(stack, method, link.path, { headers: { 'user-agent': agent, accept: '*/*' } })
      assert.equal(answer.status, 200)
      assert.doesNotMatch(answer.text, /secret|내일|og:|twitter:/)
      assert.equal(answer.headers['set-cookie'], undefined)
    }
  assert.equal(await link.views(), 0)
  const page = await opens(link.path)
  await says(page, /only so many times/)
  await presses(page)
  await says(page, /내일 몇 시에/)
  assert.equal(await link.views(), 1)
  assert.equal((await reads(link.path)).status, 404, 'it was for one')
  await goes(page)
  await says(page, /내일 몇 시에/)
  await leave(page)
})

test('what draws previews is told the name of what a link opens where its owner likes that, and not while it has a password', async () => {
  const name = 'Ada & "Bo" <b>내일</b>', talk = { ...TALK, name }
  const link = await shares(talk, { preview: true }), kept = await shares(talk, { preview: true, snapshot: true, noindex: false })
  const reader = await opens('/s/nothing')
  /** As an HTML parser reads the page's head. */
  const cardOf = async path => reader.evaluate(html => Object.fromEntries([...new DOMParser().parseFromString(html, 'text/html').querySelectorAll('head > meta[property]')].map(meta => [meta.getAttribute('property').slice(3), meta.content])), (await reads(path)).text)
  const card = { type: 'website', title: name, description: 'A shared conversation', url: `${stack.publicUrl}${link.path}`, locale: 'en_US' }
  assert.deepEqual(await cardOf(link.path), card)
  assert.deepEqual(await cardOf(`${link.path}?lang=ko`), { ...card, description: '공유된 대화', locale: 'ko_KR' })
  for (const one of [link, kept]) await one.changes({ name: 'another' })
  assert.deepEqual([(await cardOf(link.path)).title, (await cardOf(kept.path)).title], ['another', name])
  assert.deepEqual([link.preview, await link.views(), (await shares(TALK)).preview], [true, 0, false])
  await reader.goto(stack.url + link.path)
  await presses(reader)
  assert.doesNotMatch(await reader.content(), /og:/)
  for (const [settings, title] of [[{ password: 'six at the harbour' }, undefined], [{ password: null }, 'another'], [{ preview: false }, undefined], [{ preview: true }, 'another']]) {
    await link.edits(settings)
    assert.equal((await cardOf(link.path)).title, title, JSON.stringify(settings))
  }
  await link.revokes()
  assert.deepEqual(await cardOf(link.path), {})
  await leave(reader)
})

test('a form that is sent twice is one view; another site\'s form is none', async () => {
  const link = await shares(TALK, { view_budget: 2 }), gate = await reads(link.path), fields = { client_key: gate.text.match(/name="client_key" value="([^"]+)"/)[1], lang: 'en' }
  const ours = { origin: stack.publicUrl }, posts = (more = ours, body = fields) => request(stack, 'POST', link.path, { raw: String(new URLSearchParams(body)), headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html', ...more } })
  assert.equal((await posts({ origin: 'https://elsewhere.example' })).status, 403)
  assert.equal((await posts({})).status, 403)
  assert.equal(await link.views(), 0)
  for (let i = 0; i < 3; i++) assert.match((await posts()).text, /내일 몇 시에/)
  assert.equal(await link.views(), 1)
  const second = await posts(ours, { lang: 'en' })
  assert.equal(second.status, 200)
  assert.equal((await posts(ours, { lang: 'en' })).status, 404)
  assert.match((await posts()).text, /내일 몇 시에/, 'the first one again')
  assert.equal(await link.views(), 2)
})

test('a wrong code and one that has ended have a page, the same but to who had it; the browser that had it is told', async () => {
  const [over, revoked, reset] = await Promise.all([1, 2, 3].map(() => shares(TALK))), page = await opens(over.path)
  await presses(page)
  const other = await opens(reset.path)
  await presses(other)
  await over.edits({ expires_at: 1000 })
  await revoked.revokes()
  const code = await reset.resets()
  const never = await reads(`/s/${'1'.repeat(14)}`)
  assert.deepEqual([never.status, never.headers['content-type']], [404, 'text/html; charset=utf-8'])
  assert.match(never.text, /There is nothing here/)
  for (const link of [over, revoked, reset, { path: '/s/x%20y' }]) {
    const answer = await reads(link.path)
    assert.deepEqual([answer.status, answer.text], [404, never.text])
  }
  await goes(page)
  assert.equal(page.answer.status(), 410)
  await says(page, /This link has ended/)
  await shows(page, 'ended')
  await goes(other)
  await says(other, /This link has ended/)
  await other.goto(`${stack.url}/s/${code}`)
  await presses(other)
  await says(other, /내일 몇 시에/)
  await Promise.all([leave(page), leave(other)])
})

test('what a conversation says is text, in names, messages and times; nothing is loaded from elsewhere, and no script of it runs', async () => {
  const link = await shares({ name: NASTY, theme: '"><b>', data: { profiles: { [NASTY]: { name: NASTY, avatar: 'https://elsewhere.example/a.png' } }, messages: [{ sender: NASTY, text: NASTY, time: NASTY }, { type: 'system', text: NASTY }, {}, { text: 7, sender: [] }] } })
  const page = await opens(link.path)
  await presses(page)
  assert.equal(await page.title(), NASTY)
  assert.deepEqual(await page.locator('.bubble').first().textContent(), NASTY)
  assert.equal(await page.locator('script:not([src="/watch/watch.js"]), img, iframe, link[rel=stylesheet]').count(), 0)
  const { 'content-security-policy': policy, 'x-robots-tag': robots, 'referrer-policy': referrer, 'cache-control': cache, 'x-content-type-options': nosniff } = (await reads(link.path)).headers
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[^ ]+' 'sha256-[^ ]+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/)
  assert.deepEqual([robots, referrer, cache, nosniff], ['noindex', 'no-referrer', 'no-store', 'nosniff'])
  await leave(page)
})

test('search engines are told to leave it out by header and by page, unless the owner likes it', async () => {
  const hidden = await shares(TALK), listed = await shares(TALK, { noindex: false }), meta = '<meta name="robots" content="noindex">'
  const [one, other, none] = await Promise.all([hidden.path, listed.path, '/s/nothing'].map(path => reads(path)))
  assert.deepEqual([one, other, none].map(({ headers, text }) => [headers['x-robots-tag'], text.includes(meta)]), [['noindex', true], [undefined, false], ['noindex', true]])
  const page = await opens(hidden.path)
  await presses(page)
  assert.ok((await page.content()).includes(meta))
  await leave(page)
  assert.match((await request(stack, 'GET', '/robots.txt')).text, /^Allow: \/s\/$/m)
})

test('a long conversation has parts, and the longest there may be has a page', async () => {
  const messages = Array.from({ length: 401 }, (_, i) => ({ sender: 'me', text: `line ${i + 1}.` }))
  const link = await shares({ name: 'long', data: { messages } }), page = await opens(link.path)
  await presses(page)
  await says(page, /Part 1 \/ 3/)
  assert.equal(await page.locator('.bubble').count(), 200)
  for (const [first, last, count] of [[201, 400, 200], [401, 401, 1]]) {
    await page.getByRole('link', { name: 'Later messages' }).click()
    for (const at of [first, last]) await says(page, new RegExp(`line ${at}\\.`))
    assert.equal(await page.locator('.bubble').count(), count)
  }
  await page.getByRole('link', { name: 'Earlier messages' }).click()
  await says(page, /line 201\./)
  assert.equal((await reads(`${link.path}?part=9999`)).status, 200)
  await leave(page)
  const quotes = await shares({ name: '"'.repeat(120), data: { messages: [{ text: '"'.repeat(260000) }] } }), widest = await opens(quotes.path)
  await presses(widest)
  assert.equal((await widest.locator('.bubble').textContent()).length, 260000)
  await leave(widest)
  const empty = await opens((await shares({ name: 'empty', data: {} })).path)
  await presses(empty)
  await says(empty, /Nobody has said anything yet/)
  await leave(empty)
})

test('on a phone and on a desk, light and dark, it is as assistive programs want it, and on paper without what is to be pressed', async () => {
  const link = await shares(TALK, { password: 'the right one' })
  for (const look of [{ locale: 'ko-KR', looked: true }, { locale: 'ko-KR', dark: true, looked: true }, { wide: true, looked: true }, { wide: true, dark: true, looked: true }]) {
    const page = await opens(link.path, look), name = `${look.locale ?? 'en'}-${look.dark ? 'dark' : 'light'}-${look.wide ? 'desk' : 'phone'}`
    for (const where of ['gate', 'refused', 'talk']) {
      if (where === 'refused') {
        await page.locator('#password').fill('a wrong one')
        await presses(page, look.locale ? '대화 열기' : undefined)
      }
      if (where === 'talk') {
        await page.locator('#password').fill('the right one')
        await presses(page, look.locale ? '대화 열기' : undefined)
      }
      await shows(page, `${where}-${name}`)
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, `${where} ${name}`)
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] }))
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${where} ${name}`)
    }
    await page.emulateMedia({ media: 'print' })
    assert.deepEqual([await page.locator('footer').isVisible(), await page.locator('.bubble').first().isVisible()], [false, true])
    const colours = await page.locator('.mine .bubble').first().evaluate(bubble => [getComputedStyle(bubble).backgroundColor, getComputedStyle(bubble).color])
    assert.deepEqual(colours, ['rgb(255, 255, 255)', 'rgb(0, 0, 0)'])
    await shows(page, `print-${name}`)
    await leave(page)
  }
})

test('a link with a password asks for it: a wrong one is said to be wrong and is no view, the right one opens it and is remembered', async () => {
  const PASSWORD = '등대지기의 밤 7', link = await shares({ ...TALK, name: 'the secret name' }, { password: PASSWORD, view_budget: 1 })
  assert.doesNotMatch((await reads(link.path)).text, /secret|내일|og:/)
  const page = await opens(link.path, { locale: 'ko-KR' }), field = page.getByLabel('비밀번호')
  assert.equal(await field.getAttribute('type'), 'password')
  await field.fill('등대지기의 밤 8')
  await presses(page, '대화 열기')
  await says(page, /이 링크의 비밀번호가 아닙니다/)
  assert.deepEqual([await link.views(), await page.locator('.talk').count(), (await page.content()).includes('밤 8')], [0, 0, false])
  await shows(page, 'password-wrong')
  await field.fill(PASSWORD)
  await presses(page, '대화 열기')
  await says(page, /내일 몇 시에 볼까/)
  await page.goto(stack.url + link.path)
  await says(page, /내일 몇 시에 볼까/)
  assert.equal(await link.views(), 1)
  await link.edits({ password: 'another one', view_budget: null })
  await page.goto(stack.url + link.path)
  assert.equal(await page.locator('.talk').count(), 0, 'another password is asked for')
  await page.getByRole('link', { name: 'English' }).click()
  await page.getByLabel('Password').fill('another one')
  await presses(page)
  await says(page, /Messages: 9/)
  await leave(page)
})

test('the form of a password that is left out, wrong, or one of too many is answered by its page and status', async () => {
  const link = await shares(TALK, { password: 'the right one' }), headers = { origin: stack.publicUrl, 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' }
  const posts = fields => request(stack, 'POST', link.path, { raw: String(new URLSearchParams({ lang: 'en', ...fields })), headers })
  for (const [fields, status, words] of [[{}, 401, /has a password/], [{ password: 'x'.repeat(80) }, 401, /not the password/], [{ password: 'a wrong one' }, 401, /not the password/]]) {
    const answer = await posts(fields)
    assert.equal(answer.status, status, answer.text)
    assert.match(answer.text, words)
    assert.match(answer.text, /role="alert"/)
    assert.equal(answer.headers['set-cookie'], undefined)
  }
  await stack.sql('share', `UPDATE share_guess SET failures = 25, next_at = now() + interval '15 minutes' WHERE link = '${link.id}'`)
  const late = await posts({ password: 'the right one' })
  assert.equal(late.status, 429)
  assert.match(late.text, /too many wrong passwords/)
})

/** A conversation with pictures, a face and a file. */
const pictured = async keeps => {
  const [face, wide, small, nasty, words] = [await keeps(pngOf(64, 64), 'face.png'), await keeps(pngOf(1600, 900), '항구.png'), await keeps(pngOf(40, 30), 'small.png'), await keeps(pngOf(20, 20), 'onerror=alert(1) x.png'), await keeps('at six', 'the tide.txt')]
  return {
    name: 'with pictures', data: {
      profiles: [{ id: 'ada', name: '아다', avatar: `https://chat.example${face}` }, { id: 'bo', name: 'Bo' }],
      messages: [
        { sender: 'ada', text: '항구야', image: `https://chat.example${wide}` }, { sender: 'ada', attachments: [{ url: small }, { url: nasty }] }, { sender: 'bo', file: words, time: '9:15 PM' },
        { sender: 'me', media: { at: { url: wide } } }, { sender: 'bo', image: '/media/00000000-0000-4000-8000-000000000000/none.png' },
      ],
    },
  }
}

test('pictures, faces and files of a conversation are shown where they are named, without a script, and whole to who presses one', async () => {
  const link = await shares(pictured), page = await opens(link.path)
  assert.equal(await page.locator('img').count(), 0)
  assert.doesNotMatch(page.answer.headers()['content-security-policy'], /img-src/)
  await presses(page)
  const loaded = () => page.locator('img').evaluateAll(images => images.map(({ complete, naturalWidth, naturalHeight }) => complete && [naturalWidth, naturalHeight]))
  await until('all are there', async () => { const sizes = await loaded(); return sizes.length === 5 && sizes.every(size => size && size[0] > 0) })
  assert.deepEqual(await loaded(), [[64, 64], [480, 270], [40, 30], [20, 20], [480, 270]])
  assert.deepEqual(await page.locator('img').evaluateAll(images => images.map(({ alt, className }) => [alt, className])),
    [['', 'face'], ['Picture: 항구.png', ''], ['Picture: small.png', ''], ['Picture: onerror=alert(1) x.png', ''], ['Picture: 항구.png', '']])
  assert.deepEqual([await page.locator('.file').allTextContents(), await page.locator('.unshown').count()], [['the tide.txt'], 1])
  await shows(page, 'pictures')
  const [whole] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link', { name: 'Picture: 항구.png' }).first().click()])
  await whole.waitForURL('**/media/**') // a page that goes from one place to another answers no question
  await until('it is whole', async () => (await whole.locator('img').evaluateAll(images => images.map(({ naturalWidth }) => naturalWidth)))[0] === 1600)
  await whole.close()
  assert.equal(await link.views(), 1)
  const again = await page.goto(stack.url + link.path)
  assert.match(again.headers()['content-security-policy'], /^default-src 'none'; style-src [^;]*; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self'; script-src 'self'; connect-src 'self'$/)
  await link.revokes()
  const src = await page.locator('.picture img').first().getAttribute('src')
  assert.equal((await page.goto(stack.url + src)).status(), 410)
  await leave(page)
})

test('where files may not be kept pictures are no links and files are names; assistive programs read either, on a phone and on paper', async () => {
  for (const settings of [{ download: false, password: 'the right one' }, { snapshot: true }]) {
    const link = await shares(pictured, settings), page = await opens(link.path, { locale: 'ko-KR', looked: true })
    if (settings.password) await page.locator('#password').fill('the right one')
    await presses(page, '대화 열기')
    await until('all are there', () => page.locator('img').evaluateAll(images => images.length === 5 && images.every(({ complete, naturalWidth }) => complete && naturalWidth > 0)))
    assert.equal(await page.locator('.picture a, .file a').count(), settings.snapshot ? 5 : 0)
    assert.match(await page.locator('.file').innerText(), settings.snapshot ? /^the tide\.txt$/ : /^the tide\.txt \(저장할 수 없는 파일\)$/)
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false)
    await page.evaluate(axe.source)
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] }))
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [])
    await shows(page, `pictures-${settings.snapshot ? 'kept' : 'unkept'}`)
    await page.emulateMedia({ media: 'print' })
    assert.ok(await page.locator('.picture img').first().isVisible())
    await leave(page)
  }
})
