// edge.mjs - what comes to the edge all at once, beside peers: a herd with tickets, a certificate that changes under open sockets,
// requests that never end.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/edge.mjs [--herd 16000] [--sockets 10000] [--halves 10000] [--match herd|swap|halves]
//
// Each part ends with a verdict.  The exit code is 1 if a socket was lost, a ticket was not taken or an honest client went without
// an answer; what a rate or a size is judged by is printed, for a machine that does other things makes it another.
import { execFile, spawn } from "node:child_process"
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import http from "node:http"
import path from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import tls from "node:tls"
import { parseArgs, promisify } from "node:util"

import { repository, until, withHost } from "./lib/host.mjs"
import { buildLoad, runLoad } from "./lib/load.mjs"
import { startMadang } from "./lib/madang.mjs"
import { makeCertificate, startBun, startNode } from "./lib/peer.mjs"

const { values } = parseArgs({
  options: {
    herd: { type: "string", default: "16000" }, sockets: { type: "string", default: "10000" },
    halves: { type: "string", default: "10000" }, match: { type: "string", default: "" },
  },
})
const tool = path.join(repository, "build/bench/edge_bars")
const run = promisify(execFile)
const HERD_LEAST = 4000, HALVES_MOST_MB = 40 // a second on two cores; of 10,000
const PING_MS = 5000

const verdicts = []
function judge(good, what, { fails = false } = {}) {
  verdicts.push(`${good ? "yes" : "NO "}  ${what}`)
  if (!good && fails) process.exitCode = 1
}

const gatewaysOf = (server) => [1, 2, 3].map((i) => path.join(server.directory, `service/gateway-${i}/supervise/pid`))
  .flatMap((file) => { try { return [Number(readFileSync(file, "utf8"))] } catch { return [] } })
const cpuUs = (pids) => pids.flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}/schedstat`))
  .reduce((sum, file) => sum + Number(readFileSync(file, "utf8").split(" ")[0]) / 1e3, 0)
const residentMb = (pids) => pids.reduce((sum, pid) => sum + Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]) / 1024, 0)
const settings = { MADANG_GATEWAY_CONNECTS_PER_S: "1000000" }

// --- a herd that comes back, each with its ticket ---

async function comeBack(name, port, pids, version) {
  const before = cpuUs(pids)
  const { stdout } = await run(tool, ["herd", port, values.herd, version].map(String))
  const us = cpuUs(pids) - before, { count, resumed, seconds } = JSON.parse(stdout)
  judge(resumed === count, `herd, TLS ${version}, ${name}: all ${count} were resumed`, { fails: name === "madang" })
  return { server: name, tls: version, "per second": Math.round(count / seconds), "µs of CPU each": Math.round(us / count), "two cores take": Math.round(2e6 / (us / count)) }
}

async function measureHerd() {
  const rows = []
  await withHost(async (host) => {
    const server = await startMadang(host, { tls: true, tokens: 1, gateways: "2", settings })
    for (const version of ["1.2", "1.3"]) rows.push(await comeBack("madang", server.port, gatewaysOf(server), version))
  })
  await withHost(async (host) => {
    const server = await startBun(host, { tls: true, tokens: 1 })
    for (const version of ["1.2", "1.3"]) rows.push(await comeBack("bun", server.port, server.groups.server, version))
  })
  console.table(rows)
  for (const version of ["1.2", "1.3"]) {
    const [ours, buns] = ["madang", "bun"].map((name) => rows.find((row) => row.server === name && row.tls === version))
    const said = `herd, TLS ${version}: two cores take ${ours["two cores take"]} reconnections a second (bar: ${HERD_LEAST})`
    judge(ours["two cores take"] >= HERD_LEAST, `${said}; ${ours["per second"]} with the herd on the same two, ${(ours["per second"] / buns["per second"]).toFixed(2)} x Bun's`)
  }
}

// --- another certificate, under open sockets ---

const served = (port) => new Promise((resolve, reject) => {
  const socket = tls.connect({ port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().serialNumber)
    socket.destroy()
  })
  socket.on("error", reject)
})

// Each under its name when it is whole, the certificate last, as scripts/acme does it.
function putCertificate(from, to) {
  for (const which of ["key", "cert"]) {
    writeFileSync(`${to[which]}.new`, readFileSync(from[which]))
    renameSync(`${to[which]}.new`, to[which])
  }
}

async function measureSwap() {
  await withHost(async (host) => {
    const files = { cert: path.join(host.directory, "served.crt"), key: path.join(host.directory, "served.key") }
    putCertificate(makeCertificate(host, "ecdsa"), files)
    const own = { ...settings, MADANG_GATEWAY_TLS_CERT: files.cert, MADANG_GATEWAY_TLS_KEY: files.key, MADANG_GATEWAY_TLS_CHECK_S: "1",
      MADANG_GATEWAY_PING_INTERVAL_MS: `${PING_MS}` }
    const server = await startMadang(host, { tls: true, tokens: 100, gateways: "1", settings: own })
    let swaps = 0
    server.marked = async () => {
      for (const kind of ["rsa", "ecdsa", "rsa"]) {
        const old = await served(server.port)
        putCertificate(makeCertificate(host, kind), files)
        await until("the other certificate is served", async () => (await served(server.port)) !== old, 60)
        swaps++
      }
      await sleep(2 * PING_MS) // each has answered a ping since
    }
    const held = await runLoad(host, buildLoad(), server, { args: { "--mode": "idle", "--connections": values.sockets } })
    const good = held.connected === Number(values.sockets) && held.failed + held.lost === 0 && swaps === 3
    judge(good, `swap: ${swaps} other certificates under ${held.connected} sockets over TLS, ${held.lost} of them lost`, { fails: true })
  })
}

// --- requests of which the other half never comes ---

const isAnswered = (port) => new Promise((resolve) => {
  http.get({ port, host: "127.0.0.1", path: "/healthz" }, (answer) => { answer.resume(); resolve(answer.statusCode < 500) }).on("error", () => resolve(false))
})

async function sendHalves(name, port, pids, which) {
  const before = residentMb(pids)
  const child = spawn(tool, ["halves", port, values.halves, which].map(String), { stdio: ["pipe", "pipe", "inherit"] })
  const told = await Promise.race([
    new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
    new Promise((_, reject) => child.once("exit", () => reject(new Error("not all halves were taken")))),
  ])
  const grown = residentMb(pids) - before, honest = await isAnswered(port), { open } = JSON.parse(told)
  const over = new Promise((resolve) => child.once("exit", resolve))
  child.stdin.end()
  await over
  return { server: name, half: `of a ${which}`, "still open": open, "MB more": Number(grown.toFixed(1)), "others are answered": honest }
}

async function measureHalves() {
  const rows = []
  await withHost(async (host) => {
    const server = await startMadang(host, { tls: false, tokens: 1, gateways: "1", settings })
    for (const which of ["head", "body"]) rows.push(await sendHalves("madang", server.port, gatewaysOf(server), which))
  })
  for (const [name, begin] of [["node", startNode], ["bun", startBun]])
    await withHost(async (host) => {
      const server = await begin(host, { tls: false, tokens: 1, workers: "1" })
      rows.push(await sendHalves(name, server.port, server.groups.server, "head"))
    })
  console.table(rows)
  const [ours, , ...peers] = rows
  const beside = peers.map((row) => `${(ours["MB more"] / row["MB more"]).toFixed(2)} x ${row.server}'s`).join(", ")
  judge(rows[0]["others are answered"] && rows[1]["others are answered"], "halves: who sends whole requests is answered beside them", { fails: true })
  judge(ours["MB more"] < HALVES_MOST_MB, `halves: ${ours["still open"]} half heads take ${ours["MB more"]} MB (bar: ${HALVES_MOST_MB}); ${beside}`)
}

for (const [name, measure] of Object.entries({ herd: measureHerd, swap: measureSwap, halves: measureHalves }))
  if (name.includes(values.match)) await measure()
console.log(verdicts.join("\n"))
