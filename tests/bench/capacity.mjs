// capacity.mjs - what each thread of each process uses for a message, and at which rate it would be busy all the time.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/capacity.mjs [--gateways 1] [--committers 4] [--seconds 8] [--match durable] [--rounds 3]
//
// A thread that uses 5 us for a message can have 200,000 of them a second and no more, however many cores there are. What is
// printed is the round in which a message cost least, for other programs on the machine make it dearer and never cheaper.
import { readdirSync, readFileSync } from "node:fs"
import { parseArgs } from "node:util"

import { withHost } from "./lib/host.mjs"
import { buildLoad, runLoad } from "./lib/load.mjs"
import { startMadang } from "./lib/madang.mjs"
import { faultsOf, planOf } from "./lib/plan.mjs"
import { makeRooms } from "./lib/rest.mjs"

const { values: options } = parseArgs({
  options: {
    gateways: { type: "string", default: "1" },
    committers: { type: "string", default: "4" },
    seconds: { type: "string", default: "8" },
    match: { type: "string", default: "" },
    rounds: { type: "string", default: "3" },
  },
})
const TICK_US = 10_000
const LEAST_US = 0.05 // what uses less saturates nowhere

function ticksOf(file) {
  const stat = readFileSync(file, "utf8")
  const field = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return { name: stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")), us: (Number(field[11]) + Number(field[12])) * TICK_US }
}

const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean)

// { "gateway-1: gateway": us, ... }. PostgreSQL's processes are threads for our purpose, each by what it calls itself.
function sampleThreads(groups) {
  const found = {}
  const add = (key, us) => (found[key] = (found[key] ?? 0) + us)

  for (const [name, [pid]] of Object.entries(groups)) {
    if (name === "server" || !pid) continue
    if (name === "postgres") {
      for (const child of childrenOf(pid))
        add(`postgres: ${readFileSync(`/proc/${child}/cmdline`, "utf8").replace(/^postgres: |\0.*$/g, "").replace(/ \[local\].*/, ` ${child}`).trim()}`, ticksOf(`/proc/${child}/stat`).us)
      continue
    }
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      const { name: thread, us } = ticksOf(`/proc/${pid}/task/${tid}/stat`)
      add(`${name}: ${thread} ${tid === String(pid) ? "(loop)" : tid}`, us)
    }
  }
  return found
}

async function measure(host, binary, server, run) {
  const marks = {}
  const watched = { ...server, marked: (word) => (marks[word] = sampleThreads(server.groups)) }
  const rooms = await makeRooms(server, run.rooms)
  const result = await runLoad(host, binary, watched, { args: run.args, rooms })
  const { measuring: from, measured: to } = marks
  const faults = faultsOf(result)
  if (Object.keys(faults).length > 0) throw new Error(`${run.name}: ${JSON.stringify(faults)}`)
  const messages = run.args["--mode"] === "durable" ? result.acked_per_s : result.complete_per_s
  const each = Object.keys(to).map((thread) => [thread, (to[thread] - (from[thread] ?? 0)) / (messages * result.seconds)])
  return { messages, load: (result.load_cpu * 1e6) / messages, each, sum: each.reduce((sum, [, us]) => sum + us, 0) }
}

function print(name, best) {
  console.log(`\n${name}: ${Math.round(best.messages)} messages/s in this run, ${best.sum.toFixed(1)} µs each, and ${best.load.toFixed(1)} of the load\n`)
  for (const [thread, us] of best.each.sort((a, b) => b[1] - a[1]))
    if (us >= LEAST_US)
      console.log(`  ${thread.replace(/ \d+$/, "").padEnd(44)} ${us.toFixed(2).padStart(7)} µs  busy at ${Math.round(1e6 / us).toLocaleString("en").padStart(10)}/s`)
}

const binary = buildLoad()
const runs = planOf({ quick: false, tlsTraffic: false })
  .flatMap((part) => part.runs)
  .filter((run) => run.rooms && !run.name.includes("lone") && run.name.includes(options.match))
for (const run of runs) {
  run.args["--seconds"] = options.seconds
  let best
  for (let i = 0; i < Number(options.rounds); i++)
    await withHost(async (host) => {
      const settings = { MADANG_STORE_COMMITTERS: options.committers }
      const server = await startMadang(host, { tls: false, tokens: 100, gateways: options.gateways, settings })
      const now = await measure(host, binary, server, run)
      if (best === undefined || now.sum < best.sum) best = now
    })
  print(run.name, best)
}
