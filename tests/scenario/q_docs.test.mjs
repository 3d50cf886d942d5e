// q_docs - what the gateway says of its own interface: documents that hold, a page to read, and examples that are taken.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Parser } from '@asyncapi/parser'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { root, startStack } from '../lib/stack.mjs'

let stack, token, rest, events
before(async () => {
  stack = await startStack({ env: { MADANG_CHAT_PUSH_SERVICES: 'example.org' } })
  token = await tokenFor(stack, await stack.issueKey({ policy: 'admin' }), 'cy') // examples name ada, who is no friend of her own
  rest = await request(stack, 'GET', '/api/openapi.json')
  events = await request(stack, 'GET', '/api/asyncapi.json')
})
after(() => stack?.stop())

test('both documents are served as they are printed, to anybody, and hold for the validators of their kind', async () => {
  for (const [answer, name] of [[rest, 'openapi'], [events, 'asyncapi']]) {
    assert.equal(answer.status, 200)
    assert.match(answer.headers['content-type'], /^application\/json/)
    assert.equal(answer.text, readFileSync(join(root, `docs/${name}.json`), 'utf8'))
    assert.equal((await request(stack, 'GET', `/api/${name}.json`, { headers: { 'if-none-match': answer.headers.etag } })).status, 304)
  }
  const { valid, errors } = await new Validator().validate(rest.json)
  assert.ok(valid, JSON.stringify(errors))
  const complaints = (await new Parser().validate(events.text)).filter(({ severity }) => severity <= 1)
  assert.deepEqual(complaints.map(({ path, message }) => `${path.join('.')}: ${message}`), [])
})

const operations = () => Object.entries(rest.json.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([verb, operation]) => ({ path, verb, ...operation })))

test('the page has every operation and event, loads nothing from elsewhere and runs nothing', async () => {
  const page = await request(stack, 'GET', '/api/docs', { headers: { accept: 'text/html' } })
  assert.equal(page.status, 200)
  assert.match(page.headers['content-security-policy'], /default-src 'none'; style-src 'self'/)
  for (const { path, operationId } of operations())
    assert.ok(page.text.includes(` ${path}`) && page.text.includes(`id="${operationId}"`), operationId)
  for (const channel of Object.values(events.json.channels))
    for (const event of Object.keys(channel.messages)) assert.ok(page.text.includes(`<code>${event}</code>`), event)
  const groups = [...page.text.matchAll(/<h3 id="of-([^"]+)">/g)].map(([, group]) => group)
  assert.equal(new Set(groups).size, groups.length, 'what is about one thing stands together')
  for (const group of ['/auth', '/api/v1/rooms', '/account']) assert.ok(groups.includes(group), group)
  assert.doesNotMatch(page.text.split('<h2')[0], /`/)
  const anchors = new Set([...page.text.matchAll(/id="([^"]+)"/g)].map(([, id]) => id))
  for (const [, to] of page.text.matchAll(/href="#([^"]+)"/g)) assert.ok(anchors.has(to), to)
  assert.doesNotMatch(page.text, /https?:\/\/(?!example\.org|www\.apache\.org)|<script| on[a-z]+=|style=/)
  assert.equal((await request(stack, 'GET', '/api/docs.css')).headers['content-type'], 'text/css; charset=utf-8')
  assert.equal((await request(stack, 'POST', '/api/docs')).status, 405)
})

/** What a path wants where its braces are. */
const filled = ({ path, parameters }) => path.replace(/\{([^}]+)\}/g, (_, name) =>
  encodeURIComponent(parameters.find(each => each.name === name && each.in === 'path').example))

/** The time of an example has passed when somebody reads it. */
const tried = example => example.send_at === undefined ? example : { ...example, send_at: Date.now() + 86400000 }

test('each example of an event is one that the gateway takes', async () => {
  const key = await stack.issueKey(), people = {}, answers = {}
  for (const channel of ['chat', 'notification']) people[channel] = await Person.arrives(stack, key, 'bo', { namespace: `/${channel}` })
  for (const [event, operation] of Object.entries(events.json.operations)) {
    const channel = operation.channel.$ref.replace('#/channels/', '')
    if (operation.action !== 'receive' || !people[channel]) continue
    answers[event] = (await people[channel].emits(event, tried(events.json.channels[channel].messages[event].examples[0].payload)))?.error?.code ?? 'ok'
  }
  Object.values(people).forEach(person => person.leaves())
  assert.deepEqual(Object.entries(answers).filter(([, code]) => code === 'invalid_argument'), [])
  assert.ok(Object.values(answers).includes('ok'), JSON.stringify(answers))
})

test('each example of a body is one that its route takes', async () => {
  const sent = []
  for (const operation of operations()) {
    const example = operation.requestBody?.content['application/json']?.example
    if (example === undefined) continue
    const { status, json } = await request(stack, operation.verb.toUpperCase(), filled(operation), { token: operation.security.length ? token : undefined, body: tried(example) })
    sent.push({ id: operation.operationId, status, code: json?.error?.code, message: json?.error?.message })
  }
  assert.deepEqual(sent.filter(({ status, code }) => status === 400 || status === 415 || code === 'invalid_argument' || (status >= 500 && code !== 'mail_off')), [])
  assert.ok(sent.filter(({ status }) => status < 300).length >= 5, JSON.stringify(sent))
})
