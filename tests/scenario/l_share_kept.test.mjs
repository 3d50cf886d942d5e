// l_share_kept - a conversation is taken along as a file: by who may read it, and by who has opened a link, as far as its owner lets them.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { request } from '../lib/people.mjs'
import { aForm, sharer } from '../lib/share.mjs'
import { startStack } from '../lib/stack.mjs'

let stack, key
before(async () => {
  stack = await startStack({ env: { MADANG_GATEWAY_RATE_PERCENT: '10000' } })
  key = await stack.issueKey()
})
after(() => stack?.stop())

/** Somebody who keeps conversations and shares them. */
async function somebody(name) {
  const one = await sharer(stack, key, name), { asks, gets } = one
  return {
    ...one,
    keeps: data => gets(201, 'POST', '/conversations', { name: 'At the harbour', theme: 'courtyard', data }),
    changes: (talk, data) => gets(200, 'PUT', `/conversations/${talk.id}`, { name: 'At the harbour', data }),
    views: async talk => (await asks('GET', `/conversations/${talk.id}/share`)).json.data.links.map(({ views }) => views),
    takes: (talk, query = '') => asks('GET', `/conversations/${talk.id}/export${query}`),
    uploads: (content, name) => gets(201, 'POST', '/media', undefined, aForm(content, name)),
  }
}
const opens = async (link, more = {}) => {
  const { status, json, text } = await request(stack, 'GET', `/api/v1/share/${link.code}`, { headers: more })
  assert.equal(status, 200, text)
  return json.data.share_visit
}
const takes = (link, visit, query = '', root = '/api/v1/share') => request(stack, 'GET', `${root}/${link.code}/export${query}`, { headers: visit ? { 'x-share-visit': visit } : {} })
const linesOf = ({ status, text }) => { assert.equal(status, 200, text); assert.ok(text.endsWith('\n')); return text.trimEnd().split('\n').map(line => JSON.parse(line)) }
const isRefused = ({ status, json }, wanted, code) => assert.deepEqual([status, json?.error?.code], [wanted, code])

const DATA = {
  messages: [
    { sender: 'ada', text: 'The tide is at six.', time: '17:20', mood: { calm: true } },
    { sender: 'me', text: 'Then we leave at five,\n[17:21] Ada: no', time: '17:22' },
    { type: 'system', text: 'Bob has left' },
    { sender: 'bob', text: '\u001b[2Jcleared\u009b', n: 1.5 },
    { sender: 'bob', sticker: 7 },
  ],
  profiles: { ada: { name: 'Ada' }, bob: { name: '밥\nEve' } },
  statusBar: { battery: 80 },
}

test('its owner takes it along as lines of JSON: all that is kept of it, as it was written', async () => {
  const ada = await somebody('ada'), file = await ada.uploads('High water: six.', 'tide table.txt')
  const data = structuredClone(DATA)
  data.messages[0].file = file.url
  const talk = await ada.keeps(data), answer = await ada.takes(talk)
  assert.equal(answer.headers['content-type'], 'application/x-ndjson')
  assert.equal(answer.headers['content-disposition'], `attachment; filename="At the harbour.ndjson"; filename*=UTF-8''${[...Buffer.from('At the harbour.ndjson')].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')}`)
  assert.deepEqual([answer.headers['cache-control'], answer.headers['x-content-type-options'], answer.headers['content-security-policy']], ['no-store', 'nosniff', "default-src 'none'; sandbox"])
  const [{ conversation }, { medium }, ...rest] = linesOf(answer)
  const { messages, ...others } = data
  assert.deepEqual(conversation, { format: 'madang-conversation', version: 1, name: 'At the harbour', theme: 'courtyard', changed_at: talk.changed_at ?? talk.created_at, data: others })
  assert.deepEqual([medium.id, medium.name, medium.url], [file.id, 'tide table.txt', file.url])
  assert.deepEqual(rest, [...messages.map(message => ({ message })), { end: { messages: 5 } }])
  assert.deepEqual(linesOf(await ada.takes(talk, '?format=ndjson')), linesOf(answer))
})

test('as text it says who said what, and nobody says there what somebody else has said', async () => {
  const ada = await somebody('ada'), talk = await ada.keeps(DATA), answer = await ada.takes(talk, '?format=text')
  assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
  const lines = answer.text.split('\n')
  assert.equal(lines[0], 'At the harbour')
  assert.match(lines[1], /^Messages: 5, As of: \d{4}-\d\d-\d\d \d\d:\d\d UTC$/)
  assert.deepEqual(lines.slice(2), ['', '[17:20] Ada: The tide is at six.', '[17:22] me: Then we leave at five,', '    [17:21] Ada: no', '-- Bob has left',
    '밥 Eve: [2Jcleared', '밥 Eve: Something that this page does not show', ''])
  assert.match((await ada.takes(talk, '?format=text&lang=ko')).text, /^메시지: 5/m)
})

test('as a page it stands by itself: nothing is loaded, nothing runs, and files are named', async () => {
  const ada = await somebody('ada'), file = await ada.uploads('High water: six.', 'tide & table.txt')
  const talk = await ada.keeps({ messages: [{ sender: '<b>', text: '<script>alert(1)</script> & "so"', file: file.url }, { sender: 'bob', file: file.url }] })
  const answer = await ada.takes(talk, '?format=html')
  assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8')
  assert.match(answer.headers['content-disposition'], /^attachment; /)
  assert.doesNotMatch(answer.text, /<script|<b>|src=|href=|url\(|<form|<img/)
  assert.match(answer.text, /&lt;script&gt;alert\(1\)&lt;\/script&gt; &amp; &quot;so&quot;/)
  assert.equal(answer.text.match(/tide &amp; table\.txt/g).length, 2)
})

test('who may read it may take it along; to others it is not there, and a public one tells no files', async () => {
  const [ada, bob, eve] = await Promise.all(['ada', 'bob', 'eve'].map(name => somebody(name))), file = await ada.uploads('mine', 'mine.txt')
  const talk = await ada.keeps({ messages: [{ text: 'hi', file: file.url }] })
  isRefused(await bob.takes(talk), 404, 'not_found')
  assert.equal((await ada.asks('POST', `/conversations/${talk.id}/people`, { subject: bob.subject, role: 'reader' })).status, 200)
  assert.equal(linesOf(await bob.takes(talk)).filter(({ medium }) => medium).length, 1)
  isRefused(await eve.takes(talk), 404, 'not_found')
  assert.equal((await ada.asks('PATCH', `/conversations/${talk.id}`, { public: true })).status, 200)
  assert.equal(linesOf(await eve.takes(talk)).filter(({ medium }) => medium).length, 0)
  isRefused(await ada.takes(talk, '?format=pdf'), 400, 'invalid_argument')
  isRefused(await ada.takes({ id: randomUUID() }), 404, 'not_found')
  assert.equal((await ada.asks('DELETE', `/conversations/${talk.id}`)).status, 204)
  isRefused(await bob.takes(talk), 404, 'not_found')
})

test('who has opened a link takes along what it shows, without another view, while it opens and where its owner lets them', async () => {
  const ada = await somebody('ada'), file = await ada.uploads('mine', 'mine.txt'), data = { messages: [{ text: 'as it was', file: file.url }] }
  const talk = await ada.keeps(data), link = await ada.shares(talk, { view_budget: 2, snapshot: true })
  isRefused(await takes(link), 403, 'forbidden')
  const visit = await opens(link)
  await ada.changes(talk, { messages: [{ text: 'as it is' }] })
  const [, { medium }, { message }] = linesOf(await takes(link, visit))
  assert.deepEqual([medium.url, message.text], [`/s/${link.code}/media/${file.id}`, 'as it was'])
  assert.match((await takes(link, visit, '?format=text')).text, /as it was\n {4}\+ mine\.txt\n$/)
  assert.deepEqual(await ada.views(talk), [1])
  const cookie = { cookie: `__Secure-madang_share=${visit}` }
  assert.match((await request(stack, 'GET', `/s/${link.code}/export?format=html`, { headers: cookie })).text, /as it was/)
  isRefused(await request(stack, 'GET', `/s/${randomUUID()}/export`, { headers: cookie }), 404, 'not_found')
  await ada.edits(link, { download: false })
  for (const query of ['', '?format=html', '?format=text']) isRefused(await takes(link, visit, query), 403, 'forbidden')
  await ada.edits(link, { download: true, password: 'six at the harbour' })
  isRefused(await takes(link, visit), 403, 'forbidden')
  await ada.revokes(link)
  isRefused(await takes(link, visit), 410, 'gone')
})

test('however long it is, what is kept of it is taken along; what would come to more than a file may have is refused', async () => {
  const ada = await somebody('ada'), many = 30000
  const talk = await ada.keeps({ messages: Array.from({ length: many }, () => ({})) })
  const lines = linesOf(await ada.takes(talk))
  assert.deepEqual([lines.length, lines.at(-1)], [many + 2, { end: { messages: many } }])
  for (const format of ['html', 'text']) isRefused(await ada.takes(talk, `?format=${format}`), 413, 'too_large')
  const wide = await ada.keeps({ messages: [{ text: '&'.repeat(200000) }, { text: '\u0001'.repeat(1000) }] })
  assert.equal((await ada.takes(wide, '?format=html')).text.match(/&amp;/g).length, 200000)
  const odd = await ada.keeps({ profiles: [], note: 'none' })
  assert.deepEqual(linesOf(await ada.takes(odd)), [{ conversation: { ...linesOf(await ada.takes(odd))[0].conversation, data: { profiles: [], note: 'none' } } }, { end: { messages: 0 } }])
  assert.match((await ada.takes(odd, '?format=html')).text, /Nobody has said anything yet/)
})
