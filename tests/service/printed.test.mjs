// printed - docs/openapi.json and docs/asyncapi.json are what the tables say now, and a reader's tools can take them in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { root } from '../lib/stack.mjs'

const protodoc = join(resolve(root, process.env.BIN ?? 'build/bin'), 'protodoc')
const printed = kind => readFileSync(join(root, `docs/${kind}.json`), 'utf8')

/** What a $ref such as "#/channels/chat" names. */
const resolved = (spec, ref) =>
  ref.slice(2).split('/').reduce((at, name) => at?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], spec)

function refsOf(value) {
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, inner]) => name === '$ref' ? [inner] : refsOf(inner))
}

for (const kind of ['openapi', 'asyncapi']) {
  test(`docs/${kind}.json is up to date, and every reference in it leads somewhere`, () => {
    assert.equal(printed(kind), execFileSync(protodoc, [kind], { encoding: 'utf8', maxBuffer: 1 << 26 }))
    const spec = JSON.parse(printed(kind))
    const refs = refsOf(spec)
    assert.ok(refs.length > 20)
    assert.deepEqual(refs.filter(ref => resolved(spec, ref) === undefined), [])
    assert.deepEqual(Object.keys(spec.info.license), ['name', 'url'])      // AsyncAPI has no `identifier`
  })
}

test('a channel has a name, and what is heard in two of them is in both', () => {
  const { channels, operations } = JSON.parse(printed('asyncapi'))
  assert.deepEqual(Object.keys(channels).sort(), ['any', 'chat', 'error', 'link', 'notification', 'system'])
  assert.ok(operations['any.error'] && operations['error.error'])
})
