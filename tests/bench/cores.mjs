// cores.mjs - how many durable messages a machine of two, four or eight cores takes, simulated by slow cores.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/cores.mjs [--cores 2,4,8] [--gateways 1,2,3] [--chats 1] [--slow 10] [--seconds 8] [--rooms 256]
//
// A core that is ten times as slow is a tenth of a core's time, by the kernel's quota: each thread of each process, and each
// of PostgreSQL's and Redis's processes, gets one tenth, for no thread can use more than one core; and all together get as
// many tenths as there are cores. The load has no bound and is not counted. What is printed is what one would have with cores
// as fast as this machine's: ten times what was measured. Needs cgroups of version 1 and root.
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"

import { withHost } from "./lib/host.mjs"
import { buildLoad, runLoad } from "./lib/load.mjs"
import { startMadang } from "./lib/madang.mjs"
import { faultsOf } from "./lib/plan.mjs"
import { makeRooms } from "./lib/rest.mjs"

const { values: options } = parseArgs({
  options: {
    cores: { type: "string", default: "2,4,8" },
    gateways: { type: "string", default: "1,2,3" },
    chats: { type: "string", default: "1" },
    slow: { type: "string", default: "10" },
    seconds: { type: "string", default: "8" },
    rooms: { type: "string", default: "256" },
  },
})
const PERIOD_US = 10_000
const AGAIN_MS = 300 // new threads and connections are found this often
const ROOT = "/sys/fs/cgroup/cpu"
const slow = Number(options.slow)

class Quota {
  constructor(directory, cores) {
    this.directory = directory
    mkdirSync(directory)
    writeFileSync(`${directory}/cpu.cfs_period_us`, String(PERIOD_US))
    writeFileSync(`${directory}/cpu.cfs_quota_us`, String(Math.round((PERIOD_US * cores) / slow)))
  }
  put(task) {
    try {
      writeFileSync(`${this.directory}/tasks`, String(task))
    } catch (error) {
      if (error.code !== "ESRCH") throw error // it has ended
    }
  }
  waited() {
    const stat = readFileSync(`${this.directory}/cpu.stat`, "utf8")
    return Number(stat.match(/nr_throttled (\d+)/)[1]) / Math.max(1, Number(stat.match(/nr_periods (\d+)/)[1]))
  }
}

const readOr = (file, otherwise) => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return otherwise
  }
}
const childrenOf = (pid) => readOr(`/proc/${pid}/task/${pid}/children`, "").split(" ").filter(Boolean)
const nameOf = (tid) => readOr(`/proc/${tid}/comm`, "?").trim()
const tasksOf = (pid) => {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

// Every thread of the stack has a quota of its own below the machine's; answers the machine, and what each thread waited.
function slowDown(server, cores) {
  const machine = new Quota(`${ROOT}/madang-bench-${process.pid}`, cores)
  const threads = new Map()
  const look = () => {
    for (const [name, pids] of Object.entries(server.groups)) {
      if (name === "server") continue
      for (const pid of [...pids, ...pids.flatMap((pid) => (name === "postgres" ? childrenOf(pid) : []))])
        for (const tid of tasksOf(pid)) {
          if (threads.has(tid)) continue
          const quota = new Quota(`${machine.directory}/${tid}`, 1)
          quota.name = `${name}: ${nameOf(tid)}${tid === String(pid) ? "" : ` ${tid}`}`
          threads.set(tid, quota)
          quota.put(tid)
        }
    }
  }
  look()
  const again = setInterval(look, AGAIN_MS)
  return {
    busiest: () => [...threads.values()].map((quota) => ({ name: quota.name, share: quota.waited() })).sort((a, b) => b.share - a.share),
    end() {
      clearInterval(again)
      for (const [tid, quota] of threads) {
        try {
          writeFileSync(`${ROOT}/tasks`, tid)
        } catch {
          // it has ended
        }
        rmdirSync(quota.directory)
      }
      rmdirSync(machine.directory)
    },
  }
}

async function measure(binary, cores, gateways, chats) {
  return withHost(async (host) => {
    const server = await startMadang(host, { tls: false, tokens: 100, gateways: String(gateways), settings: { CHATS: chats } })
    const rooms = await makeRooms(server, Number(options.rooms))
    let quotas, busiest
    const watched = {
      ...server,
      marked: (word) => {
        if (word === "ready") quotas = slowDown(server, cores)
        if (word === "measured") busiest = quotas.busiest()
      },
    }
    const args = { "--mode": "durable", "--members": 1, "--in-flight": 16, "--seconds": options.seconds, "--warmup-seconds": 3 }
    try {
      const result = await runLoad(host, binary, watched, { args, rooms })
      const faults = faultsOf(result)
      if (Object.keys(faults).length > 0) throw new Error(JSON.stringify(faults))
      return { rate: result.acked_per_s * slow, busiest }
    } finally {
      quotas?.end()
    }
  })
}

const binary = buildLoad()
console.log(`\n${"cores".padStart(5)} ${"gateways".padStart(9)} ${"chats".padStart(6)} ${"messages/s".padStart(12)}   held up most by its quota, share of the periods`)
for (const cores of options.cores.split(",").map(Number))
  for (const gateways of options.gateways.split(",").map(Number)) {
    const { rate, busiest } = await measure(binary, cores, gateways, options.chats)
    const most = busiest.slice(0, 3).map(({ name, share }) => `${name} ${Math.round(share * 100)} %`).join(", ")
    console.log(`${String(cores).padStart(5)} ${String(gateways).padStart(9)} ${options.chats.padStart(6)} ${Math.round(rate).toLocaleString("en").padStart(12)}   ${most}`)
  }
