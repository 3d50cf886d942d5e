// soak.mjs - two minutes of 10,000 connections: rooms that talk, readers that stall, a rolling restart in the middle.
// SPDX-License-Identifier: Apache-2.0
import { execFile, spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs, promisify } from "node:util"

import { repository, stop, until, withHost } from "./lib/host.mjs"
import { buildLoad } from "./lib/load.mjs"
import { startMadang } from "./lib/madang.mjs"
import { makeRooms } from "./lib/rest.mjs"

const HELP = `make soak ARGS='...'

  --seconds N       of traffic (120); at least 40
  --connections N   (10000); 1 % of them stall
  --room N          connections in a room (100)
  --gateways N      gateway processes (1)
  --json FILE       every figure, for a machine
`

const { values: options } = parseArgs({
  options: {
    help: { type: "boolean" },
    seconds: { type: "string", default: "120" },
    connections: { type: "string", default: "10000" },
    room: { type: "string", default: "100" },
    gateways: { type: "string", default: "1" },
    json: { type: "string" },
  },
})
const SECONDS = Math.max(40, Number(options.seconds))
const CONNECTIONS = Number(options.connections)
const ROOMS = Math.max(4, Math.round(CONNECTIONS / Number(options.room)))
const STALLED = Math.max(8, Math.round(CONNECTIONS / 100))

// Small bounds, so that who stalls is slow within seconds and dropped well before the restart.
const SETTINGS = {
  MADANG_GATEWAY_QUEUE_BYTES: "32768",
  MADANG_GATEWAY_SLOW_MS: "10000",
  MADANG_GATEWAY_DRAIN_SPREAD_MS: "5000",
}

// After the first quarter of a phase resident memory may grow by so much: the allocator's arenas, not ours.
const GROWTH = { share: 0.05, bytes: 4e6 }
const SAMPLE_MS = 2000

const mb = (bytes) => (bytes / 1e6).toFixed(1)

function gatewaysOf(server) {
  return Array.from({ length: Number(options.gateways) }, (_, i) => `gateway-${i + 1}`)
    .map((name) => path.join(server.directory, "service", name, "supervise/pid"))
    .map((file) => Number(readFileSync(file, "utf8")))
}

function residentBytes(pid) {
  return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096
}

// A counter or gauge of all gateways together, from their metrics.
async function metric(server, name) {
  let sum = 0
  for (let i = 1; i <= Number(options.gateways); i++) {
    const file = path.join(server.directory, `env/gateway-${i}/MADANG_GATEWAY_HEALTH`)
    const text = await (await fetch(`http://${readFileSync(file, "utf8").trim()}/metrics`)).text()
    for (const line of text.split("\n"))
      if (line.startsWith(name + " ") || line.startsWith(name + "{"))
        sum += Number(line.split(" ").pop())
  }
  return sum
}

// The load, which says words on standard error and waits for lines.
function startLoad(host, server, rooms) {
  const list = (name, lines) => {
    const file = path.join(host.directory, `${name}.txt`)
    writeFileSync(file, lines.join("\n") + "\n", { mode: 0o600 })
    return file
  }
  const child = spawn(buildLoad(), [
    "--mode",
    "soak",
    "--paced",
    "--port",
    `${server.port}`,
    "--connections",
    `${CONNECTIONS}`,
    "--stalled",
    `${STALLED}`,
    "--tokens",
    list("tokens", server.tokens),
    "--room-list",
    list("rooms", rooms),
    "--bytes",
    "900",
    "--seconds",
    "600",
  ])
  const load = { child, said: new Set(), figures: "" }
  host.endings.push(() => stop(child, "SIGTERM"))
  createInterface({ input: child.stderr }).on("line", (line) => {
    load.said.add(line)
    console.log(`  load: ${line}`)
  })
  child.stdout.on("data", (text) => (load.figures += text))
  child.stdin.on("error", () => {})
  load.tell = () => child.stdin.write("\n")
  load.says = (word, seconds) =>
    until(
      `the load to say ${word}`,
      () => {
        if (child.exitCode !== null) throw new Error(`the load ended with ${child.exitCode}`)
        return load.said.has(word)
      },
      seconds,
    )
  load.ended = new Promise((resolve) => child.once("close", resolve))
  return load
}

// Samples of one phase; the first quarter warms up.
async function watchMemory(server, phase, seconds) {
  const pids = gatewaysOf(server)
  const samples = []
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(SAMPLE_MS))
    samples.push(pids.reduce((sum, pid) => sum + residentBytes(pid), 0))
  const warm = samples.slice(Math.ceil(samples.length / 4))
  const growth = Math.max(...warm) - warm[0]
  const bound = Math.max(warm[0] * GROWTH.share, GROWTH.bytes)
  console.log(`  gateway memory ${phase}, MB: ${samples.map(mb).join(" ")}`)
  console.log(`  grew by ${mb(growth)} MB after warming up; at most ${mb(bound)} are allowed`)
  return { phase, samples, growth, bound }
}

async function soak(host) {
  const began = Date.now()
  const server = await startMadang(host, {
    tls: false,
    tokens: 100,
    gateways: options.gateways,
    settings: SETTINGS,
  })
  const load = startLoad(host, server, await makeRooms(server, ROOMS))
  await load.says("ready", 150)
  console.log(
    `  ${CONNECTIONS} connections in ${ROOMS} rooms after ${((Date.now() - began) / 1000).toFixed(0)} s`,
  )

  load.tell()
  const memory = [await watchMemory(server, "before the restart", SECONDS / 2)]
  const before = {
    sessions: await metric(server, "madang_gateway_sessions"),
    paused: await metric(server, "madang_paused_total"),
  }
  console.log(
    `  rolling restart; ${before.sessions} sessions are left, rooms were paused ${before.paused} times for slow readers`,
  )
  const rolled = Date.now()
  await promisify(execFile)(path.join(repository, "scripts/stack"), ["roll", server.directory], {
    env: server.env,
  })
  console.log(`  restarted in ${((Date.now() - rolled) / 1000).toFixed(1)} s`)
  memory.push(
    await watchMemory(server, "after the restart", SECONDS / 2 - (Date.now() - rolled) / 1000),
  )

  load.tell()
  await load.ended
  return { ...JSON.parse(load.figures), before, memory, dropped: CONNECTIONS - before.sessions }
}

// Each expectation with what was seen.
function judge(r) {
  const none = [
    "behind",
    "duplicate",
    "gaps",
    "strayed",
    "misplaced",
    "unreadable",
    "refused",
    "unanswered",
    "joins_refused",
    "failed",
    "told_to_go",
    "more_than_once",
  ]
  return [
    ...none.map((name) => [`${name.replaceAll("_", " ")}: none`, r[name] === 0, r[name]]),
    [
      "every reader that never reads is dropped before the restart",
      r.dropped === r.dead,
      `${r.dropped} of ${r.dead}`,
    ],
    ["and comes back whole", r.dead_dropped === r.dead, `${r.dead_dropped} of ${r.dead}`],
    [
      "readers that pause are paused, and not dropped",
      r.before.paused > 0,
      `${r.before.paused} times`,
    ],
    [
      "everybody moved once",
      r.moved === r.connections - r.dead,
      `${r.moved} of ${r.connections - r.dead}`,
    ],
    ...r.memory.map((m) => [
      `memory ${m.phase} is flat`,
      m.growth <= m.bound,
      `+${mb(m.growth)} MB`,
    ]),
  ]
}

function report(result) {
  console.log(
    `\n${result.acknowledged} messages acknowledged, heard ${result.heard} times; acknowledged within ` +
      `${(result.ack_us.p50 / 1000).toFixed(1)} ms (median), ${(result.ack_us.p99 / 1000).toFixed(0)} ms (99 %), ` +
      `${(result.ack_us.max / 1000).toFixed(0)} ms (longest)\n`,
  )
  const verdicts = judge(result)
  for (const [what, good, seen] of verdicts)
    console.log(`${good ? "ok" : "not ok"} - ${what} (${seen})`)
  if (options.json) writeFileSync(options.json, JSON.stringify(result, null, 1))
  return verdicts.every(([, good]) => good)
}

if (options.help) {
  console.log(HELP)
} else {
  try {
    if (!report(await withHost(soak))) process.exitCode = 1
  } catch (error) {
    console.error(`\nsoak: ${error.message}`)
    process.exitCode = 1
  }
}
