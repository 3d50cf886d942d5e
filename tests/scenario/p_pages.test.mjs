// p_pages - people with a browser: they register, prove their address, sign in, set another password and sign out, without a line of
// JavaScript, in Korean and in English; what is refused comes back as the same form with words.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import axe from 'axe-core'
import { shows, startBrowser } from '../lib/browser.mjs'
import { secret, startOidcProvider } from '../lib/oauth_providers.mjs'
import { request } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { startSink } from '../lib/smtp_sink.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

const password = 'correct horse battery', fresh = 'another horse battery'
const NASTY = '"><script>alert(1)</script><img src=x onerror=alert(1)>\''
let stack, sink, browser, certs, oidc
before(async () => {
  const port = await freePorts(2), oidcPort = port + 1
  certs = mkdtempSync(join(tmpdir(), 'madang-pages-'))
  execFileSync(join(root, 'scripts/certs'), [certs])
  writeFileSync(join(certs, 'secret'), `${secret}\n`, { mode: 0o600 })
  sink = await startSink(port, '--starttls', join(certs, 'server.crt'), join(certs, 'server.key'))
  stack = await startStack({ env: {
    MADANG_AUTH_REGISTRATION: 'open', MADANG_AUTH_SMTP_URL: `smtp://127.0.0.1:${port}`, MADANG_AUTH_SMTP_CA: join(certs, 'ca.crt'), MADANG_AUTH_MAIL_FROM: 'gate@courtyard.example', MADANG_AUTH_MAIL_SITE: '마당',
    MADANG_FETCH_PLAIN: '1', MADANG_FETCH_INSIDE: '127.0.0.1', MADANG_FETCH_PORTS: `${oidcPort}`,
    MADANG_AUTH_OAUTH_OIDC_CLIENT_ID: 'madang', MADANG_AUTH_OAUTH_OIDC_CLIENT_SECRET: join(certs, 'secret'), MADANG_AUTH_OAUTH_OIDC_ISSUER: `http://127.0.0.1:${oidcPort}`, MADANG_AUTH_OAUTH_OIDC_LABEL: 'Oak <Gate>',
  } })
  oidc = await startOidcProvider(oidcPort, { client: 'madang', callback: `${stack.url}/api/v1/auth/oauth/oidc/callback`, people: {
    ivy: { email: 'ivy@example.org', email_verified: true, name: 'Ivy', preferred_username: 'ivy' }, jo: { email: 'jo@elsewhere.example', email_verified: false },
  } })
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await oidc?.stop()
  await stack?.stop()
  await sink?.stop()
  rmSync(certs, { recursive: true, force: true })
})

/** A browser of its own without JavaScript; whatever it loads comes from us, and its policy of contents stops nothing. */
async function opens(path, { locale = 'en-US', dark = false, wide = false, elsewhere = false } = {}) {
  const context = await browser.newContext({
    javaScriptEnabled: false, ignoreHTTPSErrors: true, locale, colorScheme: dark ? 'dark' : 'light', viewport: wide ? { width: 1280, height: 800 } : { width: 390, height: 780 },
  })
  const page = await context.newPage()
  if (elsewhere) await context.route(url => !url.href.startsWith(stack.url) && !url.href.startsWith(oidc.issuer), route => route.abort()) // fonts of theirs
  else page.on('request', one => assert.ok(one.url().startsWith(stack.url), one.url()))
  if (!elsewhere) page.on('console', message => assert.doesNotMatch(message.text(), /Content Security Policy|Refused to/))
  page.on('dialog', dialog => assert.fail(dialog.message()))
  await page.goto(stack.url + path)
  return page
}
/** A click returns with the first byte of the next page, of which the rest is still to come. */
const clicks = async link => { await link.click(); await link.page().waitForLoadState('domcontentloaded') }
const press = (page, name) => clicks(page.getByRole('button', { name, exact: true }))
const at = (page, path) => assert.equal(page.url(), stack.url + path)
const says = async (page, words) => assert.match(await page.locator('main').innerText(), words)
const cookies = async page => Object.fromEntries((await page.context().cookies()).map(cookie => [cookie.name, cookie]))

async function registers(page, email, nickname, more = {}) {
  await page.getByLabel(more.labels?.[0] ?? 'E-mail address').fill(email)
  await page.getByLabel(more.labels?.[1] ?? 'Password').fill(more.password ?? password)
  await page.getByLabel(more.labels?.[2] ?? 'Nickname').fill(nickname)
  await press(page, more.labels?.[3] ?? 'Register')
}
async function signsIn(page, email, word = password) {
  await page.goto(`${stack.url}/account/login`)
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(word)
  await press(page, 'Sign in')
}
/** A user with a proved address. */
async function isThere(nickname) {
  const email = `${nickname}@example.org`
  const post = (path, body) => request(stack, 'POST', `/api/v1/auth/${path}`, { body })
  assert.equal((await post('register', { email, password, nickname })).status, 202)
  assert.equal((await post('verify', { token: (await sink.next(email)).token })).status, 200)
  return email
}

test('somebody registers, proves the address, signs in and out', async () => {
  const page = await opens('/account')
  await shows(page, 'account-out')
  await clicks(page.getByRole('link', { name: 'Register' }))
  await shows(page, 'register')
  await registers(page, 'ann@example.org', 'ann', { password: 'short' })
  await says(page, /at least 8 characters/)
  assert.equal(await page.getByLabel('E-mail address').inputValue(), 'ann@example.org')
  assert.equal(await page.getByLabel('Nickname').inputValue(), 'ann')
  assert.equal(await page.getByLabel('Password').inputValue(), '')
  await shows(page, 'register-refused')
  await page.getByLabel('Password').fill(password)
  await press(page, 'Register')
  at(page, '/account/done?of=registered')
  await shows(page, 'registered')
  const mail = await sink.next('ann@example.org')
  await page.goto(mail.link)
  await page.reload() // as often as a scanner likes
  await shows(page, 'verify')
  await press(page, 'Confirm')
  at(page, '/account/done?of=verified')
  await clicks(page.getByRole('link', { name: 'Sign in' }))
  await page.getByLabel('E-mail address').fill('ann@example.org')
  await page.getByLabel('Password').fill('wrong horse battery')
  await press(page, 'Sign in')
  await says(page, /do not belong together/)
  assert.equal(await page.getByLabel('E-mail address').inputValue(), 'ann@example.org')
  await shows(page, 'login-refused')
  await page.getByLabel('Password').fill(password)
  await press(page, 'Sign in')
  at(page, '/account')
  await says(page, /ann@example\.org/)
  await shows(page, 'account-in')
  const kept = (await cookies(page))['__Secure-madang_page']
  assert.deepEqual([kept.path, kept.httpOnly, kept.secure, kept.sameSite], ['/account', true, true, 'Strict'])
  await page.reload()
  await says(page, /ann@example\.org/)
  assert.notEqual((await cookies(page))['__Secure-madang_page'].value, kept.value)
  await press(page, 'Sign out')
  at(page, '/account/done?of=signed_out')
  assert.equal((await cookies(page))['__Secure-madang_page'], undefined)
  await page.goto(`${stack.url}/account`)
  assert.doesNotMatch(await page.content(), /ann@example/)
  await page.context().close()
})

test('all of it in Korean, dark', async () => {
  const page = await opens('/account/register', { locale: 'ko-KR', dark: true })
  await shows(page, 'ko-register')
  await registers(page, 'bora@example.org', '보라', { labels: ['이메일 주소', '비밀번호', '닉네임', '가입하기'] })
  await shows(page, 'ko-registered')
  const mail = await sink.next('bora@example.org')
  assert.match(mail.text, /^안녕하세요/)
  await page.goto(mail.link)
  await shows(page, 'ko-verify')
  await press(page, '확인하기')
  await clicks(page.getByRole('link', { name: '로그인' }))
  await shows(page, 'ko-login')
  await page.getByLabel('이메일 주소').fill('bora@example.org')
  await page.getByLabel('비밀번호').fill(password)
  await press(page, '로그인')
  await says(page, /보라/)
  await shows(page, 'ko-account')
  await press(page, 'English')
  await says(page, /Signed in as/)
  await page.goto(`${stack.url}/account/reset?token=abc`)
  await press(page, '한국어')
  at(page, '/account/reset?token=abc')
  await says(page, /비밀번호 재설정/)
  await shows(page, 'ko-reset')
  await page.context().close()
})

test('a forgotten password becomes another one, by the link of a mail, once', async () => {
  const email = await isThere('cleo')
  const page = await opens('/account/login')
  await signsIn(page, email)
  const other = await opens('/account/login')
  await clicks(other.getByRole('link', { name: 'I have forgotten my password' }))
  await shows(other, 'reset-ask')
  await other.getByLabel('E-mail address').fill(email)
  await press(other, 'Send the mail')
  at(other, '/account/done?of=reset_asked')
  const { link } = await sink.next(email)
  await other.goto(link)
  await other.getByLabel('Password').fill('short')
  await press(other, 'Set the password')
  await says(other, /at least 8 characters/)
  await other.getByLabel('Password').fill(fresh)
  await shows(other, 'reset-set')
  await press(other, 'Set the password')
  at(other, '/account/done?of=reset')
  await other.goto(link)
  await other.getByLabel('Password').fill(fresh)
  await press(other, 'Set the password')
  await says(other, /used already/)
  await shows(other, 'reset-gone')
  await page.reload()
  assert.doesNotMatch(await page.content(), /cleo@example/) // whose session has ended
  await signsIn(other, email)
  await says(other, /do not belong together/)
  await signsIn(other, email, fresh)
  await says(other, /cleo@example\.org/)
  await Promise.all([page, other].map(one => one.context().close()))
})

test('an invitation is accepted on the page that its link opens, once', async () => {
  await stack.authctl('user', 'invite', 'han@example.org')
  const { link } = await sink.next('han@example.org')
  const page = await opens(link.slice(stack.url.length))
  await says(page, /You are invited/)
  await registers(page, 'han@example.org', 'ann', { password: 'short' })
  await says(page, /at least 8 characters/)
  await shows(page, 'invited')
  await page.getByLabel('Nickname').fill('han')
  await page.getByLabel('Password').fill(password)
  await press(page, 'Register')
  at(page, '/account/done?of=registered')
  await signsIn(page, 'han@example.org') // whoever was invited by mail has shown the address
  await says(page, /han@example\.org/)
  await page.goto(link)
  await registers(page, 'han2@example.org', 'han2')
  await says(page, /used already/)
  await page.context().close()
})

test('of two who want one nickname the second is asked for another on the page of the link', async () => {
  const post = body => request(stack, 'POST', '/api/v1/auth/register', { body: { password, nickname: 'twin', ...body } })
  for (const email of ['twin1@example.org', 'twin2@example.org']) assert.equal((await post({ email })).status, 202)
  const page = await opens('/account')
  for (const email of ['twin1@example.org', 'twin2@example.org']) {
    await page.goto((await sink.next(email)).link)
    await press(page, 'Confirm')
  }
  await says(page, /Choose another one/)
  await page.getByLabel('Nickname').fill('twin_two')
  await press(page, 'Confirm')
  at(page, '/account/done?of=verified')
  await page.context().close()
})

test('a mail signs in: by its code where it was asked for, by its link anywhere', async () => {
  const email = await isThere('dora')
  const page = await opens('/account/mail-login'), elsewhere = await opens('/account')
  const asks = async () => {
    await page.goto(`${stack.url}/account/mail-login`)
    await page.getByLabel('E-mail address').fill(email)
    await press(page, 'Send the mail')
    at(page, '/account/mail-login/code')
    return sink.next(email)
  }
  let mail = await asks()
  await shows(page, 'mail-code')
  await page.getByLabel('Code').fill(mail.code === '123456' ? '654321' : '123456')
  await press(page, 'Sign in')
  await says(page, /code is not right/)
  await page.getByLabel('Code').fill(mail.code)
  await press(page, 'Sign in')
  at(page, '/account')
  await says(page, /dora@example\.org/)
  mail = await asks()
  await elsewhere.goto(mail.link)
  await elsewhere.goto(mail.link)
  await shows(elsewhere, 'mail-link')
  await press(elsewhere, 'Sign in')
  at(elsewhere, '/account')
  await says(elsewhere, /dora@example\.org/)
  await Promise.all([page, elsewhere].map(one => one.context().close()))
})

test('somebody sees where they are signed in, ends one session, and all others', async () => {
  const email = await isThere('gus')
  const page = await opens('/account/login')
  await signsIn(page, email)
  const device = (await cookies(page))['__Secure-madang_device']
  assert.equal(device.path, '/account')
  const others = []
  for (const agent of ['Umbrella', `Two ${NASTY}`, 'Three']) others.push((await request(stack, 'POST', '/api/v1/auth/login', { body: { email, password }, headers: { 'user-agent': agent } })).json.data)
  const works = ({ access_token: token }) => request(stack, 'GET', '/api/v1/auth/me', { token }).then(answer => answer.status)
  await clicks(page.getByRole('link', { name: 'Where you are signed in' }))
  at(page, '/account/sessions')
  await shows(page, 'sessions')
  assert.equal(await page.locator('li').count(), 4)
  await says(page, /this browser/)
  await clicks(page.locator('li', { hasText: 'Umbrella' }).getByRole('button'))
  at(page, '/account/sessions')
  assert.equal(await page.locator('li').count(), 3)
  await until('the one has ended', async () => await works(others[0]) === 401)
  assert.equal(await works(others[1]), 200)
  await press(page, 'Sign out everywhere else')
  assert.equal(await page.locator('li').count(), 1)
  await until('the others have ended', async () => await works(others[1]) === 401 && await works(others[2]) === 401)
  await page.context().close()
  const stranger = await request(stack, 'GET', '/account/sessions')
  assert.equal(stranger.status, 401)
  assert.match(stranger.text, /href="\/account"/)
})

test('another address is proved by the link of its mail, and the former one is told', async () => {
  const email = await isThere('lea')
  const page = await opens('/account/email'), other = await opens('/account/login')
  await says(page, /Sign in/)
  for (const one of [page, other]) await signsIn(one, email)
  await clicks(page.getByRole('link', { name: 'Change your e-mail address' }))
  at(page, '/account/email')
  await page.getByLabel('New e-mail address').fill('lea@nowhere')
  await press(page, 'Send the mail')
  await says(page, /That is no e-mail address/)
  await shows(page, 'email-refused')
  await page.getByLabel('New e-mail address').fill('lea@new.example.org')
  await press(page, 'Send the mail')
  at(page, '/account/done?of=email_asked')
  const { link } = await sink.next('lea@new.example.org')
  const elsewhere = await opens(link.slice(stack.url.length))
  await elsewhere.reload()
  await shows(elsewhere, 'email-confirm')
  await press(elsewhere, 'Confirm')
  at(elsewhere, '/account/done?of=email_changed')
  assert.match((await sink.next(email)).text, /was changed to another one/)
  await elsewhere.goto(link)
  await press(elsewhere, 'Confirm')
  await says(elsewhere, /used already/)
  await signsIn(elsewhere, 'lea@new.example.org')
  await says(elsewhere, /lea@new\.example\.org/)
  await Promise.all([page, other, elsewhere].map(one => one.context().close()))
})

test('a password is changed by who knows it', async () => {
  const email = await isThere('moe')
  const page = await opens('/account/login')
  await signsIn(page, email)
  await clicks(page.getByRole('link', { name: 'Change your password' }))
  const changes = async (present, next) => {
    await page.getByLabel('Present password').fill(present)
    await page.getByLabel('New password').fill(next)
    await press(page, 'Set the password')
  }
  await changes('wrong horse battery', fresh)
  await says(page, /not your present password/)
  await changes(password, 'password1!')
  await says(page, /one of the first/)
  await shows(page, 'password-weak')
  await changes(password, fresh)
  at(page, '/account/done?of=password_changed')
  await press(await page.goto(`${stack.url}/account`).then(() => page), 'Sign out')
  await signsIn(page, email, fresh)
  await says(page, /moe@example\.org/)
  await page.context().close()
})

test('an account that was deleted is had back by the link of the mail, or by its password', async () => {
  const email = await isThere('pia')
  const page = await opens('/account/login')
  const deletes = async () => {
    await signsIn(page, email)
    await clicks(page.getByRole('link', { name: 'Delete your account' }))
    await shows(page, 'delete')
    await press(page, 'Delete the account')
    at(page, '/account/done?of=deleted')
    assert.equal((await cookies(page))['__Secure-madang_page'], undefined)
    return sink.next(email, /will be deleted/)
  }
  const { link } = await deletes()
  await signsIn(page, email)
  await says(page, /do not belong together/)
  await page.goto(link)
  await page.reload() // as a scanner does
  await shows(page, 'undelete')
  await press(page, 'Have it back')
  at(page, '/account/done?of=undeleted')
  assert.match((await sink.next(email, /stays/)).text, /taken back/)
  await page.goto(link)
  await press(page, 'Have it back')
  await says(page, /used already/)
  const second = await deletes()
  await clicks(page.getByRole('link', { name: 'Have your account back' }))
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill('wrong horse battery')
  await press(page, 'Have it back')
  await says(page, /do not belong together/)
  await page.getByLabel('Password').fill(password)
  await press(page, 'Have it back')
  at(page, '/account')
  await says(page, /pia@example\.org/)
  await page.goto(second.link) // which is over with that
  await press(page, 'Have it back')
  await says(page, /used already/)
  await page.context().close()
})

/** At npm's oidc-provider, without scripts. */
async function signsInThere(page, name) {
  await page.waitForURL(`${oidc.issuer}/**`)
  await page.locator('input[name=login]').fill(name)
  await page.locator('input[name=password]').fill('x')
  await clicks(page.locator('button[type=submit], input[type=submit]').first())
  await clicks(page.locator('button[type=submit], input[type=submit]').first()) // consent
  await page.waitForURL(`${stack.url}/account/oauth?**`)
}

test('somebody signs in by another provider, links one more account and unlinks it, with links and buttons alone', async () => {
  const page = await opens('/account/register', { elsewhere: true })
  assert.equal(await page.getByRole('link', { name: 'Continue with Oak <Gate>' }).count(), 1)
  await page.goto(`${stack.url}/account/login`)
  await shows(page, 'login-providers')
  await clicks(page.getByRole('link', { name: 'Continue with Oak <Gate>' }))
  await signsInThere(page, 'ivy')
  await shows(page, 'oauth-back')
  const back = page.url()
  await press(page, 'Continue')
  at(page, '/account')
  await says(page, /ivy@example\.org/)
  await page.goto(back) // the code is good once
  await press(page, 'Continue')
  await says(page, /used already/)
  await page.goto(`${stack.url}/account`)
  await clicks(page.getByRole('link', { name: 'Sign in with other accounts' }))
  at(page, '/account/identities')
  assert.equal(await page.locator('li').count(), 1)
  await shows(page, 'identities')
  await page.context().close()

  const email = await isThere('hal')
  const own = await opens('/account/login', { elsewhere: true })
  await signsIn(own, email)
  await own.goto(`${stack.url}/account/identities`)
  await clicks(own.getByRole('link', { name: 'Link Oak <Gate>' }))
  await signsInThere(own, 'jo')
  await shows(own, 'link-back')
  await press(own, 'Link it')
  at(own, '/account/identities')
  assert.match(await own.locator('li').innerText(), /jo@elsewhere/)
  const linked = await sink.next(email)
  assert.match(linked.subject, /Oak <Gate> signs in to your account/)
  await press(own, 'Unlink')
  at(own, '/account/identities')
  assert.equal(await own.locator('li').count(), 0)
  assert.match((await sink.next(email)).subject, /no longer signs in/)
  const refused = await opens(`/account/oauth?error=provider_refused`)
  await says(refused, /did not sign in there/)
  await Promise.all([own, refused].map(one => one.context().close()))
})

test('who signed in a while ago proves again who they are, by whatever they have, and goes on with what they began', async () => {
  const email = await isThere('kim')
  const page = await opens('/account/login', { elsewhere: true })
  const sessions = () => stack.sql('auth', "SELECT count(*) FROM auth.session s JOIN auth.account a ON a.id = s.account_id WHERE a.nickname IN ('kim', 'jo') AND NOT s.pending")
  const passes = () => stack.sql('auth', "UPDATE auth.session SET authenticated_at = now() - interval '11 minutes'")
  await signsIn(page, email)
  for (const path of ['/account/factors', '/account/email', '/account/identities', '/account/export', '/account/delete']) {
    await passes()
    await page.goto(stack.url + path)
    at(page, `/account/prove?to=${path.split('/')[2]}`)
    await page.getByLabel('Present password').fill(password)
    await press(page, 'Continue')
    at(page, path)
    assert.equal(await sessions(), '1') // in the place of the one before
  }
  await page.goto(`${stack.url}/account`)
  at(page, '/account') // what was wanted is done
  await passes()
  await page.goto(`${stack.url}/account/delete`)
  await shows(page, 'prove')
  await page.getByLabel('Present password').fill('wrong horse battery')
  await press(page, 'Continue')
  await says(page, /do not belong together/)
  await page.getByLabel('Password').fill(password)
  await press(page, 'Sign in')
  at(page, '/account/delete')
  // The page was there before the ten minutes were over.
  await passes()
  await press(page, 'Delete the account')
  await says(page, /within the last ten minutes/)
  await clicks(page.getByRole('link', { name: 'Confirm that it is you' }))

  // Without a password: by a code that is mailed.
  await stack.sql('auth', "UPDATE auth.account SET password = NULL WHERE nickname = 'kim'")
  await page.reload()
  assert.equal(await page.getByLabel('Present password').count(), 0)
  await press(page, 'Send the mail')
  await page.getByLabel('Code from the mail').fill((await sink.next(email)).code)
  await press(page, 'Sign in')
  at(page, '/account/delete')
  assert.equal(await sessions(), '1')
  // By another provider.
  await page.goto(`${stack.url}/account/identities`)
  await clicks(page.getByRole('link', { name: 'Link Oak <Gate>' }))
  await signsInThere(page, 'jo')
  await press(page, 'Link it')
  at(page, '/account/identities')
  await passes()
  await page.goto(`${stack.url}/account/delete`)
  await clicks(page.getByRole('link', { name: 'Continue with Oak <Gate>' }))
  await page.waitForURL(`${stack.url}/account/oauth?**`) // it knows them still
  await press(page, 'Continue')
  at(page, '/account/delete')
  assert.equal(await sessions(), '1')
  // Another's word for what follows leads nowhere else.
  await page.goto(`${stack.url}/account/prove?to=//evil.example`)
  await page.goto(`${stack.url}/account`)
  at(page, '/account')

  // And deleted, it is had back by what there is.
  const deletes = async () => {
    await page.goto(`${stack.url}/account/delete`)
    await press(page, 'Delete the account')
    at(page, '/account/done?of=deleted')
    return sink.next(email, /will be deleted/)
  }
  await deletes()
  await page.goto(`${stack.url}/account/login`)
  await clicks(page.getByRole('link', { name: 'Continue with Oak <Gate>' }))
  await page.waitForURL(`${stack.url}/account/oauth?**`)
  await press(page, 'Continue')
  await says(page, /about to be deleted/)
  await clicks(page.getByRole('link', { name: 'Have your account back' }))
  await shows(page, 'undelete-ways')
  await clicks(page.getByRole('link', { name: 'Continue with Oak <Gate>' }))
  await page.waitForURL(`${stack.url}/account/oauth?**`)
  await press(page, 'Have it back')
  at(page, '/account')
  await says(page, /kim@example\.org/)
  const { link: former } = await deletes()
  await clicks(page.getByRole('link', { name: 'Have your account back' }))
  await clicks(page.getByRole('link', { name: 'Have a link mailed' }))
  await page.getByLabel('E-mail address').fill(email)
  await press(page, 'Send the mail')
  const { link } = await sink.next(email, /is about to be deleted/)
  await page.goto(former)
  await press(page, 'Have it back')
  await says(page, /newer one/)
  await page.goto(link)
  await press(page, 'Have it back')
  at(page, '/account/done?of=undeleted')
  await page.context().close()
})

/** Dark, language, wide: colours and structure are looked at in the first two, widths in all. */
const LOOKS = [[false, 'en', false], [true, 'ko', true], [false, 'ko', false], [true, 'en', true]]
const aToken = 'x'.repeat(43)
const OPEN_PAGES = ['', '/login', '/register', '/verify', `/verify?token=${aToken}`, '/reset', `/reset?token=${aToken}`, '/mail-login', `/mail-login?token=${aToken}`, '/mail-login/code',
  '/factor', '/undelete', `/undelete?token=${aToken}`, `/email?token=${aToken}`, '/done?of=registered', '/oauth?error=provider_refused', `/oauth?code=${aToken}`, `/oauth?code=${aToken}&returns=true`, '/prove', '/nowhere']
const OWN_PAGES = ['', '/sessions', '/factors', '/factors/app', '/email', '/password', '/export', '/delete', '/identities', `/oauth?code=${aToken}&link=true`]

test('every page is one that assistive programs can read, light and dark, in both languages, on a phone and on a desk', async () => {
  const context = await browser.newContext({ bypassCSP: true, ignoreHTTPSErrors: true, locale: 'en-US' })
  const page = await context.newPage()
  const faults = []
  async function looksAt(path, name, [dark, lang, wide]) {
    if (dark === wide) await page.evaluate(axe.source)
    const { violations } = dark !== wide ? { violations: [] } :
      await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] }))
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    for (const { id, nodes } of violations) faults.push(`${path} ${[dark && 'dark', lang, wide && 'wide'].filter(Boolean).join(' ')}: ${id}: ${nodes.map(node => node.target.join(' ')).join(', ')}`)
    if (sideways > 0) faults.push(`${path} ${lang}: ${sideways} pixels too wide`)
    await shows(page, `look-${name}-${dark ? 'dark' : 'light'}-${lang}-${wide ? 'wide' : 'narrow'}`)
  }
  async function walks(paths, who, each = async () => {}) {
    for (const look of LOOKS) {
      const [dark, lang, wide] = look
      await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' })
      await page.setViewportSize(wide ? { width: 1280, height: 800 } : { width: 360, height: 740 })
      for (const path of paths) {
        const { pathname, search } = new URL(`/account${path}`, stack.url)
        await page.goto(`${stack.url}${pathname}${search}${search ? '&' : '?'}lang=${lang}`)
        await looksAt(path, `${who}${pathname.replaceAll('/', '-')}${search && '-asked'}`, look)
      }
      await each(look)
    }
  }
  const email = await isThere('zoe')
  await walks(OPEN_PAGES, 'open', async look => {
    await page.goto(`${stack.url}/account/register?lang=${look[1]}`)
    await page.locator('input[name=email]').fill('zoe@example')
    await page.locator('input[name=password]').fill('password')
    await page.locator('input[name=nickname]').fill('zoe')
    await clicks(page.locator('main form:has(input[name=email]) button'))
    await looksAt('/register refused', 'refused', look)
  })
  await signsIn(page, email)
  await page.goto(`${stack.url}/account/factors?lang=en`)
  await press(page, 'Add an app')
  at(page, '/account/factors/app')
  await walks(OWN_PAGES, 'own')
  await stack.sql('auth', "UPDATE auth.session SET authenticated_at = now() - interval '11 minutes'")
  await walks(['/prove?to=delete'], 'older')
  assert.deepEqual(faults, [])
  await context.close()
})

test('a sign-in on a device that is new is told by mail, and on one that is known is not; the first one is not', async () => {
  const email = await isThere('rio'), subject = /new sign-in/
  const page = await opens('/account/login')
  await signsIn(page, email)
  const device = (await cookies(page))['__Secure-madang_device']
  assert.deepEqual([device.path, device.httpOnly, device.secure, device.sameSite], ['/account', true, true, 'Strict'])
  await press(page, 'Sign out')
  await signsIn(page, email)
  assert.equal((await cookies(page))['__Secure-madang_device'].value, device.value)
  const login = (body, headers) => request(stack, 'POST', '/api/v1/auth/login', { body: { email, password, ...body }, headers })
  const { device_token } = (await login({})).json.data
  const mail = await sink.next(email, subject)
  assert.match(mail.text, /from a device that we did not know/)
  assert.equal(new URL(mail.link).pathname, '/account/sessions')
  await login({ device_token })
  const kept = String((await login({ cookie: true, device_token: 'x' }, { origin: stack.url })).headers['set-cookie'])
  assert.match(kept, /__Secure-madang_device_api=[\w-]{43}; Path=\/api\/v1\/auth; Max-Age=31536000; HttpOnly; Secure; SameSite=Strict/)
  await sink.next(email, subject)
  const known = await login({ cookie: true }, { origin: stack.url, cookie: /__Secure-madang_device_api=[^;]+/.exec(kept)[0] })
  assert.deepEqual([known.status, known.json.data.device_token], [200, undefined])
  await stack.authctl('user', 'reset-password', email) // a mail behind those that there would be
  await sink.next(email, /password/)
  assert.equal(sink.mails.filter(one => one.to[0] === email && subject.test(one.subject)).length, 2)
  await page.context().close()
})

/** What a ZIP has, as another program reads it: [name, text]. */
const opensZip = path => Object.entries(JSON.parse(execFileSync('python3', ['-c', `import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps({i.filename: z.read(i).decode() for i in z.infolist()}))`, path], { encoding: 'utf8', maxBuffer: 1 << 28 })))

test('what is one\'s own is had as an archive that other programs open: all of it, by time, with its files, and with why one is not among them', async () => {
  const email = await isThere('ned')
  const call = async (method, path, token, body, more) => {
    const answer = await request(stack, method, `/api/v1/${path}`, { token, body, ...more })
    assert.ok(answer.status < 300, answer.text)
    return answer.json?.data
  }
  const { access_token: token, user: ned } = await call('POST', 'auth/login', undefined, { email, password })
  const { access_token: others, user: nan } = await call('POST', 'auth/login', undefined, { email: await isThere('nan'), password })
  const { id: room } = await call('POST', 'rooms', others, { name: 'a room of hers' })
  await call('POST', `rooms/${room}/members`, others, { members: [ned.id] })
  await call('POST', `rooms/${room}/messages`, others, { id: 'hers-0001', body: 'not his' })
  await call('POST', `rooms/${room}/messages`, token, { id: 'his-00001', body: '제가 쓴 글 </script>' })
  await call('POST', `rooms/${room}/reactions`, token, { seq: 1, emoji: '👍' })
  const { id: shut } = await call('POST', 'rooms', others, { name: 'a room that he asks for', knocks: true })
  await call('POST', `rooms/${shut}/knocks`, token, { text: 'it is me' })
  await call('POST', `rooms/${room}/scheduled`, token, { id: 'his-later', body: '내일 쓸 글', send_at: Date.now() + 86400000 })
  await call('PUT', `rooms/${room}/draft`, token, { body: '쓰다 만 글' })
  await call('PUT', `friends/${nan.id}/block`, token)
  await call('POST', 'friends', (await call('POST', 'auth/login', undefined, { email: await isThere('asks'), password })).access_token, { subject: ned.id })
  const { id: talk } = await call('POST', 'conversations', token, { name: 'a talk', data: { said: ['hallo'] } })
  await call('PUT', `conversations/${talk}`, token, { name: 'a talk', data: { said: ['hello'] } })
  await stack.sql('store', `WITH rooms AS (INSERT INTO store.room_head SELECT gen_random_uuid(), 150 FROM generate_series(1, 3) RETURNING room_id)
    INSERT INTO store.message (room_id, seq, id, sender, body, at) SELECT room_id, n, md5(n::text), '${ned.id}', 'said at ' || n, now() - interval '1 day' + n * interval '1 s' FROM rooms, generate_series(1, 150) n`)
  const sends = (name, content) => call('POST', 'media', token, undefined, { headers: { 'content-type': 'multipart/form-data; boundary=x' },
    raw: Buffer.concat([Buffer.from(`--x\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n--x--\r\n')]) })
  const kept = [await sends('하나 & two.txt', 'the first text'), await sends('..', 'the second text')]
  const broken = await sends('broken.png', Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(200, 7)]))
  await until('it is no image', async () => (await call('GET', `media/${broken.id}`, token)).state === 'refused')

  function isWhole(entries, rooms = [room]) {
    const files = Object.fromEntries(entries), json = name => JSON.parse(files[`${name}.json`])
    assert.deepEqual([json('account').user.email, json('rooms').map(one => one.id), json('friends'), json('blocked').map(one => one.subject)], [email, rooms, [], [nan.id]])
    assert.deepEqual([json('knocks').map(one => one.text), json('scheduled').map(one => one.body), json('drafts').map(one => one.body)], [['it is me'], ['내일 쓸 글'], ['쓰다 만 글']])
    assert.deepEqual(json('notifications').map(one => one.kind), ['friend_request'])
    const messages = json('messages')
    assert.equal(messages.length, 451)
    assert.deepEqual(messages.map(one => one.at), messages.map(one => one.at).sort((a, b) => a - b))
    assert.deepEqual([messages.at(-1).body, messages[0].body], ['제가 쓴 글 </script>', 'said at 1'])
    assert.deepEqual(json('reactions').map(({ room, seq, emoji }) => [room, seq, emoji]), [[room, 1, '👍']])
    assert.deepEqual(json('conversations').map(one => one.data), [{ said: ['hello'] }])
    assert.deepEqual(json('versions').map(one => [one.conversation, one.data]), [[talk, { said: ['hallo'] }]])
    assert.deepEqual(json('media').map(one => [one.id, one.left_out]), [...kept.map(one => [one.id, undefined]), [broken.id, 'refused']])
    assert.deepEqual(Object.keys(files).filter(name => name.startsWith('media/')), [`media/${kept[0].id}-하나___two.txt`, `media/${kept[1].id}-${kept[1].name}`])
    assert.deepEqual(kept.map(one => Object.entries(files).find(([name]) => name.includes(one.id))[1]), ['the first text', 'the second text'])
  }
  async function visits(options) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-US', ...options }), page = await context.newPage()
    page.on('console', message => { if (!options) assert.doesNotMatch(message.text(), /Content Security Policy|Refused to/) })
    await signsIn(page, email)
    return page
  }
  const page = await visits()
  await clicks(page.getByRole('link', { name: 'Take your data along' }))
  at(page, '/account/export')
  await shows(page, 'export')
  const coming = page.waitForEvent('download', { timeout: 120000 })
  await page.getByRole('button', { name: 'Make the archive' }).click()
  const download = await coming
  assert.equal(download.suggestedFilename(), 'account-1.zip')
  isWhole(opensZip(await download.path()))
  await page.getByText('The archive is among your downloads.').waitFor()
  await shows(page, 'export-done')

  // In parts, through what comes between: a rate that is used up, a service that is away, a signature that is over, a policy without rooms.
  const parted = await visits({ bypassCSP: true }), between = { '/account/export/messages': 429, '/account/export/media': 503, [`/media/${kept[1].id}/`]: 403, '/account/export/rooms': 403 }, downloads = []
  await parted.route('**/*', async route => {
    const path = Object.keys(between).find(one => new URL(route.request().url()).pathname.startsWith(one))
    if (path) {
      const status = between[path]
      delete between[path]
      return route.fulfill({ status, headers: { 'retry-after': '1' }, json: { error: { code: 'forbidden' } } })
    }
    if (!route.request().url().endsWith('/account/export')) return route.continue()
    const response = await route.fetch()
    return route.fulfill({ response, body: (await response.text()).replace('1 << 29', '1 << 13') })
  })
  parted.on('download', one => downloads.push(one))
  await parted.goto(`${stack.url}/account/export`)
  await parted.getByRole('button', { name: 'Make the archive' }).click()
  await parted.getByText('The archive is among your downloads.').waitFor({ timeout: 120000 })
  assert.deepEqual(between, {})
  const openedParts = () => Promise.all(downloads.map(async one => opensZip(await one.path())))
  await until('the last part is there', async () => (await openedParts()).some(entries => entries.at(-1)[0] === 'media.json'))
  assert.ok(downloads.length >= 3)
  assert.deepEqual(downloads.map(one => one.suggestedFilename()).sort(), downloads.map((_, i) => `account-${i + 1}.zip`))
  isWhole((await openedParts()).flat(), [])

  // A page that has stood for a while asks for a proof, and nobody else has anything of it.
  await stack.sql('auth', `UPDATE auth.session SET authenticated_at = now() - interval '11 minutes' WHERE account_id = '${ned.id}'`)
  await page.getByRole('button', { name: 'Make the archive' }).click()
  await page.waitForURL('**/account/prove?to=export')
  const cookie = (await cookies(page))['__Secure-madang_page'].value
  for (const list of ['account', 'rooms', 'friends', 'knocks', 'scheduled', 'notifications', 'drafts', 'messages', 'reactions', 'conversations', 'versions', 'media', 'urls']) {
    const asks = headers => request(stack, 'POST', `/account/export/${list}`, { body: { ids: [kept[0].id] }, headers })
    assert.equal((await asks({ origin: stack.url })).status, 401, list)
    assert.equal((await asks({ cookie: `__Secure-madang_page=${cookie}`, origin: 'https://evil.example' })).json.error.code, 'origin_refused', list)
    assert.equal((await asks({ cookie: `__Secure-madang_page=${cookie}` })).json.error.code, 'origin_refused', list)
  }
  for (const one of [page, parted]) await one.context().close()
})

test('in Korean, wide and dark, the pages of an account', async () => {
  const email = await isThere('sol')
  const page = await opens('/account/login', { locale: 'ko-KR', dark: true, wide: true })
  await page.getByLabel('이메일 주소').fill(email)
  await page.getByLabel('비밀번호').fill(password)
  await shows(page, 'ko-wide-login')
  await press(page, '로그인')
  for (const [path, words] of Object.entries({ '': /내 계정/, '/factors': /패스키/, '/email': /새 이메일 주소/, '/password': /현재 비밀번호/, '/identities': /Oak <Gate> 연결하기/, '/delete': /14일/, '/undelete': /되돌리기/, '/factor': /6자리/ })) {
    await page.goto(`${stack.url}/account${path}`)
    await says(page, words)
    await shows(page, `ko-wide${path.replace('/', '-')}`)
  }
  await page.goto(`${stack.url}/account/factors`)
  await press(page, '인증 앱 추가')
  at(page, '/account/factors/app')
  await shows(page, 'ko-wide-app')
  await page.context().close()
})

test('the first administrator registers by a link that is printed, once, while there is none', async () => {
  const prints = () => execFileSync(join(root, 'scripts/first-admin'), [stack.dir], { encoding: 'utf8', env: { PATH: process.env.PATH, BIN: process.env.BIN ?? 'build/bin' } }).trim()
  const link = prints(), other = prints()
  assert.match(link, new RegExp(`^${stack.url}/account/register\\?token=[\\w-]{43}$`))
  assert.notEqual(link, other)
  const page = await opens(link.slice(stack.url.length))
  await page.reload()
  await registers(page, 'root@example.org', 'root')
  at(page, '/account/done?of=registered')
  await page.goto((await sink.next('root@example.org')).link)
  await press(page, 'Confirm')
  const { json } = await request(stack, 'POST', '/api/v1/auth/login', { body: { email: 'root@example.org', password } })
  assert.equal(json.data.user.policy, 'admin')
  assert.equal((await request(stack, 'GET', '/api/v1/admin/users', { token: json.data.access_token })).status, 200)
  await page.goto(link)
  await registers(page, 'root2@example.org', 'root2')
  await says(page, /used already/)
  assert.equal(prints(), '') // there is one
  const tokens = [link, other].map(one => new URL(one).searchParams.get('token'))
  assert.equal(await stack.sql('auth', `SELECT count(*) FROM auth.single_use WHERE purpose = 'invite' AND expires_at <= now() + interval '1 hour'`), '2')
  for (const token of tokens) assert.throws(() => execFileSync('grep', ['-rqF', '-e', token, join(stack.dir, 'log')]), { status: 1 })
  await page.context().close()
})

test('an unknown address is answered as a known one with a wrong password is', async () => {
  const email = await isThere('ella')
  const send = fields => request(stack, 'POST', '/account/login', { raw: String(new URLSearchParams(fields)), headers: form() })
  const plain = answer => answer.text.replaceAll(/[\w.]+@example\.org/g, '')
  const [known, unknown] = [await send({ email, password: 'wrong' }), await send({ email: 'nobody@example.org', password: 'wrong' })]
  assert.deepEqual([known.status, unknown.status], [401, 401])
  assert.equal(plain(known), plain(unknown))
  assert.equal(known.headers['set-cookie'], undefined)
})

const form = (headers = {}) => ({ 'content-type': 'application/x-www-form-urlencoded', origin: stack.url, ...headers })
const send = (path, fields, headers) => request(stack, 'POST', path, { raw: String(new URLSearchParams(fields)), headers: form(headers) })
/** The one script that there is, whole: what is behind it is another's. */
const withoutOurs = html => html.replace(/<script>'use strict';\(\(\)=>\{[^<]*\}\)\(\)<\/script>/, '')
/** The forms of the contract, with a field of each kind. */
const FORMS = ['login', 'register', 'verify', 'verify/resend', 'reset', 'reset/confirm', 'mail-login', 'mail-login/ask', 'mail-login/code', 'logout', 'sessions/end', 'sessions/end-others', 'factor', 'factors/remove', 'factors/app/begin', 'factors/app', 'factors/codes', 'email', 'email/confirm', 'password', 'delete', 'undelete', 'undelete/password', 'identities/unlink', 'oauth', 'oauth/link'].map(name => `/account/${name}`)

test('a form of another site does nothing, whatever cookies the browser brings', async () => {
  for (const path of FORMS) {
    for (const headers of [{ origin: 'https://evil.example' }, { origin: '' }, { 'sec-fetch-site': 'cross-site' }]) {
      const answer = await send(path, { email: 'ann@example.org', password, token: 'x', code: '123456' }, { cookie: '__Secure-madang_page=x', ...headers })
      assert.equal(answer.status, 403, path)
      assert.match(answer.text, /origin_refused/)
      assert.equal(answer.headers['set-cookie'], undefined)
    }
  }
})

test('what is typed or stands in a link is shown as it is, and never runs', async () => {
  for (const path of FORMS) {
    const answer = await send(path, { email: NASTY, password: NASTY, nickname: NASTY, name: NASTY, token: NASTY, invitation: NASTY, code: NASTY })
    assert.ok(answer.status >= 400, `${path} ${answer.status}`)
    assert.doesNotMatch(withoutOurs(answer.text), /<script|<img/i, path)
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8')
  }
  for (const name of ['login', 'register', 'verify', 'reset', 'mail-login', 'mail-login/code', 'done', 'factor', 'email', 'undelete', 'oauth'])
    for (const field of ['token', 'email', 'nickname', 'name', 'invitation', 'refused', 'refused_field', 'of', 'lang', 'code', 'error'])
      assert.doesNotMatch(withoutOurs((await request(stack, 'GET', `/account/${name}?${field}=${encodeURIComponent(NASTY)}`)).text), /<script|<img/i)
  const page = await opens(`/account/register?email=${encodeURIComponent(NASTY)}`)
  assert.equal(await page.getByLabel('E-mail address').inputValue(), NASTY)
  await page.context().close()
  const login = await request(stack, 'GET', '/account/login?refused=credentials_invalid&email=a%40b.c')
  assert.doesNotMatch(login.text, /id="refused"/) // a link says nothing in our name
  for (const where of ['//evil.example', 'https://evil.example', '/account/\\evil', '/accounts', '/account\r\nX: y', 'javascript:alert(1)'])
    assert.equal((await send('/account/language', { to: 'ko', at: where })).headers.location, '/account')
})

test('passwords and codes come back in no page', async () => {
  for (const path of FORMS) {
    const answer = await send(path, { email: 'not an address', password: 'secret-of-mine', code: 'secret-of-mine', token: 'x', nickname: 'n' })
    assert.doesNotMatch(answer.text, /secret-of-mine/, path)
  }
})

test('no link of a mail leads to JSON, nor does any path below /account', async () => {
  const kinds = readFileSync(join(root, 'services/auth/mail/kinds.def'), 'utf8')
  const paths = [...kinds.matchAll(/^MAIL\((\w+),.*?"(\/[^"]*)"/gm)].map(([, kind, path]) => [kind, path])
  assert.ok(paths.length >= 10)
  for (const [kind, path] of paths) {
    const answer = await request(stack, 'GET', `${path}?token=${'x'.repeat(43)}`)
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8', kind)
    assert.ok(answer.status < 400 || path === '/account/sessions', `${kind} ${path} ${answer.status}`)
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(answer.headers['referrer-policy'], 'no-referrer')
  }
  const nowhere = await request(stack, 'GET', '/account/nowhere')
  assert.deepEqual([nowhere.status, nowhere.headers['content-type']], [404, 'text/html; charset=utf-8'])
})

test('the pages\' cookie opens pages alone, is replaced with each use, and ends with its session', async () => {
  const email = await isThere('fay')
  const login = await send('/account/login', { email, password })
  assert.equal(login.status, 303)
  assert.equal(login.text, '')
  const valueOf = answer => /__Secure-madang_page=([^;]*)/.exec(String(answer.headers['set-cookie']))?.[1]
  const visit = value => request(stack, 'GET', '/account', { headers: { cookie: `__Secure-madang_page=${value}` } })
  const first = valueOf(login)
  assert.equal((await request(stack, 'GET', '/api/v1/auth/me', { headers: { cookie: `__Secure-madang_page=${first}` } })).status, 401)
  const second = await visit(first)
  assert.match(second.text, /fay@example\.org/)
  assert.doesNotMatch(second.text + JSON.stringify(second.headers), /eyJ/) // no access token
  const again = await visit(first) // its answer was lost
  assert.equal(valueOf(again), valueOf(second))
  const forged = await visit(first.replace(/.$/, c => c === 'A' ? 'B' : 'A'))
  assert.doesNotMatch(forged.text, /fay@/)
  assert.equal(valueOf(forged), '')
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }]) {
    const refused = await request(stack, 'GET', '/account', { headers: { cookie: `__Secure-madang_page=${valueOf(second)}`, ...headers } })
    assert.equal(refused.status, 403)
    assert.equal(valueOf(refused), undefined)
  }
  const out = await request(stack, 'POST', '/account/logout', { raw: '', headers: form({ cookie: `__Secure-madang_page=${valueOf(second)}` }) })
  assert.equal(out.status, 303, out.text)
  assert.equal(valueOf(out), '')
  assert.doesNotMatch((await visit(valueOf(second))).text, /fay@/)
})
