// deeds.mjs - what the callers do: the rooms that it is done to, and the same arguments over REST and over a socket.
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { Browser } from '../lib/push_service.mjs'
import { until } from '../lib/wait.mjs'
import { codeOfAnswer, over, signsIn, transports, tryConnect } from './callers.mjs'
import { deeds } from './expectations.mjs'
import { contract, eventName, routeName } from './rows.mjs'

const DAY = 86400000
const send = ({ room }) => ({ room, id: randomUUID(), body: 'a message' })

/** A name that a back end could give, and has given nobody. */
const somebodyNew = () => `somebody ${randomUUID()}`

/** What a FORM row takes. */
const aForm = content => ({ raw: `--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n${content}\r\n--b--\r\n`, headers: { 'content-type': 'multipart/form-data; boundary=b' } })

/** What tus asks for. */
const aTransfer = raw => ({ raw, headers: { 'tus-resumable': '1.0.0', 'upload-length': '5', 'upload-offset': '0', ...(raw ? { 'content-type': 'application/offset+octet-stream' } : {}) } })

/** What a FIELDS row takes, of a page of ours. */
const aPagesForm = (stack, fields) => ({ raw: String(new URLSearchParams(fields)), headers: { 'content-type': 'application/x-www-form-urlencoded', origin: stack.url } })

/** What an NDJSON row takes: a room without anybody in it. */
function aFile() {
  const settings = { id: randomUUID(), name: '', topic: '', created_by: 'olga', created_at: 1, open: false, knocks: false, listed: false, lines: false, writes: 'member', invites: 'admin', history: 'all' }
  const begin = `${JSON.stringify({ begin: { format: 'madang-room', version: 1, room: settings, after: 0, head: 0 } })}\n`
  const hash = createHash('sha256').update(Buffer.alloc(32)).update(begin).digest('hex')
  return { raw: `${begin}${JSON.stringify({ end: { entries: 0, hash } })}\n`, headers: { 'content-type': 'application/x-ndjson' } }
}

/** What a row takes besides its path. */
function bodyOf(stack, row, fields) {
  if (row.body === 'NDJSON') return aFile()
  if (row.body === 'FORM') return aForm(row.method === 'media.create' ? 'a file' : '{}')
  if (row.method.startsWith('transfer.')) return aTransfer(row.body === 'PART' ? 'hello' : undefined)
  if (row.body.startsWith('FIELDS')) return aPagesForm(stack, fields)
  return ['POST', 'PUT', 'PATCH'].includes(row.http) ? { body: fields } : {}
}

/** All bring the same, with its keys: the last one has it. */
const aBrowser = new Browser('https://localhost:1').subscription

/** The arguments of each deed, in a state; `at` has the room or the conversation. */
const args = {
  'room:create': () => ({ name: 'a room' }),
  'room:list': () => ({}),
  'sync': () => ({}),
  'mention:list': () => ({}),
  'notification:list': () => ({}),
  'notification:read': () => ({}),
  'quiet:get': () => ({}),
  'quiet:set': () => ({ zone: 'Asia/Seoul', times: [{ day: 1, from: 1320, minutes: 480 }] }),
  'push:key': () => ({}),
  'push:subscribe': () => aBrowser,
  'push:list': () => ({}),
  'push:unsubscribe': () => ({ subscription: randomUUID() }),
  'presence:get': () => ({ ids: 'somebody,somebody else' }),
  'receipt:list': ({ room }) => ({ room, seq: 1 }),
  'receipt:mine': () => ({}),
  'receipt:set': () => ({ shown: true }),
  'presence:mine': () => ({}),
  'presence:set': () => ({ state: 'online' }),
  'presence:watch': ({ room }) => ({ room }),
  'presence:unwatch': ({ room }) => ({ room }),
  'room:find': () => ({ q: 'room' }),
  'room:join': ({ room }, state) => ({ room, ...(state.includes('from a seq') ? { since: 0 } : {}) }),
  'room:leave': ({ room }) => ({ room }),
  'room:invite': ({ room }) => ({ room, members: ['somebody new'] }),
  'webhook:create': ({ room }) => ({ room, url: 'https://example.org:1/hook' }),
  'webhook:list': ({ room }) => ({ room }),
  'webhook:update': ({ room, webhook = randomUUID() }) => ({ room, webhook, url: 'https://example.org:1/another' }),
  'webhook:delete': ({ room, webhook = randomUUID() }) => ({ room, webhook }),
  'webhook:rotate': ({ room, webhook = randomUUID() }) => ({ room, webhook }),
  'webhook:test': ({ room, webhook = randomUUID() }) => ({ room, webhook }),
  'webhook:replay': ({ room, webhook = randomUUID() }) => ({ room, webhook }),
  'webhook:deliveries': ({ room, webhook = randomUUID() }) => ({ room, webhook }),
  'webhook:attempts': ({ room, webhook = randomUUID() }) => ({ room, webhook }),
  'hook:create': ({ room }) => ({ room, name: 'a hook' }),
  'hook:list': ({ room }) => ({ room }),
  'hook:update': ({ room, hook = randomUUID() }) => ({ room, hook, name: 'another name' }),
  'hook:rotate': ({ room, hook = randomUUID() }) => ({ room, hook }),
  'hook:delete': ({ room, hook = randomUUID() }) => ({ room, hook }),
  'hook:post': ({ room, code = 'no code' }) => ({ room, code, text: 'a program speaks' }),
  'invite:create': ({ room }) => ({ room }),
  'invite:list': ({ room }) => ({ room }),
  'invite:revoke': ({ room }) => ({ room, invite: randomUUID() }),
  'invite:show': ({ room, code }) => ({ room, code: code ?? 'no code' }),
  'invite:accept': ({ room, code }) => ({ room, code: code ?? 'no code' }),
  'room:show': ({ room }) => ({ room }),
  'room:knock': ({ room }) => ({ room, text: 'let me in' }),
  'knock:list': ({ room }) => ({ room }),
  'knock:mine': () => ({}),
  'knock:answer': ({ room }) => ({ room, subject: 'vic', yes: true }),
  'knock:withdraw': ({ room }) => ({ room }),
  'room:remove': ({ room }, state, caller) => ({ room, member: state.startsWith('itself') ? caller.subject ?? 'olga' : 'vic' }),
  'message:send': send,
  'message:schedule': ({ room }) => ({ ...send({ room }), send_at: Date.now() + DAY }),
  'scheduled:list': () => ({}),
  'scheduled:change': ({ room, id }) => ({ room, id, body: 'another text' }),
  'scheduled:cancel': ({ room, id }) => ({ room, id }),
  'scheduled:send': ({ room, id }) => ({ room, id }),
  'draft:set': ({ room }) => ({ room, body: 'begun' }),
  'draft:clear': ({ room }) => ({ room }),
  'draft:list': () => ({}),
  'room:export': ({ room }) => ({ room }),
  'room:bring': () => ({}),
  'message:list': ({ room }) => ({ room }),
  'message:search': ({ room }) => ({ q: 'first', ...(room && { room }) }),
  'message:get': ({ room }) => ({ room, seq: 1 }),
  'message:versions': ({ room }) => ({ room, seq: 1 }),
  'message:hide': ({ room }) => ({ room, seq: 1 }),
  'pin:list': ({ room }) => ({ room }),
  'message:edit': ({ room }) => ({ room, seq: 1, id: randomUUID(), body: 'another text' }),
  'message:delete': ({ room }) => ({ room, seq: 1 }),
  'message:withhold': ({ room }) => ({ room, seq: 1, reason: 'a test' }),
  'message:release': ({ room }) => ({ room, seq: 1, reason: 'a test' }),
  'withheld:list': ({ room }) => ({ room }),
  'report:create': ({ room }) => ({ room, seq: 1000000, reason: 'spam' }),
  'report:list': ({ room }) => ({ room }),
  'report:assign': ({ room }) => ({ room, report: randomUUID() }),
  'report:resolve': ({ room }) => ({ room, report: randomUUID(), outcome: 'nothing', note: 'a test' }),
  'reports:list': () => ({}),
  'reports:decide': () => ({ report: randomUUID(), outcome: 'nothing', note: 'a test' }),
  'reaction:add': ({ room }) => ({ room, seq: 1, emoji: '👍' }),
  'reaction:remove': ({ room }) => ({ room, seq: 1, emoji: '👍' }),
  'pin:add': ({ room }) => ({ room, seq: 1 }),
  'pin:remove': ({ room }) => ({ room, seq: 1 }),
  'room:get': ({ room }) => ({ room }),
  'room:update': ({ room }) => ({ room, topic: 'another topic' }),
  'room:mute': ({ room }) => ({ room, muted: 'yes' }),
  'read:mark': ({ room }) => ({ room, seq: 1 }),
  'room:archive': ({ room }) => ({ room }),
  'room:delete': ({ room }) => ({ room }),
  'room:bans': ({ room }) => ({ room }),
  'member:role': ({ room }) => ({ room, member: 'vic', role: 'moderator' }),
  'member:mute': ({ room }) => ({ room, member: 'vic' }),
  'member:ban': ({ room }) => ({ room, member: 'vic' }),
  'member:unban': ({ room }) => ({ room, member: 'vic' }),
  'member:list': ({ room }) => ({ room }),
  'friend:request': (at, state) => ({ subject: state === 'somebody new' ? somebodyNew() : randomUUID() }),
  'room:direct': (at, state) => ({ subject: state === 'with somebody new' ? somebodyNew() : randomUUID() }),
  'friend:accept': () => ({ subject: somebodyNew() }),
  'friend:decline': () => ({ subject: somebodyNew() }),
  'friend:cancel': () => ({ subject: somebodyNew() }),
  'friend:remove': () => ({ subject: somebodyNew() }),
  'friend:block': () => ({ subject: somebodyNew() }),
  'friend:unblock': () => ({ subject: somebodyNew() }),
  'friend:list': () => ({}),
  'room:event': ({ room }) => ({ room, event: 'order:ready', data: { table: 7 } }),
  'conversation:create': () => ({ name: 'a conversation', data: {} }),
  'conversation:import': () => ({}),
  'import:lead': () => ({}),
  'conversation:list': () => ({}),
  'conversation:get': ({ conversation }) => ({ conversation }),
  'conversation:put': ({ conversation }) => ({ conversation, name: 'another name', data: {} }),
  'conversation:delete': ({ conversation }) => ({ conversation }),
  'conversation:versions': ({ conversation }) => ({ conversation, version: 1 }),
  'conversation:restore': ({ conversation }) => ({ conversation, version: 1 }),
  'conversation:forget': ({ conversation }) => ({ conversation, version: 1 }),
  'conversation:people': ({ conversation }) => ({ conversation }),
  'conversation:share': ({ conversation }) => ({ conversation, subject: 'somebody else', role: 'reader' }),
  'conversation:unshare': ({ conversation }) => ({ conversation, subject: 'somebody else' }),
  'conversation:show': ({ conversation }) => ({ conversation }),
  'share:create': ({ conversation }) => ({ conversation }),
  'share:edit': ({ link }) => ({ link }),
  'share:open': ({ code }) => ({ code }),
  'share:page': ({ code }) => ({ code }),
  'share:report': ({ code, visit }) => ({ code, reason: 'spam', ...visit && { share_visit: visit } }),
  'share:take': ({ code, visit }) => ({ code, ...visit && { share_visit: visit } }),
  'share:reports': () => ({}),
  'share:moderate': () => ({ report: randomUUID(), as: 'dismissed' }),
  'share:takedown': () => ({ share: randomUUID(), reason: 'spam', note: 'of the matrix' }),
  'share:file': ({ code, media, visit }) => ({ code, media, ...visit && { share_visit: visit } }),
  'media:create': () => ({}),
  'media:get': ({ media }) => ({ media, name: 'any name' }),
  'transfer:create': () => ({}),
  'transfer:get': ({ transfer }) => ({ transfer }),
  'transfer:part': ({ transfer }) => ({ transfer }),
  'transfer:delete': ({ transfer }) => ({ transfer }),
  'media:sign': () => ({ ids: [randomUUID()] }),
  'media:delete': ({ media }) => ({ media }),
  'token:issue': (at, state, caller) => ({ api_key: caller.key, ...(caller.asks ?? { subject: caller.subject }) }),
  'keys:read': () => ({}),
  'key:list': () => ({}),
  'key:issue': () => ({ name: 'a key', policy: 'read-only' }),
  'key:get': ({ id }) => ({ id }),
  'key:edit': ({ id }) => ({ id, name: 'another name' }),
  'key:ref': ({ id }) => ({ id }),
  'attempt:mine': () => ({}),
  'attempt:list': () => ({}),
  'admin:reads': () => ({}),
  'policy:get': () => ({ name: 'chat-client' }),
  'policy:put': () => ({ name: 'made by the matrix', rules: [{ effect: 'deny' }] }),
  'policy:delete': () => ({ name: 'nobody has it' }),
  'policy:explain': () => ({ policy: 'chat-client', action: 'emit' }),
  'policy:test': () => ({ cases: [{ policy: 'chat-client', action: 'emit', expect: 'allow' }] }),
  'signing_key:rotate': () => ({}),
  'quota:set': () => ({ name: 'rooms', limit: 5, subject: 'nobody at all' }),
  'quota:unset': () => ({ name: 'rooms', subject: 'nobody at all' }),
  'purge:begin': () => ({ subject: 'nobody at all', reason: 'a test' }),
  'purge:list': () => ({}),
  'connection:list': () => ({}),
  'connection:show': () => ({ connection: randomUUID() }),
  'connection:end': () => ({ subject: 'nobody at all', reason: 'a test' }),
  'rooms:list': () => ({}),
  'rooms:ref': ({ room }) => ({ room }),
  'rooms:log': () => ({ room: randomUUID() }),
  'rooms:deed': ({ room }) => ({ room, reason: 'a test' }),
  'rooms:keep': ({ room }) => ({ room, kept_days: 30, reason: 'a test' }),
  'rooms:purge': ({ room }) => ({ room, name: 'a room', reason: 'a test' }),
  'rooms:export': ({ room }) => ({ room, reason: 'a test' }),
  'usage:get': () => ({ subject: 'nobody at all' }),
  'subject:logout': () => ({ subject: 'nobody at all' }),
  'session:logout': () => ({ session: 'no session' }),
  'attempts:own': () => ({}),
  'attempts:all': () => ({}),
  'user:register': ({ account }, state) => state === "another's e-mail" ? { ...account, nickname: randomUUID().slice(0, 30) }
    : { email: `${randomUUID()}@example.org`, password: account.password, nickname: randomUUID().slice(0, 30) },
  'user:login': ({ account }, state) => ({ email: account.email, password: account.password, ...(state === 'its password' ? {} : { email: `${randomUUID()}@example.org` }) }),
  'user:refresh': ({ refresh_token }, state) => ({ refresh_token: state === 'its token' ? refresh_token : refresh_token.replace(/.$/, c => c === 'A' ? 'B' : 'A') }),
  'mail:ask': () => ({ email: 'uma@example.org' }),
  'mail:ask_own': () => ({}),
  'mail:confirm': () => ({ token: 'x'.repeat(43), password: 'only I know' }),
  'oauth:begin': () => ({ provider: 'nobody', return_to: 'https://app.example/', challenge: 'x'.repeat(43), state: 'x'.repeat(43) }),
  'factor:prove_page': () => ({ code: '000000', pending_token: 'x'.repeat(60) }),
  'totp:show': () => ({}),
  'own:show': () => ({}),
  'user:undelete': () => ({ token: 'x'.repeat(43) }),
  'identity:list': () => ({}),
  'identity:unlink': () => ({ identity: randomUUID() }),
  'identity:link': () => ({ code: 'x'.repeat(43), verifier: 'x'.repeat(43) }),
  'oauth:login': () => ({ code: 'x'.repeat(43), verifier: 'x'.repeat(43) }),
  'oauth:return': () => ({ code: 'x'.repeat(43), verifier: 'x'.repeat(43) }),
  'invitation:create': () => ({}),
  'user:me': () => ({}),
  'session:list': () => ({}),
  'session:end_one': ({ session }, state) => ({ session: state === 'missing' ? randomUUID() : session }),
  'session:end_others': () => ({ others: true }),
  'session:end': ({ refresh_token }, state) => state === "one's own" ? {} : { refresh_token: refresh_token.replace(/.$/, c => c === 'A' ? 'B' : 'A') },
  'account:show': () => ({ of: 'verified' }),
  'demo:open': () => ({ secret: 'x'.repeat(43) }),
  'mail:code': () => ({ flow: 'x'.repeat(43), code: '123456' }),
  'language:choose': () => ({ to: 'ko' }),
  'factor:list': () => ({}),
  'factor:remove': ({ factor }) => ({ factor }),
  'factor:prove': () => ({ code: '000000' }),
  'totp:begin': () => ({}),
  'totp:confirm': () => ({ code: '000000' }),
  'recovery:renew': () => ({}),
  'passkey:begin': () => ({}),
  'passkey:add': () => ({ credential: { id: 'AAAA', client_data: 'e30', attestation_object: 'AAAA' } }),
  'passkey:ask': () => ({}),
  'passkey:login': () => ({ credential: { id: 'AAAA', client_data: 'e30', authenticator_data: 'AAAA', signature: 'AAAA' } }),
  'passkey:return': () => ({ credential: { id: 'AAAA', client_data: 'e30', authenticator_data: 'AAAA', signature: 'AAAA' } }),
  'user:edit': () => ({ name: 'Uma' }),
  'user:leave': () => ({}),
  'user:password': () => ({ password: 'only others know', new_password: 'the moon is a lamp' }),
  'user:export': () => ({}),
  'export:read': () => ({}),
  'export:urls': () => ({ ids: [randomUUID()] }),
  'user:return': () => ({ email: `${randomUUID()}@example.org`, password: 'only I know' }),
  'user:get': ({ user }) => ({ user }),
  'user:list': ({ user }) => ({ ids: user }),
  'user:email': () => ({ email: `${randomUUID()}@example.org` }),
  'email:confirm': () => ({ token: 'x'.repeat(43) }),
  'user:find': () => ({ nickname: 'nobody of this name' }),
  'avatar:set': () => ({ media: randomUUID() }),
  'avatar:remove': () => ({}),
  'avatar:open': () => ({ user: randomUUID(), file: `${randomUUID()}.webp` }),
  'avatar:draw': () => ({ user: randomUUID() }),
  'people:list': () => ({}),
  'people:create': () => ({ nickname: randomUUID().slice(0, 30) }),
  'people:ref': ({ user }) => ({ user }),
  'people:erasure': ({ user }) => ({ user }),
  'people:policy': ({ user }) => ({ user, policy: 'member' }),
  'alert:list': () => ({}),
  'notice:list': () => ({}),
  'notice:put': () => ({ text: 'of the matrix', for_s: 1 }),
  'notice:withdraw': () => ({ notice: randomUUID() }),
  'ban:list': () => ({}),
  'ban:add': () => ({ subject: 'nobody of these', for_s: 60 }),
  'ban:remove': () => ({ ban: randomUUID() }),
  relay: ({ room }) => ({ room, x: 1 }),
}

const isJoined = state => state.includes('joined') && !state.includes('not joined')

/** What a deed is done to, made anew for each time that it is done. */
export class Scene {
  constructor(stack, callers) { Object.assign(this, { stack, callers, hosts: {} }) }

  /** A user whom nobody else is in the way of, and a session of theirs. */
  async newcomer() {
    const nickname = randomUUID().slice(0, 30), email = `${nickname}@example.org`, { password } = this.callers.user.account
    await request(this.stack, 'POST', '/api/v1/auth/register', { body: { email, password, nickname } })
    return (await request(this.stack, 'POST', '/api/v1/auth/login', { body: { email, password } })).json.data
  }

  /** A token of the registered user's session that began not long ago: one, as more than 100 sessions end the oldest. */
  async recent() {
    return (this.ofRecent ??= await signsIn(this.stack)).access_token
  }

  /** An authenticator app that is not confirmed: of the registered user's, or of who has this token. */
  async app(token) {
    token ??= await this.recent()
    return (await request(this.stack, 'POST', '/api/v1/auth/totp', { token, body: {} })).json.data.factor
  }

  /** Sockets that make the rooms: one for each subject that owns some, and one whom others may remove. */
  async opens() {
    const host = async (name, caller) => { this.hosts[name] = await new Person(this.stack, `${name}'s host`, caller.start).connects(over('websocket')) }
    await Promise.all(['owner', 'acting', 'ungranted', 'user'].map(name => host(name, this.callers[name])))
    const { backend, stranger } = this.callers
    this.mediaOfAnother = { stranger: await this.media(backend.start) }
    this.mediaOfOthers = await this.media(stranger.start)
    this.transferOfAnother = { stranger: await this.transfer(backend.start) }
    this.transferOfOthers = await this.transfer(stranger.start)
    this.linkOfAnother = { stranger: await this.link(backend.start) }
    this.linkOfOthers = await this.link(stranger.start)
    this.conversationOf = {}
    for (const caller of Object.values(this.callers)) this.conversationOf[caller.name] = await this.conversation(caller.start)
    this.anothers = await this.conversation(backend.start)
    this.another = await this.conversation(stranger.start)
    this.publicOfAnother = { stranger: await this.conversation(backend.start, { public: true }) }
    this.publicOfOthers = await this.conversation(stranger.start, { public: true })
  }

  async conversation(token, more = {}) {
    const answer = await request(this.stack, 'POST', '/api/v1/conversations', { token, body: { name: 'a conversation', data: {}, ...more } })
    assert.equal(answer.status, 201, answer.text)
    return answer.json.data.id
  }

  /** One that was another before. */
  async changed(token) {
    const conversation = await this.conversation(token)
    assert.equal((await request(this.stack, 'PATCH', `/api/v1/conversations/${conversation}`, { token, body: { name: 'another name' } })).status, 200)
    return conversation
  }

  /** A link to a conversation of its own. */
  async link(token) {
    const answer = await request(this.stack, 'POST', `/api/v1/conversations/${await this.conversation(token)}/share`, { token, body: {} })
    assert.equal(answer.status, 201, answer.text)
    return { link: answer.json.data.id, code: answer.json.data.code }
  }

  async media(token) {
    const answer = await request(this.stack, 'POST', '/api/v1/media', { token, ...aForm() })
    assert.equal(answer.status, 201, answer.text)
    return answer.json.data.id
  }

  /** A file that the conversation of a link names, and the visit of who has opened the link. */
  async fileOfLink(state) {
    const token = this.callers.stranger.start, media = await this.media(token), conversation = await this.conversation(token, { data: { messages: [{ url: `/media/${media}` }] } })
    if (state === 'missing') return { media, code: 'never was' }
    const { json: { data: { code } } } = await request(this.stack, 'POST', `/api/v1/conversations/${conversation}/share`, { token, body: {} })
    return { media, code, visit: state === 'of one that one has not' ? undefined : (await request(this.stack, 'GET', `/api/v1/share/${code}`)).json.data.share_visit }
  }

  /** A medium of vic's, in a room in which the caller is what it is. */
  async shown(caller, open) {
    const { room } = await this.room(caller, open)
    this.vic ??= await new Person(this.stack, 'vic', await tokenFor(this.stack, this.callers.owner.key, 'vic')).connects(over('websocket'))
    const media = await this.media(this.vic.token)
    await this.vic.calls('message:send', { room, id: randomUUID(), body: 'look', attachments: [media] })
    return { media }
  }

  async transfer(token) {
    const answer = await request(this.stack, 'POST', '/api/v1/uploads', { token, ...aTransfer() })
    assert.equal(answer.status, 201, answer.text)
    return answer.headers.location.split('/').pop()
  }

  async key() {
    const answer = await request(this.stack, 'POST', '/api/v1/admin/keys', { token: this.callers.admin.bearer, body: { name: 'a key', policy: 'read-only' } })
    assert.equal(answer.status, 201, answer.text)
    return answer.json.data.id
  }

  /** A message that waits, in a closed room: the caller's own, if it may say something there, or vic's. */
  async scheduled(caller, isOwn) {
    const { room } = await this.room(caller, false)
    const token = isOwn && ['owner', 'member'].includes(caller.role) ? caller.start : await tokenFor(this.stack, this.callers.owner.key, 'vic')
    const answer = await request(this.stack, 'POST', `/api/v1/rooms/${room}/scheduled`, { token, body: { id: randomUUID(), body: 'later', send_at: Date.now() + DAY } })
    assert.equal(answer.status, 201, answer.text)
    return { room, id: answer.json.data.id }
  }

  hostOf(caller) { return this.hosts[caller.name] ?? this.hosts.owner }

  /** A room in which the caller is what it is; a message is in its log. */
  async room(caller, open, { joinedBy, more } = {}) {
    const host = this.hostOf(caller), members = ['vic', ...(['member', 'removed'].includes(caller.role) ? [caller.subject] : [])]
    const { id: room } = await host.makesRoom({ open, members, ...more })
    await host.says(room, 'the first')
    if (joinedBy) await joinedBy.emits('room:join', { room })
    if (caller.role === 'removed') {
      await host.calls('room:remove', { room, member: caller.subject })
      if (joinedBy) await until(`${joinedBy.name} is put out`, () => joinedBy.events.some(([event, change]) => event === 'room:removed' && change.room === room))
    }
    return { room }
  }

  /** A closed room, and the code of a link into it. */
  async linked(caller) {
    const { room } = await this.room(caller, false)
    return { room, code: (await this.hostOf(caller).calls('invite:create', { room })).code }
  }

  /** A closed room with a webhook, whose port nobody may go to. */
  async withWebhook(caller) {
    const { room } = await this.room(caller, false)
    const { json } = await this.hostOf(caller).rest('POST', `/api/v1/rooms/${room}/webhooks`, { url: 'https://example.org:1/hook' })
    return { room, webhook: json.data.id }
  }

  /** A closed room with a hook, and its code. */
  async withHook(caller) {
    const { room } = await this.room(caller, false)
    const { json } = await this.hostOf(caller).rest('POST', `/api/v1/rooms/${room}/hooks`, { name: 'a hook' })
    return { room, hook: json.data.id, code: json.data.url.split('/').at(-1) }
  }

  async at(deed, state, caller, person) {
    const ofConversation = deed.startsWith('conversation:') || deed === 'share:create'
    if (['conversation:versions', 'conversation:restore', 'conversation:forget'].includes(deed) && state === "one's own") return { conversation: await this.changed(caller.start) }
    if (ofConversation && state === "another's, public") return { conversation: this.publicOfAnother[caller.name] ?? this.publicOfOthers }
    if (ofConversation && state !== 'any')
      return { conversation: state === 'missing' ? randomUUID() : state === "one's own" ? this.conversationOf[caller.name] : caller.name === 'stranger' ? this.anothers : this.another }
    if (['share:edit', 'share:open', 'share:page'].includes(deed))
      return state === 'missing' ? { link: randomUUID(), code: 'never was' } : state === "one's own" ? this.link(caller.start) : this.linkOfAnother[caller.name] ?? this.linkOfOthers
    if (['share:file', 'share:report', 'share:take'].includes(deed)) return this.fileOfLink(state)
    if (deed === 'media:get' && /shown/.test(state)) return this.shown(caller, state.includes('open'))
    if (deed === 'media:get' || deed === 'media:delete')
      return { media: state === 'missing' ? randomUUID() : state === "one's own" ? await this.media(caller.start) : this.mediaOfAnother[caller.name] ?? this.mediaOfOthers }
    if (deed.startsWith('transfer:'))
      return { transfer: state === 'missing' ? randomUUID() : state === "one's own" ? await this.transfer(caller.start) : this.transferOfAnother[caller.name] ?? this.transferOfOthers }
    if (deed.startsWith('key:')) return { id: state === 'there' ? await this.key() : 'AAAAAAAAAAAA' }
    if (['user:register', 'user:login'].includes(deed)) return this.callers.user
    // Sparingly: of more than 100 sessions of hers the oldest, which is the caller's, would end.
    if (deed === 'user:refresh') return signsIn(this.stack)
    if (deed === 'session:end') return this.ofHers ??= await signsIn(this.stack)
    if (deed === 'session:end_one') return state === "one's own" && ['user', 'admin'].includes(caller.name) ? signsIn(this.stack) : { session: randomUUID() }
    if (['user:get', 'user:list', 'people:ref', 'people:erasure', 'people:policy'].includes(deed)) return { user: state === 'missing' || !(caller.account || caller.name === 'admin') ? randomUUID() : (await this.newcomer()).user.id }
    if (deed === 'factor:remove') {
      if (state === 'missing' || !caller.account) return { factor: randomUUID() }
      this.bearerOfApp = (await this.newcomer()).access_token // as the registered user's other sessions would end
      return { factor: await this.app(this.bearerOfApp) }
    }
    if (['scheduled:change', 'scheduled:cancel', 'scheduled:send'].includes(deed)) return this.scheduled(caller, state === "one's own")
    if (deed === 'totp:confirm') return { app: caller.account && await this.app() }
    if (state === 'missing') return { room: randomUUID() }
    if (!/open|closed/.test(state)) return {}
    if (state.includes('by a link')) return this.linked(caller)
    if (state.includes('with a webhook')) return this.withWebhook(caller)
    if (state.includes('with a hook')) return this.withHook(caller)
    return this.room(caller, state.includes('open'), { joinedBy: isJoined(state) ? person : undefined, more: state.includes('may ask') ? { knocks: true } : {} })
  }
}

/** What a user ends, or changes soon after signing in, is a session of its own. */
async function bearerOf(scene, deed, caller) {
  if (!caller.account) return caller.bearer
  if (deed === 'factor:remove' && scene.bearerOfApp) return scene.bearerOfApp
  if (['user:leave', 'user:password', 'totp:show'].includes(deed)) return (await scene.newcomer()).access_token
  if (deed === 'session:end') return (await signsIn(scene.stack)).access_token
  return deeds[deed].recent ? scene.recent() : caller.bearer
}

/** Over REST: what stands in the path comes from the arguments; the rest is the body, or of a GET the query. */
export async function overREST(scene, row, deed, state, caller) {
  const rest = args[deed](await scene.at(deed, state, caller), state, caller)
  const path = row.path.replace(/\{(\w+)\}/g, (_, name) => {
    const value = rest[name]
    delete rest[name]
    return encodeURIComponent(value)
  })
  const query = ['GET', 'DELETE'].includes(row.http) && Object.keys(rest).length ? `?${new URLSearchParams(rest)}` : ''
  const bearer = await bearerOf(scene, deed, caller)
  const answer = await request(scene.stack, row.http, path + query,
    { token: ['BEARER', 'PENDING', 'SIGNED'].includes(row.who) ? bearer : undefined, ...bodyOf(scene.stack, row, rest) })
  if (answer.status < 400) return 'ok'
  const code = answer.json?.error?.code ?? /data-code="(\w+)"/.exec(answer.text)?.[1]
  assert.equal(answer.status, contract.errors[code], `${code} came with ${answer.status}`)
  return code
}

/** Over a socket that is there, or was refused. */
export async function overSocket(scene, event, deed, state, caller, socket) {
  if (socket.refused) return socket.refused
  return codeOfAnswer(await socket.person.emits(event, args[deed](await scene.at(deed, state, caller, socket.person), state, caller)))
}

export async function overConnect(scene, namespace, caller, transport) {
  const { person, refused } = await tryConnect(new Person(scene.stack, caller.name, caller.token), { ...over(transport), namespace })
  person?.leaves()
  return refused ?? 'ok'
}

/** Over a socket of its own, in another namespace than `/chat`. */
async function overNamespace(scene, { namespace, event }, deed, state, caller, transport) {
  const socket = await tryConnect(new Person(scene.stack, caller.name, caller.token), { ...over(transport), namespace })
  const code = await overSocket(scene, event, deed, state, caller, socket)
  socket.person?.leaves()
  return code
}

/**
 * All that a row asks for in one state: each path with a function that does it and says what was answered. A state of a
 * joined socket is none of REST.
 */
export function waysOf(scene, row, deed, state, caller, sockets) {
  if (deed === 'connect') return Object.keys(transports).map(transport => [transport, () => overConnect(scene, state, caller, transport)])
  const route = contract.routes.find(one => routeName(one) === row)
  if (route) return isJoined(state) ? [] : [['REST', () => overREST(scene, route, deed, state, caller)]]
  const on = contract.events.find(one => eventName(one) === row), event = deed === 'relay' ? 'typing' : on.event
  if (deed !== 'relay' && on.namespace !== '/chat') return Object.keys(transports).map(transport => [transport, () => overNamespace(scene, on, deed, state, caller, transport)])
  return Object.entries(sockets[caller.name]).map(([path, socket]) => [path, () => overSocket(scene, event, deed, state, caller, socket)])
}

