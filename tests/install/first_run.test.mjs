// first_run - what a newcomer does: `make up` in a clean clone, the line that it prints, `make down`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { root } from '../lib/stack.mjs'
import { noMachine, startMachine } from '../lib/machine.mjs'
import { freePorts } from '../lib/ports.mjs'
import { until } from '../lib/wait.mjs'

const scratch = mkdtempSync(join(tmpdir(), 'first-run-')), clone = join(scratch, 'madang')
const inClone = (command, more = {}) =>
  execFileSync('bash', ['-c', command], { cwd: clone, encoding: 'utf8', timeout: 400000, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...more } })
/** What it says when it is refused, and that it is. */
const refused = (command, more) => {
  try { inClone(`${command} 2>&1`, more) } catch (error) { return error.stdout }
  assert.fail(`${command} went well`)
}
/** The blocks of this language in a page of the clone, as they stand. */
const blocksOf = (page, language) => [...readFileSync(join(clone, page), 'utf8').matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map(match => match[1])
/** Whoever listens there, it is not us. */
const occupied = (port, visit) => new Promise((resolve, reject) => {
  const server = createServer(socket => socket.destroy()).on('error', reject).listen(port, '127.0.0.1', async () => {
    try { resolve(await visit()) } catch (error) { reject(error) } finally { server.close() }
  })
})
let printed, port, url

before(async () => {
  execFileSync('git', ['clone', '-q', '--depth', '1', `file://${root}`, clone])
  port = await freePorts(64)
  url = `https://localhost:${port}`
  writeFileSync(join(clone, '.env'), [`MADANG_GATEWAY_HTTPS=127.0.0.1:${port}`, `MADANG_GATEWAY_HTTP=127.0.0.1:${port + 1}`,
    `MADANG_GATEWAY_MESH=tcp://127.0.0.1:${port + 32}`, `HEALTH_PORT=${port + 2}`].join('\n') + '\n')
  printed = inClone('make up')
}, { timeout: 420000 })
after(() => {
  if (existsSync(clone)) inClone('make down')
  rmSync(scratch, { recursive: true, force: true })
}, { timeout: 60000 })

test('make up ends with the URL, a first key and a line to try, which works when pasted', () => {
  assert.ok(printed.includes(`Madang is up:   ${url}\n`), 'where HTTPS is')
  assert.match(printed, /mdk_\w+/)
  const line = printed.split('\n').find(l => /^ +scripts\/first-message/.test(l))
  const answer = inClone(line.trim())
  assert.match(answer, /"seq":1/)
  assert.match(answer, /Hello, courtyard/)
})

test('the link that make up prints registers the first administrator, once, and lies in no log', () => {
  const token = /^ +https:\/\/localhost:\d+\/account\/register\?token=([\w-]{43})$/m.exec(printed)[1]
  const post = (path, body) => JSON.parse(inClone(`curl -sS --cacert .run/tls/ca.crt "$(cat .run/env/gateway-1/MADANG_PUBLIC_URL)/api/v1/auth/${path}" -H 'Content-Type: application/json' -d @-  <<<'${JSON.stringify(body)}'`))
  const register = nickname => post('register', { email: `${nickname}@example.org`, password: 'correct horse battery', nickname, invitation: token })
  assert.equal(register('root').success, true)
  assert.equal(post('login', { email: 'root@example.org', password: 'correct horse battery' }).data.user.policy, 'admin')
  assert.equal(register('another').error.code, 'gone')
  inClone(`! grep -rqF -e ${token} .run/log .run/env .run/secrets`)
})

test('the link that make up prints makes the page at / live, once', () => {
  const secret = /^ +https:\/\/localhost:\d+\/#demo=([\w-]{43})$/m.exec(printed)[1]
  const ask = (path, ...more) => inClone(`curl -sS --cacert .run/tls/ca.crt "$(cat .run/env/gateway-1/MADANG_PUBLIC_URL)${path}" ${more.join(' ')}`)
  assert.match(ask('/'), /<script type="module" src="\/welcome\/live.js">/)
  const open = () => JSON.parse(ask('/demo', "-H 'Content-Type: application/json' -d @- <<<", `'${JSON.stringify({ secret })}'`))
  assert.equal(open().data.people.length, 2)
  assert.equal(open().error.code, 'gone')
  inClone(`! grep -rqF -e ${secret} .run/log .run/env .run/secrets`)
})

test('a second make up is harmless and says the same', () => {
  const again = inClone('make up')
  assert.equal(again.match(/mdk_\w+/)[0], printed.match(/mdk_\w+/)[0])
  assert.match(inClone('scripts/first-message again'), /"seq":2/)
  assert.doesNotMatch(again, /register\?token=/) // there is an administrator
})

test('make status shows every process as ready', () => {
  const status = inClone('make status')
  for (const name of ['postgres', 'redis', 'auth', 'chat', 'store', 'share', 'gateway-1']) assert.match(status, new RegExp(`run: ${name}`))
  assert.ok(!/NOT READY/.test(status))
})

test('make restart takes ports that the old gateway does not hold, and gives them back the next time', () => {
  for (let i = 0; i < 2; i++) inClone('make restart')
  assert.ok(!/NOT READY/.test(inClone('make status')))
})

test('a wrong setting stops make up at once with one line, and harms nothing', () => {
  assert.match(refused('make up', { MADANG_STORE_WORKERS: '0' }), /^MADANG_STORE_WORKERS: wants a number from 1 to 64$/m)
  assert.match(refused('make up', { MADANG_STORE_WORKER: '4' }), /^MADANG_STORE_WORKER: there is no such setting; --help lists them$/m)
  assert.ok(!/NOT READY/.test(inClone('make status')))
})

test('the conformance configuration beside it opens nothing, and is in nobody\'s way', async () => {
  const port = await freePorts(16)
  const conformance = { MADANG_GATEWAY_HTTP: `127.0.0.1:${port}`, HEALTH_PORT: `${port + 1}` }
  inClone('make up CONFORMANCE=1', conformance)
  inClone('scripts/conformance down .run/conformance', conformance)
  assert.throws(() => inClone('make up 2>&1', { MADANG_GATEWAY_CONFORMANCE: '1' }), error => /MADANG_GATEWAY_CONFORMANCE: there is no such setting/.test(error.stdout))
  assert.match(inClone('make up'), /mdk_\w+/)
})

test('README\'s key, token and client program work as they stand, but for the port', { timeout: 60000 }, async () => {
  // This one listens at IPv4's loopback alone, and Node 18 tries only the first address of a name.
  const moved = text => text.replaceAll('https://localhost:8443', `https://127.0.0.1:${port}`)
  const answer = inClone(moved(blocksOf('README.md', 'sh').find(block => block.includes('web.key'))))
  const { data: { token } } = JSON.parse(answer.split('\n').find(line => line.startsWith('{')))
  rmSync(join(clone, 'web.key'))
  const dir = join(scratch, 'client')
  mkdirSync(dir)
  symlinkSync(join(root, 'tests/node_modules'), join(dir, 'node_modules'))
  writeFileSync(join(dir, 'client.mjs'), moved(blocksOf('README.md', 'js').find(block => block.includes('socket.io-client'))))
  /** Up to what it is waited for; it would go on listening. */
  const says = async (token, what) => {
    const client = spawn(process.execPath, ['client.mjs'], { cwd: dir, env: { PATH: process.env.PATH, TOKEN: token, NODE_EXTRA_CA_CERTS: join(clone, '.run/tls/ca.crt') } })
    let said = ''
    for (const stream of [client.stdout, client.stderr]) stream.on('data', data => { said += data })
    try { await until(`the client says ${what}`, () => what.test(said), 20000) } catch (error) { throw new Error(`${error.message}; it says ${said}`) } finally { client.kill() }
  }
  await says(token, /^1 ada Hello$/m)
  await says('none', /^refused: token_invalid$/m)
})

test('a wrong authority or key is what first-message speaks of', () => {
  assert.match(refused('scripts/first-message', { KEY: 'nothing.key' }), /first-message: there is no nothing.key; make up makes it/)
})

test('make trust makes programs and Chromium trust the certificate, and make untrust ends that', { timeout: 60000 }, async () => {
  const [local, certs, home] = ['local', 'certs', 'home'].map(name => join(scratch, `trust-${name}`))
  for (const each of [local, certs, home]) mkdirSync(each)
  const env = { LOCAL_CERTS: local, CERTS: certs, HOME: home }
  const program = () => inClone(`curl -sS --capath ${certs} --cacert ${certs}/ca-certificates.crt ${url}/healthz 2>&1 || true`)
  const page = async () => {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-background-networking'], env: { ...process.env, HOME: home } })
    try { return (await (await browser.newPage()).goto(`${url}/healthz`)).status() } catch (error) { return /ERR_CERT_\w+/.exec(error.message)?.[0] ?? error.message } finally { await browser.close() }
  }
  assert.match(inClone('make trust', env), /trust: madang-[0-9a-f]{16} is trusted by this machine and by your browsers/)
  assert.equal(program(), '{"status":"ok"}')
  assert.equal(await page(), 200)
  assert.match(inClone('make untrust', env), /is trusted no longer/)
  assert.match(program(), /SSL certificate problem/)
  assert.equal(await page(), 'ERR_CERT_AUTHORITY_INVALID')
  assert.deepEqual(readdirSync(local), [])
  assert.match(refused('scripts/trust .run/tls/server.crt', env), /is no authority's certificate/)
})

test('make check after make up installs what tests are built with', () => {
  const plan = inClone('make -n check T=test_str CMOCKA=/nowhere/cmocka.h')
  const [setup, compiles] = [plan.indexOf('scripts/setup check'), plan.indexOf('CC    tests/unit/')]
  assert.ok(setup >= 0 && setup < compiles, 'before anything is compiled with it')
  const bin = join(scratch, 'bare')                    // a machine without it
  mkdirSync(bin)
  writeFileSync(join(bin, 'dpkg-query'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  for (const name of ['sudo', 'apt-get']) writeFileSync(join(bin, name), `#!/bin/sh\necho "$0 $*" >>${bin}/called\n`, { mode: 0o755 })
  assert.equal(inClone('scripts/setup check', { PATH: `${bin}:${process.env.PATH}` }), 'setup: installing libcmocka-dev\n')
  assert.match(readFileSync(join(bin, 'called'), 'utf8'), /install -y --no-install-recommends libcmocka-dev/)
})

test('what docs/HACKING.md adds is added by its diffs and files, and compiles; the method answers as it says', { timeout: 400000 }, () => {
  const files = new Map([...readFileSync(join(clone, 'docs/HACKING.md'), 'utf8').matchAll(/`(services\/[\w/]+\.[ch])`, the whole file:\n\n```c\n([^]*?)^```$/gm)].map(([, path, text]) => [path, text]))
  assert.deepEqual([...files.keys()].map(path => path.split('/').at(-1)), ['room_rename.c', 'company.h', 'company.c', 'picture_create.c'])
  writeFileSync(join(scratch, 'added.diff'), blocksOf('docs/HACKING.md', 'diff').join(''))
  inClone(`git apply --unidiff-zero ${scratch}/added.diff`)
  for (const [path, text] of files) {
    mkdirSync(dirname(join(clone, path)), { recursive: true })
    writeFileSync(join(clone, path), text)
  }
  // Of the programs that only compile: what was added, and what reads the rows.
  const objects = [...files.keys()].filter(path => path.endsWith('.c')).concat('services/gateway/features.c', 'services/gateway/routes/rows.c', 'services/share/main.c')
    .map(path => `build/obj/${path.replace(/c$/, 'o')}`)
  try {
    inClone(`make -j$(nproc) ${objects.join(' ')} build/bin/chat build/bin/rpc && sv -w 20 restart .run/service/chat >/dev/null && scripts/stack wait .run`)
    const session = blocksOf('docs/HACKING.md', 'console').find(block => block.includes('$R -u ada chat room.create'))
    const id = /"id":"([\w-]+)"/.exec(session)[1], lines = session.split('\n')
    let made
    /** What is made anew each time. */
    const stable = line => line.replaceAll(made ?? id, 'ID').replaceAll(id, 'ID').replace(/"created_at":\d+/, '"created_at":0')
    for (const [i, line] of lines.entries()) {
      if (!line.startsWith('$ $R')) continue
      const said = inClone(`${lines.find(each => each.startsWith('$ R=')).slice(2)}; ${line.slice(2).replaceAll(id, made ?? id)} 2>&1 || true`).trim()
      made ??= /"id":"([\w-]+)"/.exec(said)?.[1]
      assert.equal(stable(said), stable(lines[i + 1]), line)
    }
  } finally {
    inClone('git checkout -q . && git clean -qfd services')
  }
})

test('a busy port stops it with the setting that moves it, be it public or of the health endpoints', async () => {
  inClone('make down')
  for (const [at, wants, remedy] of [[0, 'gateway-1 wants it for HTTPS', 'MADANG_GATEWAY_HTTPS'], [1, 'gateway-1 wants it for HTTP', 'MADANG_GATEWAY_HTTP'],
    [2, 'gateway-1 wants it for HEALTH', 'HEALTH_PORT'], [5, 'store wants it for HEALTH', 'HEALTH_PORT']])
    await occupied(port + at, () => assert.match(refused('scripts/stack up .run'), new RegExp(`^madang: port ${port + at} is in use by another program, and ${wants}; stop it, or set ${remedy} in .env`, 'm')))
  await occupied(port + 40, () => assert.match(refused('scripts/stack up .run', { MADANG_CHAT_HEALTH: `127.0.0.1:${port + 40}` }), /chat wants it for HEALTH; stop it, or set MADANG_CHAT_HEALTH in .env/))
})

/** As it would stand on the machine, with what is below DESTDIR in its place. */
const at = destdir => text => text.replaceAll('/usr/local/', `${destdir}/usr/local/`).replaceAll('/etc/', `${destdir}/etc/`)

test('what make install puts in place runs by its unit, without the clone, and after a power cut', { timeout: 120000 }, async () => {
  const destdir = join(scratch, 'installed'), data = join(scratch, 'data'), placed = at(destdir)
  mkdirSync(data)
  inClone(`make install DESTDIR=${destdir} DATA=${data}`)
  const unit = placed(readFileSync(join(destdir, 'usr/local/lib/systemd/system/madang.service'), 'utf8'))
  writeFileSync(join(scratch, 'madang.service'), unit)
  assert.equal(inClone(`systemd-analyze verify --man=no ${scratch}/madang.service 2>&1`), '')
  const says = name => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)[1]
  assert.equal(inClone(`stat -c %a ${destdir}/etc/madang.env`).trim(), '600')
  assert.equal(readFileSync(join(destdir, 'etc/madang.env'), 'utf8'), readFileSync(join(clone, '.env'), 'utf8'))
  for (const name of ['madang', 'authctl']) writeFileSync(join(destdir, 'usr/local/bin', name), placed(readFileSync(join(destdir, 'usr/local/bin', name), 'utf8')))
  const by = command => execFileSync('bash', ['-c', command], { cwd: '/', encoding: 'utf8', timeout: 100000, env: { PATH: `${destdir}/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: '/', ...Object.fromEntries([says('Environment').split('=')]) } })
  try {
    by(says('ExecStart'))
    assert.match(by('madang welcome'), /madang first-message "Hello, courtyard"/)
    assert.match(by('madang first-message before'), /"seq":1/)
    assert.match(by('authctl key list'), /first/)
    assert.equal(readFileSync(says('PIDFile'), 'utf8').trim(), by(`pgrep -f "^runsvdir -P ${data}/service"`).trim())
    powerCut(Number(readFileSync(says('PIDFile'), 'utf8')))
    writeFileSync(says('PIDFile'), `${process.pid}\n`)      // numbers are given out anew
    by(says('ExecStart'))
    assert.match(by('madang first-message after'), /"seq":2[^]*before/)
    by(says('ExecReload'))
    assert.ok(!/NOT READY/.test(by('madang status')))
  } finally {
    by(says('ExecStop'))
  }
  inClone(`scripts/install remove`, { DESTDIR: destdir })
  assert.deepEqual(inClone(`cd ${destdir} && find . -type f`).trim(), './etc/madang.env')
})

test('what make install puts in place is started by systemd with the machine, after a reboot and after a power cut', { skip: noMachine, timeout: 900000 }, async t => {
  const dir = join(scratch, 'machine')
  mkdirSync(dir)
  const machine = await startMachine({ dir, clone })
  if (machine === undefined) return t.skip('systemd does not start here')
  const waits = condition => machine.by(`timeout 180 sh -c 'until ${condition}; do sleep 0.3; done'`), isUp = 'systemctl is-active --quiet madang'
  try {
    assert.match(await machine.by('cd /clone && make install'), /Madang is up:/)
    assert.equal(await machine.by('systemctl is-enabled madang; systemctl is-active madang; ps -o user= -p $(cat /var/lib/madang/runsvdir.pid)'), 'enabled\nactive\nmadang\n')
    assert.match(await machine.by('madang first-message before'), /"seq":1/)
    await machine.reboot()
    await waits(isUp)
    assert.match(await machine.by('madang first-message after'), /"seq":2[^]*before/)
    await machine.cutPower()
    await waits(isUp)
    assert.match(await machine.by('madang first-message again'), /"seq":3[^]*after/)
    await machine.by('systemctl reload madang')
    assert.ok(!/NOT READY/.test(await machine.by('madang status')))
    const supervisor = (await machine.by('systemctl show -P MainPID madang')).trim()
    await machine.by(`kill -9 ${supervisor}`)
    await waits(`${isUp} && [ "$(systemctl show -P MainPID madang)" != ${supervisor} ]`)
    assert.match(await machine.by('madang first-message "and again"'), /"seq":4[^]*again/)
    assert.equal(await machine.by('systemctl stop madang; systemctl is-active madang || true'), 'inactive\n')
    await machine.by('systemctl start madang && cd /clone && make uninstall')
    assert.equal(await machine.by('systemctl is-active madang; ls /var/lib/madang/secrets/first.key; ls /usr/local/lib/madang 2>&1 | wc -l'), 'inactive\n/var/lib/madang/secrets/first.key\n1\n')
  } finally { await machine.stop() }
})

/** Everything below this process, with it, at once. */
function powerCut(pid) {
  const all = []
  const gather = each => {
    all.push(each)
    for (const child of execFileSync('sh', ['-c', `ps -o pid= --ppid ${each} || true`], { encoding: 'utf8' }).trim().split(/\s+/).filter(Boolean)) gather(child)
  }
  gather(pid)
  for (const each of all)
    try { process.kill(each, 9) } catch (error) { if (error.code !== 'ESRCH') throw error } // some are not for long
}

test('it leaves nothing outside .run and build', () => {
  const untracked = inClone('git status --porcelain --ignored').trim().split('\n').map(l => l.slice(3)).sort()
  assert.deepEqual(untracked, ['.env', '.run/', 'build/'])
})
