// madangctl.test.mjs - the command line of rooms, as far as it needs no service: what it teaches, completes, and how it exits.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url)))), bin = join(root, process.env.BIN ?? 'build/bin')
const own = mkdtempSync(join(tmpdir(), 'madangctl-'))
execFileSync(join(bin, 'keygen'), [`${own}/keys`])
after(() => rmSync(own, { recursive: true, force: true }))

/** Nobody answers it. */
const env = { PATH: process.env.PATH, MADANG_KEY_DIR: `${own}/keys`, MADANG_CALL_BUDGET_MS: '100', ...Object.fromEntries(['AUTH', 'CHAT', 'STORE', 'SHARE'].map(service => [`MADANG_${service}_URL`, `ipc://${own}/nobody`])) }
const madangctl = (...words) => {
  const r = spawnSync(join(bin, 'madangctl'), words, { env, input: '', encoding: 'utf8' })
  return { status: r.status, out: r.stdout, err: r.stderr }
}
const commands = () => madangctl('--help').out.split('\n').flatMap(line => /^  ([a-z-]+(?: [a-z-]+)?)  +[A-Z]/.exec(line)?.[1].trim() ?? [])

test('madangctl teaches each of its commands, by its own name', () => {
  assert.match(madangctl('--help').out, /^madangctl - what is kept in Madang\n/)
  assert.match(madangctl('--version').out, /^madangctl \(Madang\) \d/)
  assert.ok(commands().includes('room purge') && commands().includes('job list'), commands().join())
  for (const command of commands()) {
    const { out, status } = madangctl('help', ...command.split(' '))
    assert.equal(status, 0, command)
    assert.ok(out.startsWith(`usage: madangctl ${command}`), out)
    assert.ok(out.split('\n').every(line => line.length <= 96 || line.startsWith('  madangctl ')), out)
    assert.doesNotMatch(out.replace(/\s+/g, ' ').replace(/authctl (audit list|user import|user sessions|user logout|session logout|key list|ban add)/g, ''), /authctl/)
  }
  assert.match(madangctl('room', 'purgee').err, /^madangctl: .*\n.*perhaps you mean purge/)
})

test('the words of each example of madangctl are those that its command takes', () => {
  const examples = commands().flatMap(command => madangctl('help', ...command.split(' ')).out.split('\n').filter(line => line.startsWith('  madangctl ')))
  assert.ok(examples.length >= commands().length, examples.join('\n'))
  writeFileSync(join(own, 'people.ndjson'), '{"id":"01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2","nickname":"ada"}\n')
  for (const example of examples) {
    const words = example.trim().replace(/ *[>|<].*/, '').match(/'[^']*'|[^ ]+/g).map(word => word.replace(/^'|'$/g, '')).slice(1)
      .map((word, i, all) => word === 'import.jsonl' ? join(root, 'tests/lib/mattermost.jsonl') : /^(room|people)\.ndjson$/.test(word) || all[i - 1] === '--to' ? join(own, word) : word)
    const { status, err } = madangctl(...words)
    assert.ok(status === 0 || status === 3, `${example}: ${status} ${err}`)
  }
})

test('exit statuses of madangctl: usage 2, unreachable 3', () => {
  const room = '01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2'
  for (const words of [[], ['room'], ['room', 'fly'], ['room', 'show'], ['room', 'show', 'none'], ['room', 'archive', room], ['room', 'purge', room, '--yes'],
    ['room', 'archive', room, '--reason', ''], ['room', 'retention', room, '--days', '3'], ['room', 'retention', room, '--days', '99999', '--reason', 'x'], ['room', 'list', '--idle-since', 'soon'], ['job', 'list', 'postgres'],
    ['room', 'export', room, '--reason', 'x', '--to', '/nonexistent/file'], ['room', 'import'], ['room', 'import', '/nonexistent/file']])
    assert.equal(madangctl(...words).status, 2, words.join(' '))
  for (const words of [['room', 'list'], ['room', 'show', room], ['room', 'purge', room, '--reason', 'x'], ['job', 'list', 'store']]) {
    const { status, err } = madangctl(...words)
    assert.equal(status, 3, words.join(' '))
    assert.match(err, /^madangctl: unavailable/)
  }
})

test('the manual page and the completions of madangctl are its rows', () => {
  const page = spawnSync('man', ['-l', '-'], { input: madangctl('man').out, env: { ...process.env, MANWIDTH: '100' }, encoding: 'utf8' }).stdout ?? ''
  assert.match(madangctl('man').out, /^\.Dd [^]*\.Dt MADANGCTL 1\n/)
  if (page) assert.match(page, /madangctl room purge ROOM --reason TEXT/)
  const completed = (...words) => execFileSync('bash', ['--norc', '-c', `. <("$1" completion bash)
    COMP_WORDS=(madangctl ${words.map(word => `'${word}'`).join(' ')}) COMP_CWORD=${words.length}
    $(complete -p madangctl | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
    printf '%s\\n' "\${COMPREPLY[@]}"`, '-', join(bin, 'madangctl')], { encoding: 'utf8', cwd: root }).trim().split('\n')
  assert.deepEqual(completed('ro'), ['room'])
  assert.deepEqual(completed('room', 'pu'), ['purge'])
  assert.deepEqual(completed('room', 'list', '--kind', 'arch'), ['archived'])
  assert.deepEqual(completed('job', 'list', 'st'), ['store'])
  assert.deepEqual(completed('room', 'purge', 'x', '--r'), ['--reason'])
  assert.match(madangctl('completion', 'zsh').out, /^#compdef madangctl\n[^]*\n_madangctl "\$@"\n$/)
  if (bin === join(root, 'build/bin'))
    for (const [file, words] of [['man/man1/madangctl.1', ['man']], ['bash-completion/completions/madangctl', ['completion', 'bash']], ['zsh/site-functions/_madangctl', ['completion', 'zsh']]])
      assert.equal(readFileSync(join(root, 'build/share', file), 'utf8'), madangctl(...words).out)
})
