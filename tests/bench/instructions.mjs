// instructions.mjs - how many instructions the loop of one process takes for a message and for a delivery, and where: callgrind counts them.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/instructions.mjs [--match "50 rooms"] [--of gateway] [--seconds 8] [--keep DIR]
//     BIN=/tmp/former node tests/bench/instructions.mjs        # of other programs
//
// Times of two builds differ by what else a machine does; this does not. The process runs at a thirtieth of its speed, so a turn has other
// things to share than in earnest: what is compared is two of these, and not one with a clock.
import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import path from "node:path"
import { parseArgs } from "node:util"

import { directoryIn, repository, withHost } from "./lib/host.mjs"
import { buildLoad, runLoad } from "./lib/load.mjs"
import { startMadang } from "./lib/madang.mjs"
import { faultsOf, planOf } from "./lib/plan.mjs"
import { makeRooms } from "./lib/rest.mjs"

// What stands for one message, and one delivery, in each process: the calls of a function that is not static.
const COUNTED = {
  gateway: { delivery: "subscription_send", message: "local_room_take_message" },
  store: { message: "committer_put" },
  chat: { message: "room_publish" },
}
const LEAST = 0.004 // of all: functions below are not printed

const { values: options } = parseArgs({
  options: {
    match: { type: "string", default: "50 rooms" },
    of: { type: "string", default: "gateway" },
    seconds: { type: "string", default: "8" },
    keep: { type: "string" },
  },
})

// Programs of which one is a script that runs the true one under callgrind.
function wrapped(host, binaries, out) {
  const directory = directoryIn(host, "bin", undefined, 0o755)
  for (const name of readdirSync(binaries)) {
    const to = path.join(directory, name)
    if (name !== options.of) {
      symlinkSync(path.join(binaries, name), to)
      continue
    }
    const command = `valgrind --tool=callgrind --instr-atstart=no --separate-threads=yes --callgrind-out-file='${out}/out.%p'`
    writeFileSync(to, `#!/bin/sh\nexec ${command} '${path.join(binaries, name)}' "$@"\n`)
    chmodSync(to, 0o755)
  }
  return directory
}

function control(...args) {
  const done = spawnSync("callgrind_control", args, { encoding: "utf8" })
  if (done.status !== 0) throw new Error(`callgrind_control ${args.join(" ")}: ${done.stderr}${done.stdout}`)
}

// { name: { self, inclusive, calls } } and the sum of callgrind's file; names are written once, and then stand as their number.
function readProfile(text) {
  const names = new Map()
  const found = new Map()
  const of = (word) => {
    const [, number, name] = /^\((\d+)\)(?: (.*))?$/.exec(word)
    if (name !== undefined) names.set(number, name)
    const key = names.get(number)
    if (!found.has(key)) found.set(key, { self: 0, inclusive: 0, calls: 0 })
    return found.get(key)
  }
  let caller, called, total = 0

  for (const line of text.split("\n")) {
    if (line.startsWith("fn=")) caller = of(line.slice(3))
    else if (line.startsWith("cfn=")) called = of(line.slice(4))
    else if (line.startsWith("calls=")) called.calls += Number(line.slice(6).split(" ")[0])
    else if (/^[+\-*\d]/.test(line)) {
      const cost = Number(line.split(" ").at(-1))
      if (called) {
        called.inclusive += cost
        called = undefined
      } else {
        caller.self += cost
        total += cost
      }
    }
  }
  return { found, total }
}

function profileOf(directory) {
  const [file] = readdirSync(directory).filter((name) => /\.1-01$/.test(name)) // the dump that was asked for, of the thread that began: the loop
  if (!file) throw new Error(`callgrind wrote nothing into ${directory}`)
  return readProfile(readFileSync(path.join(directory, file), "utf8"))
}

function print({ found, total }) {
  const units = Object.entries(COUNTED[options.of]).map(([name, by]) => [name, found.get(by)?.calls ?? 0])
  const [[unit, n]] = units
  if (n === 0) throw new Error(`no ${unit} was seen`)
  for (const [name, count] of units) console.log(`${count} of ${name}: ${Math.round(total / count)} instructions each`)
  console.log(`\nfor each ${unit}: self, with what it calls, calls`)
  for (const [name, { self, inclusive, calls }] of [...found].sort((a, b) => b[1].self - a[1].self))
    if (self > LEAST * total)
      console.log(`${(self / n).toFixed(1).padStart(9)} ${(inclusive / n).toFixed(1).padStart(9)} ${(calls / n).toFixed(3).padStart(8)}  ${name}`)
}

async function main() {
  const run = planOf({ quick: false, tlsTraffic: false })
    .flatMap((part) => part.runs)
    .find(({ rooms, name }) => rooms && name.includes(options.match))
  const binary = buildLoad()
  run.args["--seconds"] = options.seconds

  await withHost(async (host) => {
    const out = options.keep ?? directoryIn(host, "callgrind")
    mkdirSync(out, { recursive: true })
    process.env.BIN = wrapped(host, path.resolve(process.env.BIN ?? path.join(repository, "build/bin")), out)
    const server = await startMadang(host, { tls: false, tokens: 100, gateways: "1", settings: { MADANG_PRIVILEGES: "off" } })
    const [pid] = server.groups[options.of === "gateway" ? "gateway-1" : options.of]
    const count = { measuring: () => control("-i", "on", pid), measured: () => control("-i", "off", pid) }
    const marked = (word) => count[word]?.()
    const result = await runLoad(host, binary, { ...server, marked }, { args: run.args, rooms: await makeRooms(server, run.rooms) })
    const faults = faultsOf(result)
    if (Object.keys(faults).length > 0) throw new Error(`${run.name}: ${JSON.stringify(faults)}`)
    control("-d", pid)
    print(profileOf(out))
  })
}

await main()
