// run.mjs - `make bench`: Madang, a Node peer and a Bun peer under the same load, in one run, with the ratios.
// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from "node:fs"
import os from "node:os"
import { parseArgs } from "node:util"

import { runDerived } from "./lib/derived.mjs"
import { runBeside, runFiles } from "./lib/files.mjs"
import { withHost } from "./lib/host.mjs"
import { buildLoad, runLoad } from "./lib/load.mjs"
import { startMadang } from "./lib/madang.mjs"
import { startBun, startNode } from "./lib/peer.mjs"
import { faultsOf, planOf } from "./lib/plan.mjs"
import { makeRooms } from "./lib/rest.mjs"
import { tableOf } from "./lib/table.mjs"

const HELP = `node tests/bench/run.mjs [options]
  --quick            short runs with fewer connections: whether it works, not how fast
  --only NAMES       some of madang,node,bun
  --match WORDS      only runs whose name contains this, such as "fan-out"
  --tls              messages over TLS too, not only connections
  --gateways N       Madang's gateway processes (1)
  --peer-workers N   the Node peer's processes (1)
  --tokens N         tokens that the connections use in turn (100)
  --json FILE        every figure, for a machine
`

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean" },
    tls: { type: "boolean" },
    help: { type: "boolean" },
    only: { type: "string", default: "madang,node,bun" },
    match: { type: "string", default: "" },
    json: { type: "string" },
    tokens: { type: "string", default: "100" },
    gateways: { type: "string", default: "1" },
    "peer-workers": { type: "string", default: "1" },
  },
})

const STARTS = { madang: startMadang, node: startNode, bun: startBun }
const servers = Object.keys(STARTS).filter((name) => options.only.split(",").includes(name))

// All runs of one part of the plan against one server, started for them and stopped after.
async function measure(name, { tls, runs }, binary, results) {
  const own = runs.filter((run) => !run.only || run.only.includes(name))
  if (own.length === 0) return
  await withHost(async (host) => {
    const server = await STARTS[name](host, {
      tls,
      tokens: Number(options.tokens),
      gateways: options.gateways,
      workers: options["peer-workers"],
    })
    for (const run of own) {
      console.error(`${name}: ${run.name}`)
      const rooms = run.rooms && (await makeRooms(server, run.rooms))
      results[run.name] ??= {}
      results[run.name][name] = run.files
        ? await runFiles(host, server, run.files)
        : run.beside
          ? await runBeside(host, binary, server, run.beside)
          : run.derived
            ? await runDerived(host, binary, run.derived)
            : await runLoad(host, binary, server, { args: run.args, rooms })
    }
  })
}

function wanted(plan) {
  return plan
    .map((part) => ({
      ...part,
      runs: part.runs.filter((run) => run.name.includes(options.match)),
    }))
    .filter((part) => part.runs.length > 0)
}

async function main() {
  const plan = wanted(planOf({ quick: options.quick, tlsTraffic: options.tls }))
  const binary = buildLoad()
  const results = {}
  const began = new Date().toISOString()

  for (const part of plan)
    for (const server of servers) await measure(server, part, binary, results)

  console.log(
    `\n${os.cpus().length} cores shared by servers, engines and load; Node ${process.version}; ${began}\n`,
  )
  console.log(tableOf(plan, results, servers))
  if (options.json)
    writeFileSync(options.json, JSON.stringify({ began, options, results }, null, 1))
  return Object.values(results).some(
    ({ madang }) => madang && Object.keys(faultsOf(madang)).length > 0,
  )
}

if (options.help || servers.length < options.only.split(",").length) {
  console.log(HELP)
} else {
  try {
    if (await main()) throw new Error("what Madang's members heard is not what was sent: see above")
  } catch (error) {
    console.error(`\nbench: ${error.message}`)
    process.exitCode = 1
  }
}
