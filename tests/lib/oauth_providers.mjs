// oauth_providers.mjs - other providers, for tests: a real one of OpenID Connect, and servers that answer as the documentation
// of Kakao and GitHub says.
import { createServer } from 'node:http'
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import Provider from 'oidc-provider'

export const secret = 'what only they and we know'
const b64 = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
export const sha256 = text => createHash('sha256').update(text).digest('base64url')
/** What a program keeps to itself, and what it tells. */
export const aVerifier = () => { const verifier = randomBytes(32).toString('base64url'); return { verifier, challenge: sha256(verifier) } }

function serve(port, handler) {
  return new Promise((resolve, reject) => {
    const server = createServer(handler)
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
const stopper = server => () => new Promise(resolve => { server.close(resolve); server.closeAllConnections() })

/** npm's oidc-provider; `people`: { login: claims }. Whoever signs in is named by `login_hint`-less form `login`. */
export async function startOidcProvider(port, { client, callback, people }) {
  const issuer = `http://127.0.0.1:${port}`
  const provider = new Provider(issuer, {
    clients: [{ client_id: client, client_secret: secret, redirect_uris: [callback], token_endpoint_auth_method: 'client_secret_basic' }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    pkce: { methods: ['S256'], required: () => true },
    cookies: { keys: ['for tests'] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  })
  const server = await serve(port, provider.callback())
  return { issuer, stop: stopper(server) }
}

/** Node 18 of Debian has them as one line, and a date in it has a comma too. */
const cookiesOf = answer => (answer.headers.get('set-cookie') ?? '').split(/,\s*(?=[^;,=\s]+=)/).filter(Boolean)

/** The browser of somebody who is asked there, with cookies: from the URL that we sent it to, to the one that it is sent back to. */
export async function signInAt(url, login, ours) {
  const jar = new Map()
  let method = 'GET', body
  for (let i = 0; i < 20; i++) {
    const answer = await fetch(url, {
      method, body, redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '), ...(body ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
    })
    for (const line of cookiesOf(answer)) { const [, name, value] = /^([^=]*)=([^;]*)/.exec(line); jar.set(name, value) }
    if (answer.status >= 300 && answer.status < 400) {
      const next = new URL(answer.headers.get('location'), url)
      if (next.href.startsWith(ours)) return next
      Object.assign({ method, body })
      url = next.href; method = 'GET'; body = undefined
      continue
    }
    const html = await answer.text(), action = /action="([^"]*)"/.exec(html)
    if (!action) throw new Error(`${url} answered ${answer.status}: ${html.slice(0, 500)}`)
    url = new URL(action[1].replaceAll('&amp;', '&'), url).href
    method = 'POST'
    body = html.includes('name="login"') ? `prompt=login&login=${encodeURIComponent(login)}&password=x` : 'prompt=consent'
  }
  throw new Error('too many steps')
}

const keys = { RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }), ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }), other: generateKeyPairSync('rsa', { modulusLength: 2048 }) }

/** A token as some provider might write it. */
export function idToken(claims, { alg = 'RS256', kid = alg, key = keys[alg], head = {} } = {}) {
  const text = `${b64({ alg, kid, ...head })}.${b64(claims)}`
  if (alg === 'none') return `${text}.`
  return `${text}.${sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}
export const otherKey = keys.other

/**
 * A scripted one: what a healthy provider does not do. `answers` says what it answers to each path, by function or value, and may
 * be changed at any time; `asked` is what it was asked.
 */
export async function startScripted(port) {
  const at = `http://127.0.0.1:${port}`, asked = []
  const scripted = { at, asked, answers: {}, stop: undefined }
  const server = await serve(port, (req, res) => {
    const chunks = []
    req.on('data', chunk => chunks.push(chunk))
    req.on('end', () => {
      const url = new URL(req.url, at), body = Buffer.concat(chunks).toString()
      const one = { path: url.pathname, headers: req.headers, form: Object.fromEntries(new URLSearchParams(body)) }
      asked.push(one)
      let answer = scripted.answers[url.pathname]
      if (typeof answer === 'function') answer = answer(one)
      const { status = answer === undefined ? 404 : 200, json = answer } = answer?.json !== undefined || answer?.status ? answer : {}
      res.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(typeof json === 'string' ? json : JSON.stringify(json ?? {}))
    })
  })
  scripted.stop = stopper(server)
  return scripted
}

/** Its documents, if it speaks OpenID Connect. */
export function discovery(at, more = {}) {
  const jwk = (name, alg) => ({ ...keys[name].publicKey.export({ format: 'jwk' }), kid: name, alg, use: 'sig' })
  return {
    '/.well-known/openid-configuration': {
      issuer: at, authorization_endpoint: `${at}/authorize`, token_endpoint: `${at}/token`, userinfo_endpoint: `${at}/userinfo`, jwks_uri: `${at}/jwks`,
      token_endpoint_auth_methods_supported: ['client_secret_post'], ...more,
    },
    '/jwks': { keys: [jwk('RS256', 'RS256'), jwk('ES256', 'ES256')] },
  }
}
