// m_pages - pages that work without JavaScript: a language by ?lang, cookie or browser, forms from our own pages alone, no host that somebody made up.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startStack } from '../lib/stack.mjs'
import { request } from '../lib/people.mjs'

let stack
before(async () => { stack = await startStack() })
after(() => stack?.stop())

const FORM = 'application/x-www-form-urlencoded'
const post = (body, headers = {}, path = '/account/language') => request(stack, 'POST', path, { raw: body, headers: { 'content-type': FORM, origin: stack.url, ...headers } })
const page = (path, headers) => request(stack, 'GET', path, { headers })
const speaks = (answer, language) => assert.match(answer.text, new RegExp(`<html lang="${language}">`))
const refused = (answer, status, code) => {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8')
  assert.match(answer.text, new RegExp(code))
  assert.equal(answer.headers['set-cookie'], undefined)
}

test('a page comes with all that keeps it to its reader', async () => {
  const answer = await page('/account')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8')
  assert.match(answer.headers['content-security-policy'], /^default-src 'none'; style-src( 'sha256-[A-Za-z0-9+/]{43}=')+; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.headers['referrer-policy'], 'no-referrer')
  assert.equal(answer.headers['x-content-type-options'], 'nosniff')
  assert.equal((await request(stack, 'HEAD', '/account')).text, '')
})

test('its language is that of ?lang, else the cookie, else the browser', async () => {
  speaks(await page('/account'), 'en')
  speaks(await page('/account', { 'accept-language': 'ko-KR,ko;q=0.9,en;q=0.8' }), 'ko')
  speaks(await page('/account?lang=en', { 'accept-language': 'ko' }), 'en')
  speaks(await page('/account?lang=xx', { 'accept-language': 'ko' }), 'ko')
  speaks(await page('/account', { cookie: '__Secure-madang_lang=ko' }), 'ko')
  speaks(await page('/account?lang=en', { cookie: '__Secure-madang_lang=ko', 'accept-language': 'ko' }), 'en')
  speaks(await page('/account', { cookie: 'a=b; __Secure-madang_lang=xx', 'accept-language': 'ko' }), 'ko')
})

test('a form is answered with a cookie and the page that follows, and nothing of it stands in a body', async () => {
  const answer = await post('to=ko')
  assert.equal(answer.status, 303)
  assert.equal(answer.headers.location, '/account')
  assert.deepEqual(answer.headers['set-cookie'], ['__Secure-madang_lang=ko; Path=/account; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax'])
  assert.equal(answer.text, '')
})

test('a form of another site, or of nobody who says so, is refused', async () => {
  const others = [
    { origin: 'https://evil.example' }, { origin: '' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' },
    { origin: '', referer: 'https://evil.example/' }, { origin: `${stack.url}.evil.example` }, { origin: stack.url.replace('https', 'http') },
    { origin: 'https://evil.example', host: 'evil.example' }, { origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' },
  ]
  for (const headers of others) refused(await post('to=ko', headers), 403, 'origin_refused')
  for (const headers of [{ origin: '', referer: `${stack.url}/account?x` }, { origin: 'null', 'sec-fetch-site': 'same-origin' }])
    assert.equal((await post('to=ko', headers)).status, 303)
})

test('a cookie is no reason to answer another site', async () => {
  const cookie = '__Secure-madang_lang=ko'
  refused(await page('/account', { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }), 403, 'origin_refused')
  refused(await page('/account', { cookie, origin: 'https://evil.example' }), 403, 'origin_refused')
  speaks(await page('/account', { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }), 'ko')
  refused(await page('/account', { cookie: `${cookie}; ${cookie}` }), 400, 'malformed')
})

test('what a form says is held against the same bounds as JSON', async () => {
  for (const body of ['', 'to=', 'to=x', 'to=kor', 'to=xx', 'other=ko', 'to=ko&to=ko', 'to=ko&to=en']) refused(await post(body), 400, 'invalid_argument')
  for (const body of ['to=%', 'to=%ff', 'to=k%00', Array.from({ length: 65 }, (_, i) => `a${i}=1`).join('&')]) refused(await post(body), 400, 'malformed')
  refused(await post('to=ko', { 'content-type': 'application/json' }), 415, 'unsupported_media')
  refused(await post('to=ko', { 'content-type': 'text/plain' }), 415, 'unsupported_media')
  refused(await post(`to=ko&more=${'x'.repeat(5000)}`), 413, 'too_large')
  assert.equal((await post('%74o=%6b%6F&unknown=a+b', { 'content-type': `${FORM}; charset=utf-8` })).status, 303)
})

test('a host that somebody made up stands in no answer', async () => {
  for (const headers of [{ host: 'evil.example' }, { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example', 'x-forwarded-proto': 'http' }]) {
    for (const answer of [await page('/account', headers), await post('to=ko', headers), await post('to=xx', headers)])
      assert.doesNotMatch(answer.text + JSON.stringify(answer.headers), /evil\.example/)
  }
})

test('why there is no page is said in its reader\'s language, with a code and a trace', async () => {
  const answer = await post('to=xx', { 'accept-language': 'ko', 'x-request-id': 'trace-of-a-form' })
  refused(answer, 400, 'invalid_argument')
  speaks(answer, 'ko')
  assert.match(answer.text, /trace-of-a-form/)
})
