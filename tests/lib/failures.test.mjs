// What failed is said in the last lines of a run: they are all that some machines keep of it.
// SPDX-License-Identifier: Apache-2.0
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digest, failuresOf } from './failures.mjs'

const HEAD = "import { before, test } from 'node:test'\nimport assert from 'node:assert/strict'\n"

/** What a run says of a file with this text. */
function saidOf(text) {
  const dir = mkdtempSync(join(tmpdir(), 'madang-failures-'))
  try {
    const file = join(dir, 'x.test.mjs')
    writeFileSync(file, HEAD + text)
    const { stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], { encoding: 'utf8', env: { ...process.env, NODE_TEST_CONTEXT: undefined } })
    return digest(failuresOf(stdout).map(failure => ({ job: 'scenarios: x', ...failure }))).map(line => line.replaceAll(dir, 'DIR'))
  } finally {
    rmSync(dir, { recursive: true })
  }
}

test('a failed comparison is said with its test, what differs and its line, and one within another once', () => {
  const said = saidOf("test('outer', t => t.test('inner', () => assert.deepEqual({ a: 1, b: 2, c: 3 }, { a: 1, b: 2, c: 4 })))")
  assert.equal(said[0], 'not ok - scenarios: x: inner')
  assert.deepEqual(said.filter(line => /^ {4}[+-] {2}/.test(line)).map(line => line.trim().replace(/,$/, '')), ['+   c: 3', '-   c: 4'])
  assert.ok(said.some(line => line.includes('(DIR/x.test.mjs:3:')), said.join('\n'))
  assert.ok(!said.some(line => line.includes('outer')))
  assert.deepEqual(saidOf("test('times', () => assert.ok(false, 'told three times'))").slice(0, 4), [
    'not ok - scenarios: x: times', '    told three times', '    expected: true', '    actual: false'])
})

test('a comparison of much that is equal is said with what differs and its line, too', () => {
  const said = saidOf("const many = Array.from({ length: 40 }, (_, i) => i)\ntest('long', () => assert.deepEqual({ many, a: { more: many, z: 1 } }, { many, a: { more: many, z: 2 } }))")
  assert.ok(said.some(line => /\+ +z: 1/.test(line)), said.join('\n'))
  assert.ok(said.some(line => line.includes('(DIR/x.test.mjs:4:')), said.join('\n'))
})

test('what keeps every test from running is said once', () => {
  const said = saidOf("before(() => { throw new Error('the stack did not start') })\ntest('one', () => {})\ntest('two', () => {})")
  assert.equal(said[1], '    the stack did not start')
  assert.deepEqual(said.slice(-2), ['not ok - scenarios: x: two', '    for the same reason'])
})

test('a file that dies says its last words', () => {
  const said = saidOf("test('fine', () => {})\nsetTimeout(() => { console.error('no such thing'); process.exit(3) })\ntest('slow', () => new Promise(done => { setTimeout(done, 60000) }))")
  assert.ok(said.includes('    # no such thing'), said.join('\n'))
})

test("a program's and a script's verdicts are said with what stands around them", () => {
  const cmocka = '# build/tests/service/test_a\n1..2\nok 1 - a\nERROR: it died\nnot ok 2 - b\n# 0x1 != 0x2\n# tests/service/test_a.c:7: error: Failure!\n# not ok - tests\n'
  assert.deepEqual(digest(failuresOf(cmocka)), [
    'not ok - b', '    ERROR: it died', '    0x1 != 0x2', '    tests/service/test_a.c:7: error: Failure!', '    build/tests/service/test_a'])
  const make = `${'  CC x.o\n'.repeat(50)}x.c:3:1: error: no such type\nmake: *** [x.o] Error 1\n`
  const said = digest(failuresOf(make))
  assert.equal(said[1], '    x.c:3:1: error: no such type')
  assert.ok(said.length <= 15)
})

test('what is skipped has not failed', () => {
  assert.deepEqual(failuresOf('not ok 1 - a # SKIP no engine\nnot ok 2 - b\n').map(({ name }) => name), ['b'])
})

test('many failures leave each its name and its first word, in about as many lines as are kept', () => {
  const many = Array.from({ length: 10 }, (_, i) => ({ job: 'unit', name: `${i}`, why: Array.from({ length: 40 }, (_, k) => `${i} ${k}`), where: ['here:1'] }))
  const said = digest(many)
  assert.ok(said.length <= 36)
  for (let i = 0; i < 10; i++) assert.ok(said.includes(`not ok - unit: ${i}`) && said.includes(`    ${i} 0`))
})
