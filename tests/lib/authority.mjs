// authority.mjs - a public authority of certificates as ACME has it: Debian's pebble, and the names that it looks up.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tls from 'node:tls'
import { request } from './people.mjs'
import { freePorts } from './ports.mjs'
import { until } from './wait.mjs'

const DAY = 86400
export const missing = ['pebble', 'pebble-challtestsrv', 'uacme'].filter(name => !existsSync(`/usr/bin/${name}`))

/** Every name is this machine's. */
export async function startNames() {
  const port = await freePorts(2)
  const child = spawn('pebble-challtestsrv', ['-dns01', `127.0.0.1:${port}`, '-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', '',
    '-management', `127.0.0.1:${port + 1}`], { stdio: 'ignore' })
  return { port, stop: () => child.kill() }
}

/** It lives in `dir`, is reached as `host`, and asks for proofs at `proofsAt`; what `trust` names is what it shows itself with. */
export async function startAuthority({ dir, days, names, proofsAt, host = 'localhost', listen = '127.0.0.1' }) {
  const port = await freePorts(3), at = join(dir, `authority-${days}`), trust = join(at, 'cert.pem')
  mkdirSync(at)
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:localhost,DNS:${host}`,
    '-keyout', join(at, 'key.pem'), '-out', trust], { stdio: 'ignore' })
  writeFileSync(join(at, 'config.json'), JSON.stringify({ pebble: {
    listenAddress: `${listen}:${port}`, managementListenAddress: `127.0.0.1:${port + 1}`, certificate: trust, privateKey: join(at, 'key.pem'),
    httpPort: proofsAt, tlsPort: 1, ocspResponderURL: '', externalAccountBindingRequired: false, certificateValidityPeriod: days * DAY,
  } }))
  const child = spawn('pebble', ['-config', join(at, 'config.json'), '-dnsserver', `127.0.0.1:${names.port}`],
    { env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' }, stdio: 'ignore' })
  const answers = async () => { try { return (await request({ url: `https://localhost:${port}`, ca: readFileSync(trust) }, 'GET', '/dir')).status === 200 } catch { return false } }
  await until('the authority answers', answers)
  return { url: `https://${host}:${port}/dir`, trust, stop: () => child.kill() }
}

/** What a listener on this machine shows to who asks for this name. */
export const served = (port, name) => new Promise((resolve, reject) => {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: name, rejectUnauthorized: false }, () => {
    const { serialNumber, issuer, subjectaltname, valid_from, valid_to } = socket.getPeerCertificate()
    socket.destroy()
    resolve({ serialNumber, issuer: issuer.CN, names: subjectaltname, days: Math.round((Date.parse(valid_to) - Date.parse(valid_from)) / 1000 / DAY) })
  })
  socket.on('error', reject)
})
