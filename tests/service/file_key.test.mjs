// file_key.test.mjs - a database and all that can be copied of it signs nothing: private signing keys are encrypted with a key that
// is a file, which is changed without losing anything, and without which auth does not start.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, readFileSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bin, startAuth } from './auth_process.mjs'

let auth, file
const keygen = (...words) => execFileSync(join(bin, 'keygen'), words, { encoding: 'utf8' })
const lines = () => readFileSync(file, 'utf8').trim().split('\n')
const fileKeys = () => {
  const { status, out } = auth.authctl(['file-key', 'list', '--json'])
  return { status, keys: JSON.parse(out).file_keys }
}
const signingKeys = () => JSON.parse(auth.authctl(['signing-key', 'list', '--json']).out).signing_keys
/** The only program that takes it all. */
const dump = () => {
  const postgres = '/usr/lib/postgresql'
  const program = join(postgres, readdirSync(postgres).sort((a, b) => a - b).pop(), 'bin/pg_dump')
  return execFileSync(program, ['-h', auth.dir, '-U', 'madang_admin', '--inserts', 'madang'], { encoding: 'utf8', maxBuffer: 1 << 28 })
}

before(async () => {
  auth = await startAuth()
  file = `${auth.own}/keys/file.key`
  auth.start()
})

after(() => auth?.end())

test('keygen makes the file key once, for its owner alone', () => {
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(readFileSync(file, 'utf8'), /^[0-9a-f]{64}\n$/)
  const before = lines()
  keygen(`${auth.own}/keys`)
  assert.deepEqual(lines(), before)
})

test('a dump of the database has no private key and no file key, and neither has what a role can read', () => {
  const whole = dump()
  assert.match(whole, /INSERT INTO auth.signing_key/)
  const row = auth.sql('SELECT row_to_json(s) FROM auth.signing_key s', 'madang_auth')
  assert.equal(JSON.parse(row).private_pem, null)
  for (const text of [whole, row]) {
    assert.ok(!text.includes('PRIVATE KEY'))
    assert.ok(!text.includes(lines()[0]) && !text.includes(Buffer.from(lines()[0], 'hex').toString('base64')))
    // PKCS #8 of a P-256 key begins so.
    assert.ok(!text.includes('308187020100301306072a8648ce3d') && !text.includes('MIGHAgEAMBMGByqGSM49'))
  }
})

test('no other role sees the keys', () => {
  for (const role of ['madang_chat', 'madang_store', 'madang_share'])
    assert.throws(() => auth.sql('SELECT sealed FROM auth.signing_key', role), /permission denied for schema auth/, role)
})

test('a key that an older version left as it is gets sealed when auth starts, and turned over', async () => {
  await auth.stop()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = { private: privateKey.export({ type: 'pkcs8', format: 'pem' }), public: publicKey.export({ type: 'spki', format: 'pem' }) }
  auth.sql(`DELETE FROM auth.signing_key; INSERT INTO auth.signing_key (kid, private_pem, public_pem, created_at, active_at)
    VALUES ('of-an-older-version', '${pem.private}', '${pem.public}', now() - interval '1 day', now() - interval '1 day')`)
  assert.match(dump(), /PRIVATE KEY/)
  auth.start()
  assert.ok(!dump().includes('PRIVATE KEY'))
  assert.deepEqual(signingKeys().map(({ kid, state }) => [kid === 'of-an-older-version', state]), [[false, 'next'], [true, 'active']])
})

test('signing keys are rotated, once until the next one signs', () => {
  auth.sql("UPDATE auth.signing_key SET active_at = active_at - interval '2 minutes'")
  const [active] = signingKeys()
  assert.equal(active.state, 'active')
  const { status, out } = auth.authctl(['signing-key', 'rotate'])
  assert.equal(status, 0)
  assert.match(out, new RegExp(`^KID .*\n[\\w-]{43}  next .* -\n${active.kid}  active `))
  const again = auth.authctl(['signing-key', 'rotate'])
  assert.equal(again.status, 1)
  assert.match(again.err, /conflict: The next key takes over in \d+ s/)
})

test('the file key is changed: a new line in front, all sealed with it, the former line taken away', async () => {
  const [former] = lines()
  assert.deepEqual(fileKeys().keys.map(({ place, sealed }) => [place, sealed]), [[1, 3]])
  assert.match(keygen('--rotate-file-key', `${auth.own}/keys`), /Restart/)
  assert.equal(lines().length, 2)
  assert.equal(lines()[1], former)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(fileKeys().status, 0, 'the process that runs has not read it')
  await auth.stop()
  auth.start()
  const { status, keys } = fileKeys()
  assert.equal(status, 0)
  assert.deepEqual(keys.map(({ place, sealed }) => [place, sealed]), [[1, 3], [2, 0]])
  keygen('--forget-file-keys', `${auth.own}/keys`)
  assert.equal(lines().length, 1)
  assert.ok(!lines().includes(former))
  await auth.stop()
  auth.start()
  assert.deepEqual(fileKeys().keys.map(({ place, sealed }) => [place, sealed]), [[1, 3]])
})

test('what a lost line has sealed is said', () => {
  auth.sql("UPDATE auth.signing_key SET sealed = '\\x01abababab' || substr(sealed, 6) WHERE kid = 'of-an-older-version'")
  const { status, keys } = fileKeys()
  assert.equal(status, 4)
  assert.deepEqual(keys.pop(), { id: 'abababab', place: 0, sealed: 1 })
  assert.match(auth.authctl(['file-key', 'list']).out, /\nabababab +lost +1\n$/)
  auth.sql("DELETE FROM auth.signing_key WHERE kid = 'of-an-older-version'")
})

test('with another file key, or none, or one that others may read, auth does not start and says why', async () => {
  await auth.stop()
  renameSync(file, `${file}.kept`)
  const none = auth.tryStart()
  assert.equal(none.status, 2)
  assert.match(none.err, /MADANG_FILE_KEY_FILE: .*file\.key: No such file or directory; keygen makes one/)
  keygen(`${auth.own}/keys`)
  const other = auth.tryStart()
  assert.equal(other.status, 1)
  assert.match(other.out + other.err, /"event":"sealed.not_opened"/)
  renameSync(`${file}.kept`, file)
  chmodSync(file, 0o604)
  const open = auth.tryStart()
  assert.equal(open.status, 2)
  assert.match(open.err, /others than its owner may read it/)
  chmodSync(file, 0o600)
  auth.start()
})
