// q_acme - a certificate of a public authority: asked for, put in place, renewed in time, and nobody's connection is lost for it.
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { missing, served as servedAt, startAuthority, startNames } from '../lib/authority.mjs'
import { root, startStack } from '../lib/stack.mjs'
import { until } from '../lib/wait.mjs'

// Pebble is the authority, in Debian's package: it asks for proofs at the stack's own port of plain HTTP.
const HOST = 'chat.example.test', OTHER = 'files.example.test'
const DAY = 86400, run = promisify(execFile)
// uacme trusts whom the system trusts, and is told nothing else: so it has a mount of its own where that is written.
const WITH_TRUST = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'
const confined = spawnSync('unshare', ['-rm', 'true']).status === 0
const skip = !confined ? 'this machine gives nobody a mount of their own' : missing.length ? `${missing.join(', ')} not installed` : false
let dir, stack, names, trust
const authorities = []

/** Its directory's URL; what `trust` names is what it shows itself with. */
async function authorityOf(days) {
  const authority = await startAuthority({ dir, days, names, proofsAt: Number(new URL(stack.plainUrl).port) })
  authorities.push(authority)
  trust = authority.trust
  return authority.url
}

before(async () => {
  if (skip) return
  dir = mkdtempSync(join(tmpdir(), 'madang-acme-'))
  names = await startNames()
  stack = await startStack({ gateways: 2, env: { ACME_HOSTS: HOST, ACME_URL: 'https://localhost:1/dir', MADANG_GATEWAY_TLS_CHECK_S: '1' } })
  await until('its own service has found no authority', () => stack.log('acme').includes('uacme: '))
})
after(async () => {
  for (const each of authorities) each.stop()
  names?.stop()
  try { await stack?.stop() } finally { if (dir) rmSync(dir, { recursive: true, force: true }) }
})

/** scripts/acme, as the service does it each 12 hours; uacme keeps a former certificate under the second of its issue. */
const acme = async (...args) => {
  const said = await asks(...args), second = Math.floor(Date.now() / 1000)
  if (/issued/.test(said)) await until('another second', () => Math.floor(Date.now() / 1000) > second)
  return said
}
const asks = async (url, at = '', hosts = `${HOST} ${OTHER}`) => (await run('unshare', ['-rm', 'sh', '-c', WITH_TRUST, trust,
  join(root, 'scripts/acme'), 'once', ...at === '' ? [] : [`${at}`]], { env: {
  PATH: process.env.PATH, ACME_URL: url, ACME_HOSTS: hosts, ACME_DIR: join(stack.dir, 'acme'), ACME_CERT: join(stack.dir, 'tls/server.crt'), ACME_KEY: join(stack.dir, 'tls/server.key'),
} })).stdout

const served = name => servedAt(stack.port, name)
const isIssued = ({ serialNumber }) => serialNumber === new X509Certificate(readFileSync(join(stack.dir, 'tls/server.crt'))).serialNumber
/** What is in place, once each of the two gateways has read it; twenty connections come to one of them alone twice in a million times. */
const servedByBoth = () => until('both gateways serve what was issued', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => served(HOST)))
  return all.every(isIssued) && all[0]
})

/** A connection that is kept, and answers one request more. */
async function openKept() {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: stack.ca })
  const ask = () => new Promise((resolve, reject) => https.get(`${stack.url}/healthz`, { agent }, answer => {
    answer.resume().on('end', () => resolve(answer.socket))
  }).on('error', reject))
  const first = await ask()
  return { async stillAnswers() { assert.equal(await ask(), first, 'it is the same connection'); agent.destroy() } }
}

for (const days of [6, 64]) {
  test(`a certificate of ${days} days is issued, kept, and renewed with a third of its life left`, { skip }, async () => {
    rmSync(join(stack.dir, 'acme/private'), { recursive: true, force: true }) // another authority knows nobody of before
    const authority = await authorityOf(days)
    const before = await served(HOST)
    const kept = before.issuer.startsWith('Madang') ? await openKept() : undefined
    if (days === 64) rmSync(join(stack.dir, 'tls/server.crt')) // else the one of 6 days is still good
    assert.match(await acme(authority), /issued for chat\.example\.test/)
    const first = await servedByBoth()
    assert.notEqual(first.serialNumber, before.serialNumber)
    assert.match(first.issuer, /^Pebble/)
    assert.equal(first.days, days)
    assert.match(first.names, /DNS:chat\.example\.test, DNS:files\.example\.test/)
    await kept?.stillAnswers()

    const now = Math.floor(Date.now() / 1000)
    assert.match(await acme(authority), /(99|100) percent of its life are left/)
    assert.match(await acme(authority, now + Math.floor(days * DAY * 0.64)), /3[56] percent/)
    await until('both gateways measure it', async () => (await stack.metric(1, 'madang_gateway_certificate_life_left_percent')) >= 99 &&
      (await stack.metric(2, 'madang_gateway_certificate_life_left_percent')) >= 99)
    assert.equal((await served(HOST)).serialNumber, first.serialNumber)
    assert.match(await acme(authority, now + Math.floor(days * DAY * 0.68)), /issued/)
    assert.notEqual((await servedByBoth()).serialNumber, first.serialNumber)
    assert.match(await acme(authority, '', `${HOST} new.example.test`), /issued/, 'a name more wants another one')
  })
}

test('proofs are gone when the authority has seen them, and what is put in place is the whole chain', { skip }, async () => {
  const authority = await authorityOf(7)
  rmSync(join(stack.dir, 'acme/private'), { recursive: true, force: true })
  rmSync(join(stack.dir, 'tls/server.crt'))
  await acme(authority)
  assert.deepEqual(execFileSync('ls', [join(stack.dir, 'acme/proofs')], { encoding: 'utf8' }), '')
  const certificate = readFileSync(join(stack.dir, 'tls/server.crt'), 'utf8')
  assert.ok(certificate.match(/BEGIN CERTIFICATE/g).length >= 2, 'the whole chain')
})

test('the service looks every 12 hours, after a failure in one, and goes on', async () => {
  const own = mkdtempSync(join(tmpdir(), 'madang-acme-watch-')), at = name => join(own, name)
  // A clock that runs: what would be slept is written down, and passes at once.
  writeFileSync(at('sleep'), `#!/bin/sh\necho "$1" >>'${at('slept')}'\nexec ${execFileSync('sh', ['-c', 'command -v sleep'], { encoding: 'utf8' }).trim()} 0.05\n`, { mode: 0o755 })
  const certify = () => execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9', '-subj', '/O=Some authority', '-addext', `subjectAltName=DNS:${HOST}`,
    '-keyout', at('server.key'), '-out', at('server.crt')], { stdio: 'ignore' })
  const slept = () => existsSync(at('slept')) ? readFileSync(at('slept'), 'utf8').trim().split('\n') : []
  const watch = spawn(join(root, 'scripts/acme'), ['watch'], { stdio: 'ignore', detached: true, env: {
    PATH: `${own}:${process.env.PATH}`, ACME_URL: 'https://localhost:1/dir', ACME_HOSTS: HOST, ACME_DIR: '/dev/null/acme', ACME_CERT: at('server.crt'), ACME_KEY: at('server.key'),
  } })
  try {
    await until('it has nowhere to keep a key, twice', () => slept().filter(each => each === '3600').length >= 2)
    certify()
    await until('it has life enough, twice', () => slept().filter(each => each === '43200').length >= 2)
    rmSync(at('server.crt'))
    const before = slept().length
    await until('it is wanted again', () => slept().slice(before).includes('3600'))
    assert.deepEqual([...new Set(slept())].sort(), ['3600', '43200'])
  } finally {
    process.kill(-watch.pid)
    await once(watch, 'exit')
    rmSync(own, { recursive: true, force: true })
  }
})
