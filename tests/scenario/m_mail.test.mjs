// m_mail - what is mailed: to whom, what it opens, once; and nobody learns from it who has an account.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { request } from '../lib/people.mjs'
import { freePorts } from '../lib/ports.mjs'
import { startSink } from '../lib/smtp_sink.mjs'
import { bin, root, startStack } from '../lib/stack.mjs'
import { pause, until } from '../lib/wait.mjs'

const password = 'correct horse battery', mailPassword = 'mail "server\\ päss'
let stack, sink, certs
before(async () => {
  certs = mkdtempSync(join(tmpdir(), 'madang-mail-'))
  execFileSync(join(root, 'scripts/certs'), [certs])
  writeFileSync(join(certs, 'password'), `${mailPassword}\n`, { mode: 0o600 })
  const port = await freePorts()
  sink = await startSink(port, '--starttls', join(certs, 'server.crt'), join(certs, 'server.key'), '--login', 'courtyard', mailPassword)
  stack = await startStack({
    env: {
      MADANG_AUTH_REGISTRATION: 'open', MADANG_AUTH_SMTP_URL: `smtp://127.0.0.1:${port}`, MADANG_AUTH_SMTP_CA: join(certs, 'ca.crt'),
      MADANG_AUTH_SMTP_USER: 'courtyard', MADANG_AUTH_SMTP_PASSWORD: join(certs, 'password'), MADANG_AUTH_MAIL_FROM: 'gate@courtyard.example',
      MADANG_AUTH_MAIL_SITE: '마당 <&"test\'>',
    },
  })
})
after(async () => {
  await stack?.stop()
  await sink?.stop()
  rmSync(certs, { recursive: true, force: true })
})

const post = (path, body, more) => request(stack, 'POST', `/api/v1/auth/${path}`, { body, ...more })
const refused = (answer, status, code) => { assert.equal(answer.status, status, answer.text); assert.equal(answer.json.error.code, code, answer.text) }
const database = () => `host=${stack.dir}/pg-socket dbname=madang user=madang_auth passfile=${stack.dir}/secrets/auth.pgpass`
const sql = text => execFileSync('psql', ['-AtqX', '-c', `SET search_path TO auth; ${text}`, database()], { encoding: 'utf8' }).trim()

const registers = (nickname, more = {}) => post('register', { email: `${nickname}@example.org`, password, nickname, ...more })
async function isThere(nickname, more = {}) {
  const answer = await registers(nickname, more)
  assert.equal(answer.status, 202, answer.text)
  const mail = await sink.next(more.email ?? `${nickname}@example.org`)
  const proved = await post('verify', { token: mail.token })
  assert.equal(proved.status, 200, proved.text)
  return proved.json.data.user
}
const signsIn = (email, secret = password) => post('login', { email, password: secret })
/** What a scanner of mails does with each link in it, twice. */
async function scan(mail) {
  const { pathname, search } = new URL(mail.link)
  for (let i = 0; i < 2; i++) for (const method of ['GET', 'HEAD']) await request(stack, method, pathname + search)
}

test('who registers is there when the address is proved, and a mail scanner proves nothing', async () => {
  const first = await registers('ada', { name: 'Ada', locale: 'ko' })
  assert.equal(first.status, 202)
  assert.deepEqual(first.json, { success: true, data: {} })
  const mail = await sink.next('ada@example.org')
  assert.ok(mail.link.startsWith(`${stack.url}/account/verify?token=`), mail.link)
  refused(await signsIn('ada@example.org'), 401, 'credentials_invalid')
  await scan(mail)
  const proved = await post('verify', { token: mail.token })
  assert.equal(proved.status, 200, proved.text)
  const { user } = proved.json.data
  assert.deepEqual([user.email, user.email_verified, user.nickname, user.name, user.locale], ['ada@example.org', true, 'ada', 'Ada', 'ko'])
  assert.equal((await signsIn('ada@example.org')).status, 200)
  refused(await post('verify', { token: mail.token }), 410, 'gone')
})

test('mails are as the RFCs have them, in Korean and in English, and hold no markup that was put into them', async () => {
  await registers('form', { locale: 'ko' })
  await registers('form2')
  for (const [address, subject, word] of [['form@example.org', '마당 <&"test\'> 이메일 주소를 확인해 주세요', '안녕하세요'],
    ['form2@example.org', 'Confirm your e-mail address for 마당 <&"test\'>', 'Hello']]) {
    const mail = await sink.next(address)
    assert.deepEqual(mail.defects, [])
    assert.equal(mail.subject, subject)
    assert.ok(mail.text.startsWith(word), mail.text)
    assert.ok(mail.html.includes('마당 &lt;&amp;&quot;test&#39;&gt;') && !mail.html.includes('<&'), mail.html)
    assert.ok(mail.html.includes(`<a href="${mail.link}">${mail.link}</a>`), mail.html)
    assert.equal(mail.from_, 'gate@courtyard.example')
    assert.ok(mail.tls && mail.user === 'courtyard')
    assert.equal(mail.ehlo, 'courtyard.example')
    for (const name of ['date', 'from', 'to', 'subject', 'message-id', 'auto-submitted', 'mime-version', 'content-type'])
      assert.equal(mail.header(name).length, 1, name)
    assert.equal(mail.header('auto-submitted')[0], 'auto-generated')
    assert.match(mail.header('message-id')[0], /^<[0-9a-f-]{36}@courtyard\.example>$/)
    assert.ok(Math.abs(Date.parse(mail.header('date')[0]) - Date.now()) < 60000)
    assert.ok(mail.raw.split('\r\n').every(line => line.length <= 78 && /^[\x20-\x7e]*$/.test(line)), mail.raw)
  }
})

test('whether an address is known is told to its mailbox alone', async () => {
  await isThere('bo')
  const [known, unknown] = [await registers('bo_again', { email: 'BO@Example.org' }), await registers('cy')]
  assert.deepEqual([known.status, known.text], [unknown.status, unknown.text])
  assert.match((await sink.next('bo@example.org')).text, /has an account already/)
  await sink.next('cy@example.org')
  for (const path of ['reset', 'verify/resend']) {
    const answers = await Promise.all(['bo@example.org', 'nobody@example.org'].map(email => post(path, { email })))
    for (const answer of answers) assert.deepEqual([answer.status, answer.text], [202, '{"success":true,"data":{}}'])
  }
  await sink.next('bo@example.org')
  await until('all requests are done', () => sql(`SELECT count(*) FROM job WHERE kind LIKE 'mail.%' AND key <> ''`) === '0')
  assert.equal(sink.count('nobody@example.org'), 0)
  refused(await registers('bo', { email: 'else@example.org' }), 409, 'conflict')
  refused(await post('reset', { email: 'no address' }), 400, 'invalid_argument')
})

test('the mail of a registration comes again, and one of its links makes the user', async () => {
  await registers('dee')
  const first = await sink.next('dee@example.org')
  await post('verify/resend', { email: 'dee@example.org' })
  const second = await sink.next('dee@example.org')
  assert.notEqual(first.token, second.token)
  assert.equal((await post('verify', { token: second.token })).status, 200)
  refused(await post('verify', { token: first.token }), 410, 'gone')
})

test('of two who want one nickname the second is asked for another, and loses nothing', async () => {
  await registers('twin', { email: 'twin1@example.org' })
  await registers('twin', { email: 'twin2@example.org' })
  const [one, two] = [await sink.next('twin1@example.org'), await sink.next('twin2@example.org')]
  assert.equal((await post('verify', { token: one.token })).status, 200)
  refused(await post('verify', { token: two.token }), 409, 'conflict')
  const answer = await post('verify', { token: two.token, nickname: 'twin_two' })
  assert.equal(answer.json.data.user.nickname, 'twin_two', answer.text)
})

test('a new password ends all sessions and is told; each step is refused out of its order', async () => {
  await isThere('eve')
  const { access_token: token } = (await signsIn('eve@example.org')).json.data
  const fresh = 'another horse battery'
  refused(await post('reset/confirm', { token: 'x'.repeat(43), password: fresh }), 410, 'gone')
  refused(await post('reset/confirm', { password: fresh }), 400, 'invalid_argument')
  refused(await post('reset/confirm', { token: token.slice(0, 43), password: fresh }), 410, 'gone')
  await post('reset', { email: 'eve@example.org' })
  const mail = await sink.next('eve@example.org')
  await scan(mail)
  refused(await post('reset/confirm', { token: mail.token, password: 'x'.repeat(73) }), 400, 'password_too_long')
  const answers = await Promise.all(Array.from({ length: 5 }, () => post('reset/confirm', { token: mail.token, password: fresh })))
  assert.deepEqual(answers.map(answer => answer.status).sort(), [204, 410, 410, 410, 410])
  await until('the token has ended', async () => (await request(stack, 'GET', '/api/v1/auth/me', { token })).status === 401)
  refused(await signsIn('eve@example.org'), 401, 'credentials_invalid')
  assert.equal((await signsIn('eve@example.org', fresh)).status, 200)
  assert.match((await sink.next('eve@example.org')).text, /password of your account .* was changed, from the network address 127\.0\.0\.1/s)
})

test('one signs in by the link of a mail, or by its code where it was asked for, once', async () => {
  await isThere('fay')
  const asks = async () => {
    const { flow } = (await post('login/mail', { email: 'Fay@example.org' })).json.data
    return { flow, mail: await sink.next('fay@example.org') }
  }
  const confirm = body => post('login/mail/confirm', body)
  const one = await asks()
  await scan(one.mail)
  refused(await confirm({ flow: 'x'.repeat(43), code: one.mail.code }), 410, 'gone')
  refused(await confirm({ token: one.flow }), 410, 'gone')
  refused(await confirm({ flow: one.mail.token, code: one.mail.code }), 410, 'gone')
  refused(await confirm({ code: one.mail.code }), 400, 'invalid_argument')
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => confirm(i % 2 ? { token: one.mail.token } : { flow: one.flow, code: one.mail.code })))
  assert.equal(answers.filter(answer => answer.status === 200).length, 1, answers.map(a => a.text).join())
  assert.ok(answers.every(answer => [200, 410].includes(answer.status)))
  const claims = JSON.parse(Buffer.from(answers.find(a => a.status === 200).json.data.access_token.split('.')[1], 'base64url'))
  assert.deepEqual(claims.amr, ['mail'])

  const two = await asks()
  const wrong = two.mail.code === '000000' ? '000001' : '000000'
  for (let i = 0; i < 5; i++) refused(await confirm({ flow: two.flow, code: wrong }), 401, 'credentials_invalid')
  refused(await confirm({ flow: two.flow, code: two.mail.code }), 410, 'gone')
  assert.equal((await confirm({ token: two.mail.token })).status, 200)

  const nobody = await post('login/mail', { email: 'nobody@example.org' })
  assert.deepEqual(Object.keys(nobody.json.data), ['flow', 'expires_at'])
  refused(await confirm({ flow: nobody.json.data.flow, code: '000000' }), 401, 'credentials_invalid')
})

test('who signs in by mail to an account that was never proved has it without its former owner', async () => {
  await isThere('gus')
  const { refresh_token: stolen } = (await signsIn('gus@example.org')).json.data
  sql(`UPDATE account SET email_verified_at = NULL WHERE nickname = 'gus'`)
  await post('login/mail', { email: 'gus@example.org' })
  const mail = await sink.next('gus@example.org')
  const answer = await post('login/mail/confirm', { token: mail.token })
  assert.equal(answer.json.data?.user.email_verified, true, answer.text)
  refused(await signsIn('gus@example.org'), 401, 'credentials_invalid')
  refused(await post('refresh', { refresh_token: stolen }), 401, 'session_ended')
  assert.equal((await request(stack, 'GET', '/api/v1/auth/me', { token: answer.json.data.access_token })).status, 200)
})

test('who has an account and an address that is not proved has it proved, and who has none is told so', async () => {
  await isThere('gil')
  const { access_token: token, user } = (await signsIn('gil@example.org')).json.data
  const asks = () => request(stack, 'POST', '/api/v1/users/me/verify', { body: {}, token })
  sql(`UPDATE account SET email_verified_at = NULL WHERE id = '${user.id}'`)
  assert.equal((await asks()).status, 202)
  const mail = await sink.next('gil@example.org')
  await scan(mail)
  assert.equal((await post('verify', { token: mail.token })).json.data.user.email_verified, true)
  assert.equal((await request(stack, 'GET', '/api/v1/auth/me', { token })).json.data.email_verified, true)
  sql(`UPDATE account SET email = NULL, email_key = NULL, email_verified_at = NULL WHERE id = '${user.id}'`)
  refused(await asks(), 403, 'email_required')
})

test('an invitation makes one user, of whom it was mailed to at once', async () => {
  const invite = body => stack.rpc('auth', 'invitation.create', body)
  const mailed = await stack.authctl('user', 'invite', 'hal@example.org', '--policy', 'read-only', '--locale', 'ko')
  assert.equal(mailed.token, undefined)
  const mail = await sink.next('hal@example.org')
  await scan(mail)
  const answers = await Promise.all(['hal1', 'hal2', 'hal3'].map(nickname => registers(nickname, { email: 'hal@example.org', invitation: mail.token })))
  assert.deepEqual(answers.map(answer => answer.status).sort(), [201, 410, 410], answers.map(a => a.text).join())
  const { user } = answers.find(answer => answer.status === 201).json.data
  assert.deepEqual([user.email_verified, user.policy], [true, 'read-only'])

  await invite({ email: 'ira@example.org' })
  const { token } = await sink.next('ira@example.org')
  assert.equal((await registers('jo', { invitation: token })).status, 202)
  assert.equal((await post('verify', { token: (await sink.next('jo@example.org')).token })).status, 200)
  refused(await registers('kim', { invitation: token }), 410, 'gone')

  const handed = await stack.authctl('user', 'invite', '--policy', 'admin', '--expires', '1h')
  assert.equal(handed.url, `${stack.url}/account/register?token=${handed.token}`)
  await assert.rejects(invite({ policy: 'nothing' }), /there is no policy nothing/)
})

test('what is no address is none at any door, and one that is spelled otherwise is the same', async () => {
  const sent = () => sink.next('una@xn--bcher-kva.example')
  await registers('una', { email: 'una@Bücher.example' })
  assert.equal((await post('verify', { token: (await sent()).token })).status, 200)
  await isThere('ole')
  const { access_token: token } = (await signsIn('ole@example.org')).json.data
  const change = email => request(stack, 'PUT', '/api/v1/users/me/email', { body: { email }, token })
  const doors = {
    register: email => registers('pia', { email }), reset: email => post('reset', { email }), again: email => post('verify/resend', { email }),
    link: email => post('login/mail', { email }), change,
  }
  for (const email of ['a＠example.org', 'a\u200bb@example.org', 'a@b@example.org', 'a@example', 'ａ@example.org', '.a@example.org', 'a@[127.0.0.1]', 'a@-b.org']) {
    for (const [door, knock] of Object.entries(doors)) {
      const answer = await knock(email)
      assert.deepEqual([answer.status, answer.json.error?.code], [400, 'invalid_argument'], `${door}, ${email}: ${answer.text}`)
    }
    await assert.rejects(stack.rpc('auth', 'invitation.create', { email }), /email/, email)
    await assert.rejects(stack.authctl('user', 'create', 'pia', '--email', email), /email/, email)
  }
  for (const email of ['una@xn--bcher-kva.example', 'una@BÜCHER.example', 'una@bu\u0308cher.example', 'UNA@Bücher.Example']) {
    assert.equal((await signsIn(email)).json.data?.user.nickname, 'una', email)
    await assert.rejects(stack.authctl('user', 'create', 'pia', '--email', email), /another user has/, email)
  }
  assert.equal((await change('una@BÜCHER.example')).status, 202)
  refused(await post('email', { token: (await sent()).token }), 409, 'conflict')
})

test('who is disabled comes in by no way, also not by one that was open before; nor does who was never proved', async () => {
  const user = await isThere('quin'), email = 'quin@example.org', mailed = () => sink.next(email)
  const open = (await signsIn(email)).json.data
  const { flow } = (await post('login/mail', { email })).json.data, code = (await mailed()).code
  await post('login/mail', { email })
  const link = (await mailed()).token
  await post('reset', { email })
  const reset = (await mailed()).token
  const form = (path, fields) => request(stack, 'POST', path, { raw: new URLSearchParams(fields).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded', origin: stack.url } })
  const ways = {
    'a password': () => signsIn(email), 'the page': () => form('/account/login', { email, password }), 'a return': () => post('return', { email, password }),
    'the page of a return': () => form('/account/undelete/password', { email, password }),
    'a session': () => post('refresh', { refresh_token: open.refresh_token }), 'a token': () => request(stack, 'GET', '/api/v1/auth/me', { token: open.access_token }),
    'a code': () => post('login/mail/confirm', { flow, code }), 'a link': () => post('login/mail/confirm', { token: link }),
    'another password': () => post('reset/confirm', { token: reset, password: `${password} 2` }),
  }
  const slowly = come => until('guesses may go on', async () => { const answer = await come(); return answer.status !== 429 && answer })
  await stack.authctl('user', 'disable', user.id)
  await until('the gateway has heard of it', async () => (await ways['a token']()).status !== 200)
  for (const [way, come] of Object.entries(ways)) {
    const answer = await slowly(come)
    assert.ok([401, 403, 410].includes(answer.status), `${way}: ${answer.status} ${answer.text}`)
    assert.doesNotMatch(JSON.stringify(answer.headers['set-cookie'] ?? []), /visit|_rt=[^;]/, way)
  }
  await stack.authctl('user', 'enable', user.id)
  for (const way of ['a session', 'a token', 'a code', 'a link', 'another password']) {
    const answer = await slowly(ways[way])
    assert.ok([401, 410].includes(answer.status), `${way} is over: ${answer.text}`)
  }
  assert.equal((await slowly(ways['a password'])).status, 200)
  assert.equal((await slowly(ways['the page'])).status, 303)

  await registers('rex')
  await sink.next('rex@example.org')
  refused(await signsIn('rex@example.org'), 401, 'credentials_invalid')
  refused(await post('return', { email: 'rex@example.org', password }), 401, 'credentials_invalid')
  assert.equal((await form('/account/login', { email: 'rex@example.org', password })).status, 401)
})

test('no link is good at another door', async () => {
  await isThere('lou')
  await post('reset', { email: 'lou@example.org' })
  const reset = (await sink.next('lou@example.org')).token
  const { flow } = (await post('login/mail', { email: 'lou@example.org' })).json.data
  const link = (await sink.next('lou@example.org')).token
  await registers('max')
  const verify = (await sink.next('max@example.org')).token
  const { token: invite } = await stack.rpc('auth', 'invitation.create', {})
  const doors = {
    reset: token => post('reset/confirm', { token, password }), link: token => post('login/mail/confirm', { token }),
    flow: token => post('login/mail/confirm', { flow: token, code: '000000' }), verify: token => post('verify', { token }),
    invite: token => registers('never', { invitation: token }),
  }
  for (const [own, token] of Object.entries({ reset, link, flow, verify, invite }))
    for (const [door, knock] of Object.entries(doors)) if (door !== own) refused(await knock(token), 410, 'gone')
  assert.equal((await doors.reset(reset)).status, 204)
  assert.equal((await doors.verify(verify)).status, 200)
})

test('an address of another alphabet is written to in the letters of the name system', async () => {
  await registers('idn', { email: 'idn@도메인.example' })
  const mail = await sink.next('idn@xn--hq1bm8jm9l.example')
  assert.equal(mail.header('to')[0], 'idn@xn--hq1bm8jm9l.example')
  await registers('eai', { email: '아다@example.org' })
  assert.equal((await sink.next('아다@example.org')).header('to')[0], '아다@example.org')
  for (const email of ['a@example.org\r\nBcc: b@example.org', 'a b@example.org', '<a@example.org>', 'a@example.org,b@example.org', 'a＠example.org'])
    refused(await registers('bad', { email }), 400, 'invalid_argument')
})

test('what the mail server refuses for now is sent later, for ever is given up, and neither is in a log', async () => {
  await registers('later', { email: 'later@example.org' })
  await registers('refused', { email: 'refused@example.org' })
  await registers('cut', { email: 'cut@example.org' })
  const jobs = async address => (await stack.rpc('auth', 'job.list', { kind: 'mail.send' })).jobs.filter(job => job.last_error && sink.offered(address))
  await until('the refused mail is dead', async () => (await jobs('refused@example.org')).some(job => job.state === 'dead' && job.last_error.endsWith('the mail server refused it: 550 5.1.1')))
  await until('the others wait', async () => (await jobs('later@example.org')).filter(job => job.state === 'waiting').length === 2)
  sql(`UPDATE job SET run_at = now() WHERE kind = 'mail.send' AND dead_at IS NULL; SELECT pg_notify('auth_jobs', '')`)
  const mail = await sink.next('later@example.org')
  assert.equal(sink.offered('later@example.org'), 2)
  assert.equal((await post('verify', { token: mail.token })).status, 200)
  assert.equal(sink.offered('refused@example.org'), 1)
  await scan(mail)
  const log = stack.log('auth') + stack.log('gateway-1')
  assert.ok(log.includes('/account/verify'), 'what is scanned is in the log')
  for (const secret of [mail.token, mailPassword, 'later@example.org', 'refused@example.org', 'cut@example.org']) assert.ok(!log.includes(secret), secret)
})

/** What is counted by the hour is counted anew with the next one: it is not begun at an hour's end. */
const hourHasAWhile = () => until('the next hour has begun, or is not near', () => sql(`SELECT now() < date_trunc('hour', now() + interval '2 minutes')`) === 'f' || pause(1000), 180000)

test('what others can have sent to one address in an hour is bounded, and notices still come', async () => {
  await hourHasAWhile()
  await isThere('nan')
  for (let i = 0; i < 14; i++) {
    await post('reset', { email: 'nan@example.org' })
    await until('the request is done', () => sql(`SELECT count(*) FROM job WHERE kind LIKE 'mail.%' AND key <> '' AND attempts < 2 AND dead_at IS NULL`) === '0')
  }
  assert.equal(sink.count('nan@example.org'), 10)
  let token
  for (let i = 0; i < 9; i++) ({ token } = await sink.next('nan@example.org'))
  assert.equal((await post('reset/confirm', { token, password: 'yet another battery' })).status, 204)
  assert.match((await sink.next('nan@example.org')).subject, /was changed/)
  assert.equal(sql(`SELECT whose FROM mail_count WHERE budget = 'asked_network'`), '127.0.0.0/24')
  const dropped = () => stack.log('auth').split('"dropped":"too_many"').length
  const before = dropped()
  sql(`UPDATE mail_count SET n = 100 WHERE budget = 'asked_network'`)
  await registers('one_too_many')
  await until('it is dropped', () => dropped() > before)
  sql(`UPDATE mail_count SET n = 0 WHERE budget = 'asked_network'`)
})

test('settings that contradict each other stop the start with one line', () => {
  const start = (...settings) => spawnSync('chpst', ['-e', join(stack.dir, 'env/auth'), 'env', ...settings.map(s => `MADANG_AUTH_${s}`), join(bin, 'auth')],
    { cwd: root, encoding: 'utf8', timeout: 20000 })
  for (const [line, ...settings] of [['SMTP_URL: wants smtp', 'SMTP_URL=https://example.org'], ['SMTP_URL: a user belongs', 'SMTP_URL=smtp://a:b@example.org'],
    ['SMTP_URL: wants a host', 'SMTP_URL=smtp://example.org/x'], ['MAIL_FROM: wants', 'MAIL_FROM=nobody'], ['SMTP_TLS: without TLS nobody signs in', 'SMTP_TLS=0'],
    ['SMTP_PASSWORD: wants', 'SMTP_PASSWORD='], ['SMTP_PASSWORD: the file cannot be read', 'SMTP_PASSWORD=/nowhere']]) {
    const { status, stderr } = start(...settings)
    assert.equal(status, 2, `${line}: ${stderr}`)
    assert.ok(stderr.includes(`MADANG_AUTH_${line}`) && stderr.trim().split('\n').length === 1, stderr)
  }
})

test('no secret of a mail is in the database, and connections are kept', async () => {
  await registers('oz')
  const mail = await sink.next('oz@example.org')
  assert.equal(sql(`SELECT count(*) FROM single_use s WHERE s::text LIKE '%${mail.token}%'`), '0')
  assert.equal(sql(`SELECT count(*) FROM job j WHERE encode(payload, 'escape') LIKE '%${mail.token}%'`), '0')
  assert.ok(new Set(sink.mails.map(each => each.session)).size < sink.mails.length / 2, 'fewer connections than mails')
})
