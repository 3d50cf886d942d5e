// tls.mjs - what TLS costs Madang's gateway: a full and a resumed handshake, beside OpenSSL alone and beside Bun, and the
// memory of an idle connection.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/tls.mjs [--handshakes 2000] [--held 3000]
//
// CPU is that of all the server's threads, for a whole connection with one small request, one at a time; "openssl s_server" is
// OpenSSL's own server, asked the same, and "openssl, floor" and "waiting" the server's half of a handshake in memory: where no
// socket and no cold cache is in the way, and where it sleeps before each step as a server does.  Memory is the growth of the resident size by so many connections, TLS and plain, and that of a process
// that holds nothing but as many of OpenSSL's objects.
import { execFile, spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import net from "node:net"
import path from "node:path"
import { parseArgs, promisify } from "node:util"

import { freePorts, repository, start, until, withHost } from "./lib/host.mjs"
import { startMadang } from "./lib/madang.mjs"
import { makeCertificate, startBun } from "./lib/peer.mjs"

const { values } = parseArgs({
  options: { handshakes: { type: "string", default: "2000" }, held: { type: "string", default: "3000" } },
})
const run = promisify(execFile)
const tool = path.join(repository, "build/bench/tls_cost")
const ask = async (...args) => JSON.parse((await run(tool, args.map(String))).stdout)
const residentKb = (pid) => Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1])
const settings = { MADANG_GATEWAY_CONNECTS_PER_S: "1000000", MADANG_GATEWAY_PLAIN: "1" }

async function heldKb(pid, port, kind) {
  const before = residentKb(pid)
  const child = spawn(tool, ["hold", port, values.held, kind].map(String), { stdio: ["pipe", "pipe", "inherit"] })
  await new Promise((resolve, reject) => {
    child.stdout.once("data", resolve)
    child.once("exit", () => reject(new Error("not all connections were taken")))
  })
  const grown = (residentKb(pid) - before) / Number(values.held)
  child.removeAllListeners("exit")
  child.stdin.end()
  await new Promise((resolve) => child.once("exit", resolve))
  return grown
}

const gatewayOf = (server) => Number(readFileSync(path.join(server.directory, "service/gateway-1/supervise/pid"), "utf8"))
const away = { plain: 1, tls: 0 } // its port is so far from that of HTTPS
const certificates = ["ecdsa", "rsa"]

const costs = [], memory = {}

function note(server, certificate, plain, measured) {
  for (const tls of ["1.2", "1.3"]) {
    const [full, resumed] = [false, true].map((resumes) => measured.find((one) => one.tls === tls && one.resumes === resumes))
    if (full.resumed > 0 || resumed.resumed < 1) throw new Error(`${server}, TLS ${tls}: ${resumed.resumed} were resumed`)
    costs.push({ server, certificate, tls, plain, full: full.us, resumed: resumed.us, ratio: Number((resumed.us / full.us).toFixed(2)) })
  }
}

const listens = (port) => new Promise((resolve) => {
  const socket = net.connect(port, "127.0.0.1", () => { socket.destroy(); resolve(true) }).on("error", () => resolve(false))
})

// It answers with a file of its directory.
async function measureOpenssl(host, certificate, { cert, key }) {
  const port = await freePorts()
  writeFileSync(path.join(host.directory, "healthz"), "ok")
  const args = ["s_server", "-accept", `${port}`, "-cert", cert, "-key", key, "-WWW", "-quiet", "-no_cache", "-num_tickets", "1"]
  const server = start(host, "s_server", "openssl", args, { cwd: host.directory })
  await until("s_server listens", () => listens(port))
  note("openssl s_server", certificate, 0, await ask("handshakes", port, server.pid, values.handshakes))
}

async function measureMadang(certificate) {
  await withHost(async (host) => {
    const { cert, key } = makeCertificate(host, certificate)
    const own = { MADANG_GATEWAY_TLS_CERT: cert, MADANG_GATEWAY_TLS_KEY: key }
    const server = await startMadang(host, { tls: true, tokens: 1, gateways: "1", settings: { ...settings, ...own } })
    const pid = gatewayOf(server)
    const plain = await ask("plain", server.port + away.plain, pid, values.handshakes)
    note("madang", certificate, plain, await ask("handshakes", server.port, pid, values.handshakes))
    for (const how of ["floor", "waiting"]) note(`openssl, ${how}`, certificate, 0, await ask(how, cert, key, values.handshakes))
    await measureOpenssl(host, certificate, { cert, key })
    memory.object = (await ask("object", cert, key, values.held)) / 1024
  })
}

async function measureBun() {
  const plain = await withHost(async (host) => {
    const server = await startBun(host, { tls: false, tokens: 1 })
    return ask("plain", server.port, server.groups.server[0], values.handshakes)
  })
  await withHost(async (host) => {
    const server = await startBun(host, { tls: true, tokens: 1 })
    note("bun", "ecdsa", plain, await ask("handshakes", server.port, server.groups.server[0], values.handshakes))
  })
}

// Each kind in a process of its own: what one has given back the other would use again.
for (const kind of Object.keys(away))
  await withHost(async (host) => {
    const server = await startMadang(host, { tls: true, tokens: 1, gateways: "1", settings })
    memory[kind] = await heldKb(gatewayOf(server), server.port + away[kind], kind)
  })
for (const certificate of certificates) await measureMadang(certificate)
await measureBun()

console.table(costs)
const of = (server, tls) => costs.find((one) => one.server === server && one.tls === tls && one.certificate === "ecdsa")
const verdict = (good, what) => console.log(`${good ? "yes" : "NO "}  ${what}`)
for (const tls of ["1.2", "1.3"]) {
  const [ours, buns, floor, alone] = ["madang", "bun", "openssl, floor", "openssl s_server"].map((server) => of(server, tls))
  verdict(floor.ratio <= 1 / 3, `TLS ${tls}: a resumed handshake costs at most a third of a full one: ${floor.ratio} of OpenSSL alone; with its connection ours ${ours.ratio}, s_server's ${alone.ratio}`)
  const times = (buns.resumed / ours.resumed).toFixed(1), least = (buns.resumed / (floor.resumed + ours.plain)).toFixed(1)
  verdict(times >= 3, `TLS ${tls}: reconnections with tickets are three times Bun's: ${times} x; s_server's ${(buns.resumed / alone.resumed).toFixed(1)} x; were ours only OpenSSL's part and a plain connection's: ${least} x`)
}
const tlsKb = memory.tls - memory.plain
verdict(tlsKb <= memory.object + 1, `an idle connection: plain ${memory.plain.toFixed(1)} kB, TLS ${tlsKb.toFixed(1)} kB more; OpenSSL's object and one: ${(memory.object + 1).toFixed(1)} kB`)
