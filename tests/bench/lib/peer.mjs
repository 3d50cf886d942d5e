// peer.mjs - starting a peer, on Node or on Bun, with engines of its own.
// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, randomUUID, sign } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

import { startPostgres, startRedis } from "./engines.mjs"
import { freePorts, repository, runOnce, saysReady, start } from "./host.mjs"

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })

function issueToken() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url")
  const now = Math.floor(Date.now() / 1000)
  const text = `${part({ alg: "ES256", typ: "JWT", kid: "bench" })}.${part({
    iss: "bench",
    aud: "bench",
    sub: `key:${randomUUID()}`,
    sid: randomUUID(),
    jti: randomUUID(),
    pol: "chat-client",
    iat: now,
    exp: now + 3600,
  })}`
  const signature = sign("sha256", Buffer.from(text), {
    key: privateKey,
    dsaEncoding: "ieee-p1363",
  })
  return `${text}.${signature.toString("base64url")}`
}

const KEYS = { ecdsa: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], rsa: ["rsa:2048"] }

// Its own authority, so it comes alone; `kind` is that of its key.
export function makeCertificate(host, kind) {
  const [cert, key] = ["crt", "key"].map((end) => path.join(host.directory, `${kind}.${end}`))
  const who = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
  runOnce("openssl", ["req", "-x509", "-newkey", ...KEYS[kind], "-nodes", ...who, "-keyout", key, "-out", cert])
  return { cert, key }
}

function tlsSettings(host) {
  const { cert, key } = makeCertificate(host, "ecdsa")
  return { PEER_TLS_CERT: cert, PEER_TLS_KEY: key }
}

// The engines may be given (BENCH_DATABASE and BENCH_REDIS, URLs); then their CPU is not seen.
async function engines(host) {
  if (process.env.BENCH_DATABASE && process.env.BENCH_REDIS)
    return {
      database: process.env.BENCH_DATABASE,
      redis: process.env.BENCH_REDIS,
      groups: { postgres: [], redis: [] },
    }
  const postgres = await startPostgres(host)
  const redis = await startRedis(host)
  return {
    database: postgres.url,
    redis: redis.socket,
    groups: { postgres: [postgres.pid], redis: [redis.pid] },
  }
}

const BUN = path.join(repository, "tests/bench/bun")

// Bun is 100 MB, and only the bench needs it: so it is no dependency of tests/, and comes when it is first asked for.
function installBun() {
  const [wanted, installed] = ["package-lock.json", "node_modules/.installed-lock"].map((name) =>
    path.join(BUN, name),
  )
  const lock = readFileSync(wanted, "utf8")
  if (existsSync(installed) && readFileSync(installed, "utf8") === lock) return
  const args = ["ci", "--omit=peer", "--legacy-peer-deps", "--no-audit", "--no-fund", "--silent"]
  runOnce("npm", args, { cwd: BUN })
  writeFileSync(installed, lock)
}

export function startNode(host, options) {
  const main = path.join(repository, "tests/bench/peer/server.mjs")
  return startPeer(host, "node", process.execPath, ["--expose-gc", main], options)
}

export function startBun(host, options) {
  installBun()
  const bun = path.join(BUN, "node_modules/.bin/bun")
  const main = path.join(BUN, "server.mjs")
  return startPeer(host, "bun", bun, [main], { ...options, workers: "1" })
}

async function startPeer(host, name, program, args, { tls, tokens, workers }) {
  const { database, redis, groups } = await engines(host)
  const port = await freePorts()
  const env = {
    ...process.env,
    NODE_ENV: "production",
    PEER_PORT: port,
    PEER_DATABASE: database,
    PEER_REDIS: redis,
    PEER_PUBLIC_KEY: publicKey.export({ type: "spki", format: "pem" }),
    PEER_WORKERS: workers,
    ...(tls && tlsSettings(host)),
  }
  const child = start(host, name, program, args, { env, says: true })

  await saysReady(child)
  return {
    name,
    port,
    tls,
    tokens: Array.from({ length: tokens }, issueToken),
    groups: { server: [child.pid], ...groups },
    // Its garbage is not held against it: memory is read after a collection.
    tidy: async () => {
      child.kill("SIGUSR2")
      await sleep(500)
    },
  }
}
