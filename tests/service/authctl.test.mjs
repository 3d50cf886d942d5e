// authctl.test.mjs - the command line against a real auth process: what it prints, where, and how it exits.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { bin, root, startAuth } from './auth_process.mjs'

let auth, authctl

const issue = (...more) => JSON.parse(authctl(['key', 'issue', '--name', 'web', '--policy', 'chat-client', '--json', ...more]).out)

before(async () => {
  auth = await startAuth()
  authctl = auth.authctl
  auth.start()
})

after(() => auth?.end())

test('a key alone goes to standard output, the warning to standard error', () => {
  const r = authctl(['key', 'issue', '--name', 'web', '--policy', 'chat-client', '--expires', '90d', '--network', '10.0.0.0/8'])
  assert.equal(r.status, 0)
  assert.match(r.out, /^mdk_[0-9A-Za-z]{12}_[\w-]{43}_[0-9a-f]{8}\n$/)
  assert.match(r.err, /cannot be shown again/)
  assert.match(authctl(['key', 'list']).out, /web +chat-client +active .*10\.0\.0\.0\/8/)
})

test('what a key may is said when it is issued, listed and edited', () => {
  const key = issue('--act-as-users', '--bind-tokens', '--network', '10.0.0.0/8')
  const row = () => authctl(['key', 'list']).out.split('\n').find(line => line.startsWith(key.id))
  assert.match(row(), /impersonate, act_as_users, bind_tokens +10\.0\.0\.0\/8$/)
  const edited = authctl(['key', 'edit', key.id, '--no-act-as-users', '--no-bind-tokens', '--network', '192.0.2.0/24', '--network', '2001:db8::/32'])
  assert.equal(edited.status, 0)
  assert.match(edited.out, /rights +impersonate\nfrom +192\.0\.2\.0\/24, 2001:db8::\/32\n/)
  assert.match(authctl(['key', 'edit', key.id, '--anywhere', '--no-impersonate']).out, /rights +(-|)\nfrom +anywhere\n/)
  assert.ok(row().endsWith('anywhere'))
  for (const [words, why] of [
    [[], /nothing to change/], [['--impersonate', '--no-impersonate'], /--impersonate and --no-impersonate exclude each other/], [['--fly'], /not understood/],
  ]) {
    const wrong = authctl(['key', 'edit', key.id, ...words])
    assert.equal(wrong.status, 2)
    assert.match(wrong.err, why)
  }
  for (const words of [['--network', '10.0.0.1/8'], ['--network', '10.0.0.0/8', '--anywhere']]) {
    const refused = authctl(['key', 'edit', key.id, ...words])
    assert.equal(refused.status, 1)
    assert.match(refused.err, /invalid_argument/)
  }
  assert.match(authctl(['key', 'edit', 'nobody', '--anywhere']).err, /not_found/)
  assert.match(authctl(['key', 'edit', '--help']).out, /--\[no-\]act-as-users/)
})

test('a session is ended by its id, whatever it begins with', () => {
  for (const id of ['3RacUQ_Afg2dw0Zbt-IOO', '-3RacUQ_Afg2dw0Zbt-IO', '_-RacUQ_Afg2dw0Zbt-IO']) {
    const { status, err } = authctl(['session', 'logout', id])
    assert.deepEqual([status, err], [0, ''], id)
  }
})

test('a key is shown, edited, disabled and enabled', () => {
  const key = issue('--uses', '3', '--limit', 'key_requests=600', '--limit', 'rooms=7')
  const shown = () => authctl(['key', 'show', key.id]).out
  assert.match(shown(), /state +active\n[^]*for +3 tokens more\nlimits +key_requests = 600\n +rooms = 7\ncreated .* by an operator\nexpires +-\nlast used +-\n/)
  const edited = JSON.parse(authctl(['key', 'edit', key.id, '--name', 'renamed', '--policy', 'read-only', '--expires', '90d', '--any-uses', '--limit', 'rooms=-', '--limit', 'key_events=0', '--json']).out)
  assert.deepEqual([edited.name, edited.policy, edited.uses_left, edited.limits], ['renamed', 'read-only', undefined, [{ name: 'key_events', limit: 0 }, { name: 'key_requests', limit: 600 }]])
  assert.ok(edited.expires_at > Date.now() + 89 * 86400000)
  assert.equal(JSON.parse(authctl(['key', 'edit', key.id, '--expires', '0', '--json']).out).expires_at, undefined)
  assert.match(authctl(['key', 'disable', key.id]).out, /\(renamed\) is disabled\.\n$/)
  assert.match(shown(), /state +disabled/)
  assert.match(authctl(['key', 'enable', key.id]).out, /\(renamed\) is active\.\n$/)
  for (const [limit, status] of [['rooms', 2], ['rooms=x', 2], ['=5', 2], ['nonsense=5', 1], ['auth=5', 1]])
    assert.equal(authctl(['key', 'edit', key.id, '--limit', limit]).status, status, limit)
  assert.equal(authctl(['key', 'show', 'nobody']).status, 1)
})

test('whether a text is a key is said without asking anybody, and without showing it', () => {
  const key = issue().key, check = input => authctl(['key', 'check', '-'], { input, extra: { MADANG_AUTH_URL: `ipc://${auth.own}/nobody`, MADANG_KEY_DIR: auth.own } })
  const good = check(`${key}\n`)
  assert.deepEqual([good.status, good.out, good.err], [0, `line 1: key ${key.split('_')[1]}\n`, ''])
  const wrong = key.slice(0, 30) + (key[30] === 'a' ? 'b' : 'a') + key.slice(31)
  const several = check(`\n${key}\n${wrong}\n${key.slice(0, -1)}\nhello\n`)
  assert.equal(several.status, 4)
  assert.match(several.out, /^line 2: key \w{12}\nline 3: the checksum does not fit.*\nline 4: has 68 characters, and not 69\nline 5: does not begin with mdk_\n$/)
  for (const { out, err } of [good, several]) assert.doesNotMatch(out + err, new RegExp(key.split('_').slice(2, -1).join('_').slice(0, 12)))
  assert.equal(check('\n').status, 2)
  assert.deepEqual(JSON.parse(authctl(['key', 'check', '-', '--json'], { input: key }).out), { line: 1, good: true, id: key.split('_')[1] })
})

test('a key is rotated and revoked by its id', () => {
  const key = issue('--no-impersonate')
  const again = JSON.parse(authctl(['key', 'rotate', key.id, '--grace', '1h', '--json']).out)
  assert.notEqual(again.key, key.key)
  assert.ok(again.grace_until > Date.now() + 3500e3)
  assert.equal(authctl(['key', 'revoke', key.id]).status, 0)
  const listed = JSON.parse(authctl(['key', 'list', '--json']).out).keys.find(k => k.id === key.id)
  assert.equal(listed.state, 'revoked')
  assert.equal(listed.impersonate, false)
})

test('what policy show prints, policy put takes', () => {
  const shown = authctl(['policy', 'show', 'chat-client', '--json']).out
  assert.equal(authctl(['policy', 'put', 'copy', '-'], { input: shown.replace(/"version":\d+,?/, '') }).status, 0)
  assert.deepEqual(JSON.parse(authctl(['policy', 'show', 'copy', '--json']).out).rules, JSON.parse(shown).rules)
  assert.equal(authctl(['policy', 'put', 'short', '-'], { input: '[{"effect":"deny"}]' }).status, 0)
  assert.match(authctl(['policy', 'list']).out, /short/)
})

test('a policy without end is refused, and not read for ever', () => {
  const { status, stderr } = spawnSync(join(bin, 'authctl'), ['policy', 'put', 'endless', '/dev/zero'], { env: auth.env, encoding: 'utf8', timeout: 20000 })
  assert.equal(status, 2)
  assert.match(stderr, /too large/)
})

test('a policy is deleted once no key has it', () => {
  const rules = '[{"effect":"deny"}]'
  assert.equal(authctl(['policy', 'put', 'doomed', '-'], { input: rules }).status, 0)
  const key = JSON.parse(authctl(['key', 'issue', '--name', 'web', '--policy', 'doomed', '--json']).out)
  const refused = authctl(['policy', 'delete', 'doomed'])
  assert.equal(refused.status, 1)
  assert.match(refused.err, new RegExp(`conflict: Keys have the policy doomed: ${key.id} \\(web\\)`))
  authctl(['key', 'revoke', key.id])
  assert.equal(authctl(['policy', 'delete', 'doomed']).status, 1, 'a revoked key keeps its policy')
  assert.equal(authctl(['policy', 'delete', 'member']).status, 1)
  assert.equal(authctl(['policy', 'put', 'unused', '-'], { input: rules }).status, 0)
  assert.equal(authctl(['policy', 'delete', 'unused']).out, 'There is no policy unused any more.\n')
  assert.equal(authctl(['policy', 'delete', 'unused']).status, 0)
  assert.equal(authctl(['policy', 'show', 'unused']).status, 1)
})

const written = (name, text) => {
  writeFileSync(join(auth.own, name), text)
  return join(auth.own, name)
}

test('diff compares a policy with a file, rule by rule', () => {
  const rule = (effect, ...rooms) => ({ effect, rooms })
  const file = (name, ...rules) => written(name, JSON.stringify(rules))
  assert.equal(authctl(['policy', 'put', 'compared', file('a.json', rule('allow', 'a'), rule('allow', 'b'), rule('deny', 'c'))]).status, 0)
  const same = authctl(['policy', 'diff', 'compared', join(auth.own, 'a.json')])
  assert.deepEqual([same.status, same.out], [0, 'compared, version 1, is as the file.\n'])
  const other = file('b.json', rule('allow', 'b'), rule('allow', 'x'), rule('deny', 'c'))
  const differ = authctl(['policy', 'diff', 'compared', other])
  assert.equal(differ.status, 4)
  assert.deepEqual(differ.out.split('\n').slice(1, 5).map(line => line.replace(/ +/g, ' ')), ['- 0 allow rooms a', ' 1 allow rooms b', '+ 1 allow rooms x', ' 2 deny rooms c'])
  const { same: is, there, here } = JSON.parse(authctl(['policy', 'diff', 'compared', other, '--json']).out)
  assert.deepEqual([is, there.map(r => r.rooms), here.map(r => r.rooms)], [false, [['a']], [['x']]])
  assert.equal(authctl(['policy', 'diff', 'nobody', other]).status, 1)
})

test('policies are held against a table of expectations', () => {
  const table = written('table.txt', `# what apps may do
policy       action   namespace  event         room           subject  expect
chat-client  emit     /chat      message:send  -              ada      allow
read-only    emit     /chat      message:send  "a room"       -        deny
chat-client  admin    /admin     -             -              -        deny
`)
  const good = authctl(['policy', 'test', table])
  assert.deepEqual([good.status, good.out, good.err], [0, '3 met, 0 missed\n', ''])
  const bad = written('bad.txt', 'expect policy action namespace\nallow chat-client connect /nowhere\ndeny chat-client connect /chat\nallow chat-client connect /\n')
  const missed = authctl(['policy', 'test', bad])
  assert.equal(missed.status, 4)
  assert.equal(missed.out, 'line 2: chat-client connect /nowhere: expected allow, and it is denied (no rule fits)\n' +
    'line 3: chat-client connect /chat: expected deny, and it is allowed (rule 0)\n1 met, 2 missed\n')
  assert.deepEqual(JSON.parse(authctl(['policy', 'test', bad, '--json']).out),
    { met: 1, missed: [{ number: 1, allowed: false, rule: -1 }, { number: 2, allowed: true, rule: 0 }] })
  // Of files alone, without a server.
  const nobody = { extra: { MADANG_AUTH_URL: `ipc://${auth.own}/nobody`, MADANG_CALL_BUDGET_MS: '100' } }
  const draft = written('draft.json', '[{"effect":"allow","namespaces":["/nowhere"]}]')
  const own = written('own.txt', 'policy action namespace expect\ndraft connect /nowhere allow\ndraft connect /chat deny\n')
  assert.equal(authctl(['policy', 'test', own, '--rules', `draft=${draft}`], nobody).status, 0)
  assert.equal(authctl(['policy', 'test', table, '--rules', `draft=${draft}`], nobody).status, 3)
  assert.match(authctl(['policy', 'test', own]).err, /case 1: policy: there is no policy draft/)
  assert.equal(authctl(['policy', 'test', bad, '--rules', `chat-client=${draft}`]).out.split('\n').at(-2), '2 met, 1 missed')
  for (const text of ['', '# nothing', 'policy action', 'policy action expect\nx y', 'policy action expect expect\n', 'policy action expect\nx emit "unended'])
    assert.equal(authctl(['policy', 'test', '-'], { input: text }).status, 2, text)
})

test('what administrators did is listed, page by page, and by what is said of it', () => {
  for (let i = 0; i < 5; i++) authctl(['quota', 'set', 'conversations', String(100 + i), '--subject', 'audited'])
  const listed = (...words) => JSON.parse(authctl(['audit', 'list', '--json', ...words]).out).audit
  const all = listed()
  assert.deepEqual(all.map(({ n }) => n), all.map((_, i) => all.length - i), 'the newest first, without a gap')
  assert.deepEqual(listed('--what', 'limit.', '--last', '2').map(({ what, detail }) => [what, detail.limit]), [['limit.set', 104], ['limit.set', 103]])
  assert.deepEqual(listed('--target', 'nobody'), [])
  assert.deepEqual(listed('--since', '1h').length, all.length)
  assert.deepEqual(listed('--until', '2020-01-01'), [])
  assert.deepEqual(listed('--who', all[0].who).length, all.length)
  assert.match(all[0].who, /^admin:/)
  auth.sql("SELECT auth.audit_add(now(), 'many', 'test', n::text, jsonb_build_object('n', n)) FROM generate_series(1, 250) n", 'madang_auth')
  assert.deepEqual(listed('--who', 'many').map(({ target }) => Number(target)), Array.from({ length: 250 }, (_, i) => 250 - i))
  assert.match(authctl(['audit', 'list', '--last', '1']).out, /^N +AT +WHO .*\n\d+ +\d{4}-.* many +test +250 +\{"n":250\}\n$/)
  assert.equal(authctl(['audit', 'list', '--since', 'yesterday']).status, 2)
})

test('the chain is verified where it is, and in a copy; who changed it is found', () => {
  const whole = authctl(['audit', 'verify'])
  assert.equal(whole.status, 0)
  const [, n, hash] = /^The chain is whole\. Its newest row: (\d+):([0-9a-f]{64})\n$/.exec(whole.out)
  const exported = authctl(['audit', 'export']).out
  const copy = written('audit.ndjson', exported)
  const lines = exported.trimEnd().split('\n')
  assert.equal(lines.length, Number(n))
  assert.ok(!exported.includes('mdk_'))
  assert.equal(authctl(['audit', 'verify', copy]).out, `The copy is whole. Its newest row: ${n}:${hash}\n`)
  assert.equal(authctl(['audit', 'verify', copy, '--anchor', `${n}:${hash}`], { extra: { MADANG_AUTH_URL: 'ipc:///nowhere' } }).status, 0)
  assert.equal(authctl(['audit', 'verify', '--anchor', `${n}:${hash}`]).status, 0)
  // Whoever reads the row verifies it without us.
  const row = Number(n) - 1, link = JSON.parse(lines[row])
  assert.equal(createHash('sha256').update(Buffer.from(link.prev, 'hex')).update(/"row":(.*)\}$/.exec(lines[row])[1]).digest('hex'), link.hash)
  // What is added later continues the same file.
  authctl(['quota', 'unset', 'conversations', '--subject', 'audited'])
  writeFileSync(copy, exported + authctl(['audit', 'export', '--after', n]).out)
  assert.equal(authctl(['audit', 'verify', copy, '--anchor', `${n}:${hash}`]).status, 0)

  const broken = (text, at, ...words) => {
    const r = authctl(['audit', 'verify', written('changed.ndjson', text), ...words])
    assert.deepEqual([r.status, r.out], [4, `The copy is broken at row ${at}.\n`])
  }
  const with_ = (i, change) => lines.map((line, k) => k === i ? change(line) : line).join('\n')
  broken(with_(3, line => line.replace('"admin:', '"nobody:')), 4)
  broken(with_(3, line => line.replace('"n":4', '"n":5')), 5)
  broken(lines.filter((_, i) => i !== 3).join('\n'), 5)
  broken([...lines.slice(0, 3), lines[4], lines[3]].join('\n'), 5)
  broken(exported, n, '--anchor', `${n}:${hash.replace(/./g, '0')}`)
  broken(lines.slice(0, 5).join('\n'), n, '--anchor', `${n}:${hash}`)
  assert.equal(authctl(['audit', 'verify', written('changed.ndjson', 'nonsense')]).status, 2)

  auth.sql(`SET session_replication_role = replica; UPDATE auth.audit SET who = 'nobody' WHERE n = 7`)
  const there = authctl(['audit', 'verify'])
  assert.deepEqual([there.status, there.out], [4, 'The chain is broken at row 7.\n'])
  // A new chain, whole in itself, is not the one that was.
  auth.sql(`SET session_replication_role = replica; DELETE FROM auth.audit`)
  auth.sql("SELECT auth.audit_add(now(), 'forger', 'key.issue', n::text, '{}') FROM generate_series(1, 400) n", 'madang_auth')
  assert.equal(authctl(['audit', 'verify']).status, 0)
  assert.equal(authctl(['audit', 'verify', '--anchor', `${n}:${hash}`]).status, 4)
  assert.equal(authctl(['audit', 'verify', '--anchor', 'x:y']).status, 2)
})

test('explain names the rule', () => {
  const ask = ['policy', 'explain', '--policy', 'chat-client', '--namespace', '/chat', '--event', 'message:send', '--action']
  assert.match(authctl([...ask, 'emit', '--subject', 'ada']).out, /^allowed: rule 1 /)
  assert.match(authctl([...ask, 'admin']).out, /^denied: none of 3 rules/)
})

test('exit statuses: refused 1, usage 2, unreachable 3', () => {
  assert.equal(authctl(['key', 'revoke', 'nobody']).status, 1)
  assert.equal(authctl(['key', 'issue', '--name', 'x', '--policy', 'nobody']).status, 1)
  assert.equal(authctl(['policy', 'put', 'bad', '-'], { input: '[{"effect":"maybe"}]' }).status, 1)
  for (const args of [[], ['key'], ['key', 'fly'], ['key', 'issue'], ['key', 'issue', '--name'], ['key', 'revoke'], ['key', 'list', 'x'],
    ['key', 'issue', '--name', 'x', '--policy', 'chat-client', '--expires', 'soon'], ['policy', 'put', 'x', '/nonexistent']])
    assert.equal(authctl(args).status, 2, args.join(' '))
  assert.equal(authctl(['policy', 'put', 'bad', '-'], { input: '{' }).status, 2)
  const away = authctl(['key', 'list'], { extra: { MADANG_AUTH_URL: `ipc://${auth.own}/nobody`, MADANG_CALL_BUDGET_MS: '300' } })
  assert.equal(away.status, 3)
  assert.match(away.err, /unavailable/)
})

/** Nouns and verbs, as the help of all lists them. */
const commands = () => authctl(['--help']).out.split('\n').flatMap(line => /^  ([a-z-]+(?: [a-z-]+)?)  +[A-Z]/.exec(line)?.[1].trim() ?? [])

test('help is everywhere', () => {
  for (const args of [['--help'], ['help'], ['key', '--help'], ['help', 'key'], ['key', 'issue', '--help'], ['help', 'key', 'issue'], ['policy', 'explain', '-h'],
    ['key', 'issue', '--name', '--help']]) {
    const r = authctl(args)
    assert.equal(r.status, 0)
    assert.match(r.out, /authctl/)
  }
  assert.ok(commands().length > 10)
  for (const command of commands()) {
    const { out, status } = authctl(['help', ...command.split(' ')])
    assert.equal(status, 0, command)
    assert.ok(out.startsWith(`usage: authctl ${command}`), out)
    assert.ok(out.split('\n').every(line => line.length <= 96 || line.startsWith('  authctl ')), out)
  }
  assert.match(authctl(['key', 'isue']).err, /perhaps you mean issue/)
  assert.match(authctl(['key', 'issue', '--nmae', 'x']).err, /perhaps you mean --name/)
})

test('the words of each example are those that its command takes', () => {
  const examples = commands().flatMap(command => authctl(['help', ...command.split(' ')]).out.split('\n').filter(line => line.startsWith('  authctl ')))
  assert.ok(examples.length > 15)
  for (const example of examples) {
    const words = example.trim().replace(/ *[>|<].*/, '').match(/'[^']*'|[^ ]+/g).map(word => word.replace(/^'|'$/g, '')).slice(1)
    const { status, err } = authctl(words, { extra: { MADANG_AUTH_URL: `ipc://${auth.own}/nobody`, MADANG_CALL_BUDGET_MS: '100' } })
    assert.ok(status === 0 || status === 3 || /No such file/.test(err), `${example}: ${err}`)
  }
})

test('a notice needs no verb, and no mistyped verb is a notice', () => {
  const said = () => JSON.parse(authctl(['notice', 'list', '--json']).out).notices.map(notice => notice.text)
  assert.deepEqual(said(), [])
  for (const words of [['lsit'], ['put', 'Back at ten.'], ['withdrawn', '01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2'], ['']]) {
    const { status, err } = authctl(['notice', ...words])
    assert.equal(status, 2, words.join(' '))
    assert.match(err, /there is no command notice/)
  }
  assert.match(authctl(['notice', 'lsit']).err, /perhaps you mean list/)
  assert.deepEqual(said(), [])
  const texts = ['Back at ten.', 'list', 'Sorry!']
  assert.equal(authctl(['notice', 'Back at ten.', '--until', '10m']).status, 0)
  assert.equal(authctl(['notice', '--', 'list']).status, 0)
  assert.equal(authctl(['notice', '--until', '10m', 'Sorry!']).status, 0)
  assert.deepEqual(said().sort(), [...texts].sort())
  for (const { id } of JSON.parse(authctl(['notice', 'list', '--json']).out).notices) assert.equal(authctl(['notice', 'withdraw', id]).status, 0)
  assert.match(authctl(['notice', '--help']).out, /authctl notice withdraw/)
})

const completed = (...words) => {
  const line = words.map(word => `'${word}'`).join(' ')
  return execFileSync('bash', ['--norc', '-c', `. <("$1" completion bash)
    COMP_WORDS=(authctl ${line}) COMP_CWORD=${words.length}
    $(complete -p authctl | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
    printf '%s\\n' "\${COMPREPLY[@]}"`, '-', join(bin, 'authctl')], { encoding: 'utf8', cwd: root }).trim().split('\n')
}

test('bash completes nouns, verbs, options, choices and files', () => {
  assert.deepEqual(completed('po'), ['policy'])
  assert.deepEqual(completed('policy', 'ex').filter(word => word !== 'export'), ['explain'])
  assert.deepEqual(completed('key', 'issue', '--n'), ['--name', '--network', '--no-bind-tokens', '--no-impersonate', '--no-act-as-users'])
  assert.deepEqual(completed('policy', 'explain', '--action', 'em'), ['emit'])
  assert.deepEqual(completed('quota', 'set', 'conversation_b'), ['conversation_bytes'])
  assert.deepEqual(completed('policy', 'put', 'kiosk', 'READ'), ['README.md'])
  assert.deepEqual(completed('key', 'issue', '--name', 'x'), [''])
  assert.deepEqual(completed('notice', 'wi'), ['withdraw'])
  assert.deepEqual(completed('notice', 'We are away.', '--un'), ['--until'])
  const nouns = new Set(commands().map(command => command.split(' ')[0]))
  assert.deepEqual(new Set(completed('')), new Set([...nouns, 'help', '--version']))
})

test('zsh completes them too', { skip: spawnSync('zsh', ['--version']).error && 'there is no zsh' }, () => {
  // A zsh in a terminal of zsh's own, which lists what it would complete. Its editor prints the prompt when it listens.
  const listed = (typed, wanted) => spawnSync('zsh', ['-f', '-c', `zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z 'autoload -Uz compinit; compinit -D -u; zstyle ":completion:*" insert-tab false; source <("${join(bin, 'authctl')}" completion zsh); compdef _authctl authctl; LISTMAX=10000; PROMPT=rea""dy'
    zpty -r z line '*ready*'
    out=
    zpty -n -w z '${typed}'$'\t'$'\t'
    for i in {1..400}; do [[ $out == *${wanted}* ]] && break; sleep 0.05; while zpty -r -t z line; do out+=$line; done; done
    print -r -- $out; zpty -d z`], { encoding: 'utf8', timeout: 60000, env: { ...auth.env, TERM: 'dumb', HOME: auth.own } }).stdout
  assert.match(listed('authctl policy ', 'explain'), /explain/)
  assert.match(listed('authctl policy explain --action ', 'subscribe'), /subscribe/)
  assert.match(listed('authctl key issue --', '--no-act-as-users'), /--no-act-as-users/)
})

test('the manual page is one', { skip: spawnSync('mandoc', ['-V']).error && 'there is no mandoc' }, () => {
  const page = join(root, dirname(process.env.BIN ?? 'build/bin'), 'share/man/man1/authctl.1')
  const { status, stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', page], { encoding: 'utf8' })
  assert.equal(stdout, '')
  assert.equal(status, 0)
  const read = execFileSync('man', ['-l', page], { encoding: 'utf8', env: { ...process.env, MANPAGER: 'cat', MANWIDTH: '200' } }).replace(/.\x08/g, '')
  for (const command of commands()) assert.ok(read.includes(`authctl ${command}`), command)
  for (const status of [0, 1, 2, 3, 4]) assert.match(read, new RegExp(`\n +${status} +[A-Z]`))
})

test('a quota is for the subject that tokens have, however it is spelled', () => {
  const changes = () => JSON.parse(authctl(['quota', 'list', '--json']).out).limits.find(({ name }) => name === 'rooms').changes
  const spellings = [['Jose\u0301', 'Jos\u00e9'], ['{0192F0C1-0000-7000-8000-00000000ABCD}', '0192f0c1-0000-7000-8000-00000000abcd'], ['key:K1', 'key:K1']]
  for (const [typed, spelled] of spellings) {
    assert.equal(JSON.parse(authctl(['quota', 'set', 'rooms', '5', '--subject', typed, '--json']).out).subject, spelled)
    assert.deepEqual(changes(), [{ limit: 5, subject: spelled }])
    assert.equal(authctl(['quota', 'unset', 'rooms', '--subject', typed]).status, 0)
    assert.deepEqual(changes(), [])
  }
  const hidden = authctl(['quota', 'set', 'rooms', '5', '--subject', 'ad\u200ba'])
  assert.equal(hidden.status, 1)
  assert.match(hidden.err, /invalid_argument: subject: has a character that is not seen/)
})

test('rates and quotas are listed, changed and changed back', () => {
  const quota = (...words) => authctl(['quota', ...words])
  const row = name => JSON.parse(quota('list', '--json').out).limits.find(limit => limit.name === name)
  assert.deepEqual(row('rooms'), { name: 'rooms', by: 'subject', unit: 'items', limit: 10000, changes: [] })
  assert.deepEqual(row('auth'), { name: 'auth', by: 'address', unit: 'calls', limit: 10, changes: [], seconds: 60 })
  assert.equal(quota('set', 'rooms', '5', '--subject', 'ada').out, 'rooms is 5.\n')
  assert.equal(quota('set', 'rooms', '7', '--key', 'k1').status, 0)
  assert.equal(quota('set', 'rooms', '6', '--subject', 'ada').status, 0)
  assert.equal(quota('set', 'auth', '20', '--default').status, 0)
  assert.deepEqual(row('rooms').changes, [{ limit: 6, subject: 'ada' }, { limit: 7, key: 'k1' }])
  assert.match(quota('list').out, /\nrooms +all +10000 .*\n +subject ada +6 .*\(changed\)\n +key k1 +7 /)
  assert.match(quota('list').out, /\nauth +all +10 +calls +60 +address .*\n +all +20 /)
  for (const words of [['rooms', '--subject', 'ada'], ['rooms', '--key', 'k1'], ['auth', '--default'], ['rooms', '--subject', 'ada']])
    assert.equal(quota('unset', ...words).status, 0)
  assert.deepEqual(row('rooms').changes, [])
})

test('a limit that makes no sense is refused', () => {
  const refused = (words, status, why) => {
    const r = authctl(['quota', 'set', ...words])
    assert.equal(r.status, status, r.err)
    assert.match(r.err, why)
  }
  refused(['nonsense', '5', '--default'], 1, /no rate or quota nonsense/)
  refused(['auth', '5', '--subject', 'ada'], 1, /auth is not counted by subject/)
  refused(['connect', '5', '--key', 'k1'], 1, /connect is not counted by subject or key/)
  refused(['rooms', '5', '--subject', 'ada', '--key', 'k1'], 2, /one of these .* alone: --subject, --key, --default/)
  refused(['rooms', '5'], 2, /one of these/)
  refused(['rooms', '-5', '--default'], 2, /a number/)
  refused(['rooms', 'many', '--default'], 2, /a number/)
})

test('all keys are listed, however many there are', () => {
  const before = JSON.parse(authctl(['key', 'list', '--json']).out).keys.length
  auth.sql(`INSERT INTO auth.api_key (id, name, policy, secret, created_at)
    SELECT 'many' || n, 'one of many', 'chat-client', sha256(n::text::bytea), now() - (n / 100) * interval '1 minute' FROM generate_series(1, 2005) n`)
  const { keys } = JSON.parse(authctl(['key', 'list', '--json']).out)
  assert.equal(keys.length, before + 2005)
  assert.equal(new Set(keys.map(({ id }) => id)).size, keys.length)
  assert.ok(keys.every(({ created_at: at }, i) => i === 0 || at <= keys[i - 1].created_at), 'newest first')
  const lines = authctl(['key', 'list']).out.trimEnd().split('\n')
  assert.equal(lines.length, 1 + keys.length)
  assert.equal(lines.filter(line => line.startsWith('ID ')).length, 1)
})
