// p_import - what a browser kept is brought along: one file with all conversations by their names, each kept once however often it is sent, and an
// answer for each; for people by a page that needs no script.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import axe from 'axe-core'
import { opensIn, shows, startBrowser } from '../lib/browser.mjs'
import { request, tokenFor } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const FIXTURE = readFileSync(join(root, 'tests/lib/talkstudio.json'), 'utf8'), KEPT = JSON.parse(FIXTURE), NAMES = Object.keys(KEPT)
const NASTY = '"><script>alert(1)</script><img src=x onerror=alert(1)>\''
let stack, key, browser
before(async () => {
  stack = await startStack({ env: { MADANG_AUTH_REGISTRATION: 'open' } })
  key = await stack.issueKey()
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await stack?.stop()
})

const formOf = text => ({ raw: Buffer.concat([Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="kept.json"\r\n\r\n'), Buffer.from(text), Buffer.from('\r\n--b--\r\n')]), headers: { 'content-type': 'multipart/form-data; boundary=b' } })

/** Somebody who brings conversations along, with rates and quotas of their own. */
async function somebody() {
  const subject = `ada ${randomUUID()}`, token = await tokenFor(stack, key, subject)
  const asks = (method, path, body) => request(stack, method, `/api/v1/conversations${path}`, { token, body })
  return {
    subject, token, asks,
    sends: file => request(stack, 'POST', '/api/v1/conversations/import', { token, ...formOf(typeof file === 'string' || Buffer.isBuffer(file) ? file : JSON.stringify(file)) }),
    async brings(file) {
      const answer = await this.sends(file)
      assert.equal(answer.status, 200, answer.text)
      return answer.json.data
    },
    async names(query = '') { return (await asks('GET', `?limit=100${query}`)).json.data.conversations.map(({ name }) => name).sort() },
    async reads(id) { return (await asks('GET', `/${id}`)).json.data },
    async used() {
      const { usages } = await stack.rpc('share', 'conversation.usage', { subject })
      return Object.fromEntries(usages.map(({ quota, used }) => [quota, used]))
    },
  }
}
const counts = ({ made, same, changed, refused }) => [made, same, changed, refused]
const states = answer => answer.conversations.map(({ state, code }) => code ?? state)

test('what a browser kept is kept here, objects and texts of objects alike, with all that is in them; nothing is public', async () => {
  const ada = await somebody(), answer = await ada.brings(FIXTURE)
  assert.deepEqual([counts(answer), answer.conversations.map(({ place, name, state }) => [place, name, state])], [[3, 0, 0, 0], NAMES.map((name, i) => [i + 1, name, 'made'])])
  for (const [i, name] of NAMES.entries()) {
    const { theme, ...data } = typeof KEPT[name] === 'string' ? JSON.parse(KEPT[name]) : KEPT[name], kept = await ada.reads(answer.conversations[i].conversation)
    assert.deepEqual([kept.name, kept.theme, kept.public, kept.data, kept.role], [name, theme, false, data, 'owner'])
  }
  const marked = await ada.brings(`\ufeff \r\n${JSON.stringify({ 'with a mark': { public: true, name: 'another', client_key: 'a key of its own', theme: { not: 'a word' } } })}\n`)
  assert.deepEqual(states(marked), ['made'])
  const odd = await ada.reads(marked.conversations[0].conversation)
  assert.deepEqual([odd.name, odd.public, odd.theme, odd.data], ['with a mark', false, undefined, { public: true, name: 'another', client_key: 'a key of its own', theme: { not: 'a word' } }])
})

test('the same file makes nothing twice, also as other bytes or after what was made has changed; what has changed in it is made beside, and said', async () => {
  const ada = await somebody(), first = await ada.brings(FIXTURE), ids = first.conversations.map(({ conversation }) => conversation)
  await ada.asks('PATCH', `/${ids[0]}`, { name: 'renamed here', data: { messages: [] } })
  await ada.asks('DELETE', `/${ids[2]}`)
  const reversed = Object.fromEntries(Object.entries(KEPT).map(([name, value]) => [name, typeof value === 'string' ? JSON.parse(value) : Object.fromEntries(Object.entries(value).reverse())]))
  for (const file of [FIXTURE, JSON.stringify(reversed, null, 7)]) {
    const again = await ada.brings(file)
    assert.deepEqual([counts(again), again.conversations.map(({ conversation }) => conversation), again.conversations.map(({ trash }) => trash ?? false)], [[0, 3, 0, 0], ids, [false, false, true]])
  }
  assert.equal((await ada.reads(ids[0])).name, 'renamed here')
  const edited = { ...KEPT, [NAMES[0]]: { ...KEPT[NAMES[0]], messages: [{ sender: 'me', text: 'seven' }] } }, beside = await ada.brings(edited)
  assert.deepEqual([counts(beside), states(beside), beside.conversations[0].former], [[0, 2, 1, 0], ['changed', 'same', 'same'], ids[0]])
  assert.deepEqual([(await ada.reads(beside.conversations[0].conversation)).data.messages, (await ada.reads(ids[0])).data.messages], [[{ sender: 'me', text: 'seven' }], []])
  assert.deepEqual(counts(await ada.brings(edited)), [0, 3, 0, 0])
  await ada.asks('DELETE', `/${ids[2]}?for_good=true`)
  assert.deepEqual(counts(await ada.brings(FIXTURE)), [1, 2, 0, 0], 'what is gone for good may come back')
  const eve = await somebody()
  assert.deepEqual(counts(await eve.brings(FIXTURE)), [3, 0, 0, 0])
})

test('four of the same file at once make each conversation once', async () => {
  const ada = await somebody(), file = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`talk ${i}`, { messages: [{ text: `${i}` }] }]))
  const backwards = Object.fromEntries(Object.entries(file).reverse())
  const answers = await Promise.all([file, backwards, file, backwards].map(one => ada.brings(one)))
  await until('what was not in time is there', async () => (await ada.brings(file)).same === 30)
  for (const state of answers.flatMap(states)) assert.ok(['made', 'same', 'deadline'].includes(state), state)
  assert.equal((await ada.names()).length, 30)
  assert.equal((await ada.used()).conversations, 30)
})

test('what is no conversation is refused by itself, with a code and why, and the others are taken', async () => {
  const ada = await somebody(), deep = `${'['.repeat(200)}${']'.repeat(200)}`
  const entries = [
    ['"fine"', '{"messages":[]}', 'made'], ['"theme"', '"dark"', 'invalid_argument'], ['"a number"', '7', 'invalid_argument'], ['"a list"', '[{}]', 'invalid_argument'], ['"null"', 'null', 'invalid_argument'],
    ['"no messages"', '{"messages":{}}', 'invalid_argument'], ['"inside a text"', '"{\\"messages\\":7}"', 'invalid_argument'], ['"twice"', '{"a":1,"a":2}', 'invalid_argument'], ['"broken"', '{"a" 1}', 'invalid_argument'],
    ['"deep"', `{"a":${deep}}`, 'invalid_argument'], ['"beyond"', '{"a":1e9999}', 'invalid_argument'], ['"more than one"', '"{}},\\"public\\":true,\\"x\\":{"', 'invalid_argument'], ['"word"', 'true}'.slice(0, 4), 'invalid_argument'],
    [`"${'x'.repeat(121)}"`, '{}', 'invalid_argument'], ['""', '{}', 'invalid_argument'], [`"${'y'.repeat(9000)}"`, '{}', 'invalid_argument'], ['"a NUL \\u0000"', '{}', 'invalid_argument'],
    ['"large"', JSON.stringify({ text: 'x'.repeat(262144) }), 'invalid_argument'], ['"larger"', JSON.stringify({ text: 'x'.repeat(2300000) }), 'too_large'], ['"printed"', JSON.stringify({ long: Array.from({ length: 3400 }, () => 1e308) }), 'too_large'],
    ['"fine too"', '"{}"', 'made'],
  ]
  const answer = await ada.brings(`{${entries.map(([name, value]) => `${name} : ${value}`).join(' ,\n')}}`)
  assert.deepEqual(states(answer), entries.map(([, , code]) => code))
  assert.deepEqual(counts(answer), [2, 0, 0, entries.length - 2])
  assert.ok(answer.conversations.every(({ state, message }) => (state === 'refused') === (message?.length > 3)))
  assert.equal(answer.conversations[1].name, 'theme')
  assert.match(answer.conversations[1].message, /want an object|no JSON/)
  assert.equal(answer.conversations.find(({ name }) => name?.startsWith('xxx')).name, 'x'.repeat(120))
  assert.deepEqual(await ada.names(), ['fine', 'fine too'])
  const invalid = await ada.brings(Buffer.concat([Buffer.from('{"a":{"t":"'), Buffer.from([0xff]), Buffer.from('"},"b":{}}')]))
  assert.deepEqual(invalid.conversations.map(({ state }) => state), ['refused', 'made'])
  assert.deepEqual(counts(await ada.brings('{"n":{"v":1},"n":{"v":2}}')), [1, 0, 1, 0], 'a name that is there twice is two conversations')
})

test('of a file that is no object, is cut off, or has too much nothing is taken; no file of it stays', async () => {
  const ada = await somebody()
  for (const [file, status, why] of [
    ['', 400, /nothing/], ['[]', 400, /byte 1: want an object/], ['{"a":{}', 400, /cut off/], ['{"a":{"b":"}', 400, /cut off/], ['{"a":{},}', 400, /a name/], ['{"a"}', 400, /colon/], ['{"a":}', 400, /conversation behind/], ['{"a":{} "b":{}}', 400, /comma/],
    ['{"a":{}} {}', 400, /nothing behind/], ['{a:{}}', 400, /in quotes/], [JSON.stringify(Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`n${i}`, {}]))), 400, /more than 1000/],
  ]) {
    const answer = await ada.sends(file)
    assert.deepEqual([answer.status, answer.json.error.code], [status, 'invalid_argument'], answer.text)
    assert.match(answer.json.error.message, why)
  }
  assert.deepEqual(counts(await ada.brings(' { } ')), [0, 0, 0, 0])
  const tooLong = Buffer.alloc((64 << 20) + 1, ' ')
  tooLong.write('{"a":{}}')
  const refused = await ada.sends(tooLong)
  assert.deepEqual([refused.status, refused.json.error.code], [413, 'too_large'])
  assert.deepEqual(await ada.names(), [])
  await until('nothing of it is kept or counted', async () => readdirSync(join(stack.dir, 'files/share')).length === 0 && !(await ada.used()).media && !(await ada.used()).media_bytes)
})

test('the quotas of their owner hold: what has no room is said, what has is kept, and the rest follows when there is', async () => {
  const ada = await somebody(), file = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`talk ${i}`, { messages: [{ text: `${i}`.repeat(100) }] }]))
  await stack.authctl('quota', 'set', 'conversations', '4', '--subject', ada.subject)
  let full
  await until('it holds', async () => { // a gateway hears of it some time later
    for (const { id } of (await ada.asks('GET', '')).json.data.conversations) await ada.asks('DELETE', `/${id}?for_good=true`)
    full = await ada.brings(file)
    return full.refused > 0
  })
  assert.deepEqual([states(full), full.conversations[5].name], [['made', 'made', 'made', 'made', 'quota_exceeded', 'quota_exceeded'], 'talk 5'])
  assert.match(full.conversations[4].message, /conversations may be 4, and are 4/)
  const { conversations, conversation_bytes: bytes } = await ada.used()
  assert.equal(conversations, 4)
  assert.deepEqual(counts(await ada.brings(file)), [0, 4, 0, 2])
  await ada.asks('DELETE', `/${full.conversations[0].conversation}?for_good=true`)
  assert.deepEqual(counts(await ada.brings(Object.fromEntries(Object.entries(file).slice(1)))), [1, 3, 0, 1])
  await stack.authctl('quota', 'set', 'conversation_bytes', String(bytes), '--subject', ada.subject)
  const grows = more => ada.asks('PATCH', `/${full.conversations[1].conversation}`, { data: { more } })
  await until('that one holds, too', async () => (await grows('x')).status === 403 || (await grows(null)).status !== 200)
  await stack.authctl('quota', 'unset', 'conversations', '--subject', ada.subject)
  let last
  await until('the first one holds no more', async () => { last = await ada.brings(file); return last.conversations.every(({ message }) => !message?.startsWith('conversations ')) })
  assert.deepEqual(states(last), ['quota_exceeded', 'same', 'same', 'same', 'same', 'quota_exceeded'])
  assert.deepEqual(await ada.used(), { conversations: 4, conversation_bytes: bytes }, 'what was refused took nothing')
  await stack.authctl('quota', 'unset', 'conversation_bytes', '--subject', ada.subject)
  await until('all of it is there', async () => (await ada.brings(file)).same === 6)
  assert.deepEqual(await ada.used(), { conversations: 6, conversation_bytes: bytes / 4 * 6 })
})

test('what the database did not take in time is said to be sent again, and is then made once', async () => {
  const ada = await somebody(), file = { ...KEPT, more: {} }
  const holder = spawn('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', `host=${stack.dir}/pg-socket dbname=madang user=madang_share passfile=${stack.dir}/secrets/share.pgpass`], { stdio: ['pipe', 'pipe', 'inherit'] })
  const said = once(holder.stdout, 'data')
  holder.stdin.write("BEGIN; LOCK TABLE share.conversation IN SHARE MODE; SELECT 'held';\n")
  await said
  const late = await ada.sends(file)
  if (late.status === 200) assert.ok(late.json.data.conversations.every(({ state, code, name }) => state === 'refused' && ['deadline', 'unavailable', 'overloaded'].includes(code) && name), late.text)
  else assert.ok([503, 504].includes(late.status), late.text)
  holder.stdin.end('ROLLBACK;\n')
  await once(holder, 'exit')
  await until('it is all there', async () => (await ada.brings(file)).same === 4)
  assert.deepEqual(await ada.names(), [...NAMES, 'more'].sort())
  assert.equal((await ada.used()).conversations, 4)
})

test('what an imported conversation names of one\'s files is used by it', async () => {
  const ada = await somebody()
  const { json: { data: { id, url } } } = await request(stack, 'POST', '/api/v1/media', { token: ada.token, ...formOf('a file') })
  await ada.brings({ 'with a file': { messages: [{ file: url }] } })
  assert.equal(await stack.sql('share', `SELECT count(*) FROM share.conversation_media WHERE media = '${id}' AND shown`), '1')
})

/* --- people --- */

const password = 'correct horse battery'
const opens = (path, look) => opensIn(browser, stack.url, path, look)
/** A user, signed in with this page. */
async function signsIn(page) {
  const nickname = `n${randomUUID().slice(0, 12)}`, email = `${nickname}@example.org`
  const made = await request(stack, 'POST', '/api/v1/auth/register', { body: { email, password, nickname } })
  assert.equal(made.status, 201, made.text)
  await page.goto(`${stack.url}/account/login`)
  await page.locator('input[type=email]').fill(email)
  await page.locator('input[type=password]').fill(password)
  await presses(page, page.locator('form[action="/account/login"] button').first())
  return made.json.data.user.id
}
async function presses(page, button) {
  await button.click()
  await page.waitForLoadState('domcontentloaded')
}
const listed = (page, state) => page.locator(`ul[data-state=${state}] li`).allInnerTexts()

test('a person chooses a file or pastes a text, without a script, and is told what became of each; whatever it is called is text', async () => {
  const page = await opens('/import')
  assert.equal(page.answer.status(), 401)
  const user = await signsIn(page)
  await presses(page, page.getByRole('link', { name: 'Import conversations' }))
  assert.equal(page.url(), `${stack.url}/account/import`)
  page.answer = await page.goto(`${stack.url}/import`)
  assert.equal(page.url(), `${stack.url}/account/import`)
  const { 'content-security-policy': policy, 'cache-control': cache, 'referrer-policy': referrer } = page.answer.headers()
  assert.match(policy, /^default-src 'none'; style-src [^;]*; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/)
  assert.deepEqual([cache, referrer], ['no-store', 'no-referrer'])
  const send = nth => page.getByRole('button', { name: 'Import', exact: true }).nth(nth)
  await page.getByLabel('File').setInputFiles(join(root, 'tests/lib/talkstudio.json'))
  await presses(page, send(0))
  assert.deepEqual(await listed(page, 'made'), NAMES)
  await presses(page, page.getByRole('link', { name: 'Import others' }))
  await page.getByLabel('The text').fill(JSON.stringify({ ...KEPT, [NAMES[2]]: { messages: [{ text: 'one' }] }, [NASTY]: {}, theme: 'dark' }, null, 2))
  await presses(page, send(1))
  assert.deepEqual([await listed(page, 'made'), await listed(page, 'same'), await listed(page, 'changed')], [[NASTY], NAMES.slice(0, 2), [NAMES[2]]])
  assert.match((await listed(page, 'refused'))[0], /^theme\s+It is no conversation/)
  await shows(page, 'import-mixed')
  await page.goto(`${stack.url}/account/import`)
  await page.getByLabel('The text').fill('{"cut": {')
  await presses(page, send(1))
  assert.match(await page.getByRole('alert').innerText(), /Nothing was taken/)
  assert.equal(await stack.sql('share', `SELECT count(*) FROM share.conversation WHERE owner = '${user}'`), '5')
  await page.context().close()
})

test('on a phone and on a desk, light and dark, in Korean and in English, it is as assistive programs want it', async () => {
  for (const look of [{ locale: 'ko-KR', looked: true }, { locale: 'ko-KR', dark: true, wide: true, looked: true }, { dark: true, looked: true }]) {
    const page = await opens('/account', look), name = `import-${look.locale ?? 'en'}-${look.dark ? 'dark' : 'light'}-${look.wide ? 'desk' : 'phone'}`
    await signsIn(page)
    const isFine = async where => {
      await shows(page, `${name}-${where}`)
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false, `${where} ${name}`)
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] }))
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${where} ${name}`)
    }
    await page.goto(`${stack.url}/account/import`)
    await isFine('form')
    await page.locator('textarea').fill('[]')
    await presses(page, page.locator('form[action="/account/import"] button').nth(1))
    await isFine('refused')
    await page.locator('input[type=file]').setInputFiles({ name: 'kept.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify({ ...KEPT, long: { text: 'x'.repeat(262144) } })) })
    await presses(page, page.locator('form[action="/account/import"] button').first())
    assert.equal((await listed(page, 'refused')).length, 1)
    await isFine('done')
    await page.context().close()
  }
})

test('another site\'s form brings nothing along, and a slow one of a person\'s own keeps their session', async () => {
  const page = await opens('/account'), user = await signsIn(page)
  const cookie = async () => `__Secure-madang_page=${(await page.context().cookies()).find(({ name }) => name === '__Secure-madang_page').value}`
  const { raw, headers } = formOf(FIXTURE)
  for (const origin of ['https://evil.example', undefined]) {
    const answer = await request(stack, 'POST', '/account/import', { raw, headers: { ...headers, cookie: await cookie(), ...origin && { origin } } })
    assert.equal(answer.status, 403, answer.text)
  }
  assert.equal(await stack.sql('share', `SELECT count(*) FROM share.conversation WHERE owner = '${user}'`), '0')
  await page.goto(`${stack.url}/account`)
  const slow = promisify(execFile)('curl', ['-sS', '--cacert', join(stack.dir, 'tls/ca.crt'), '-o', '/dev/null', '-w', '%{http_code}', '--limit-rate', '30k', '-H', `Cookie: ${await cookie()}`, '-H', `Origin: ${stack.url}`, '-F', 'file=@-;filename=kept.json', `${stack.url}/account/import`])
  slow.child.stdin.end(FIXTURE + ' '.repeat(45000))
  assert.equal((await slow).stdout, '200')
  await page.goto(`${stack.url}/account/import`)
  assert.equal(await page.locator('textarea').count(), 1)
  assert.equal(await stack.sql('share', `SELECT count(*) FROM share.conversation WHERE owner = '${user}'`), '3')
  await page.context().close()
})
