// push_service.mjs - browsers that have subscribed, and the push service that they have in common: it decrypts and verifies what it is sent, with libraries of others.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createECDH, randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import ece from 'http_ece'
import { importJWK, jwtVerify } from 'jose'

const encoded = bytes => bytes.toString('base64url')

/** A browser with a PushSubscription, which stands in a request as toJSON() has it. */
export class Browser {
  constructor(origin) {
    this.pair = createECDH('prime256v1')
    this.pair.generateKeys()
    this.auth = randomBytes(16)
    this.path = `/send/${randomUUID()}`
    this.endpoint = origin + this.path
  }

  get subscription() { return { endpoint: this.endpoint, expirationTime: null, keys: { p256dh: encoded(this.pair.getPublicKey()), auth: encoded(this.auth) } } }

  /** By http_ece: throws if it is not for this browser. */
  reads(body) { return JSON.parse(ece.decrypt(body, { version: 'aes128gcm', privateKey: this.pair, authSecret: encoded(this.auth) })) }
}

/** RFC 8292: the token of who sends, verified by jose with the key beside it. */
export async function verified(authorization, audience) {
  const [, token, key] = /^vapid t=([\w.-]+), k=([\w-]{87})$/.exec(authorization), point = Buffer.from(key, 'base64url')
  const jwk = { kty: 'EC', crv: 'P-256', x: encoded(point.subarray(1, 33)), y: encoded(point.subarray(33)) }
  const { payload, protectedHeader } = await jwtVerify(token, await importJWK(jwk, 'ES256'), { audience })
  assert.ok(payload.exp * 1000 <= Date.now() + 86400000)
  return { key, payload, protectedHeader }
}

/** By https as localhost, with a certificate below `dir`; `answer` says for each request what it gets: 201. */
export async function startPushService(dir, port, answer = () => ({})) {
  const [key, cert] = ['push.key', 'push.crt'].map(name => join(dir, name))
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.2', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const service = { came: [], answer, trust: cert, origin: `https://localhost:${port}` }
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (req, res) => {
    const chunks = []
    req.on('data', chunk => chunks.push(chunk))
    req.on('end', async () => {
      const one = { path: req.url, method: req.method, headers: req.headers, body: Buffer.concat(chunks) }
      service.came.push(one)
      const { status = 201, headers = {} } = await service.answer(one)
      one.status = status
      res.writeHead(status, headers).end()
    })
  })
  await new Promise(resolve => server.listen(port, '127.0.0.1', resolve))
  return Object.assign(service, { stop: () => { server.closeAllConnections(); server.close() } })
}
