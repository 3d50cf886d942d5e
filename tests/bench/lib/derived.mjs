// derived.mjs - what is made of a message once it is acknowledged: the index of search, and what chat keeps of rooms' activity.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs"
import http from "node:http"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

import { withHost } from "./host.mjs"
import { runLoad, sumOf } from "./load.mjs"
import { startMadang } from "./madang.mjs"
import { cpuByRole, sample } from "./meter.mjs"
import { makeRooms } from "./rest.mjs"

const POLL_MS = 100
const GROUPS = ["server", "store", "chat", "postgres"]

const storeHealth = (server) =>
  readFileSync(path.join(server.directory, "env/store/MADANG_STORE_HEALTH"), "utf8").trim()

async function metricsOf(address) {
  const answer = await new Promise((resolve, reject) =>
    http.get(`http://${address}/metrics`, resolve).on("error", reject),
  )
  let text = ""
  for await (const piece of answer.setEncoding("utf8")) text += piece
  return text
}

// Until no room has anything for a consumer of the logs.
async function caughtUp(server) {
  const late = async () =>
    [...(await metricsOf(storeHealth(server))).matchAll(/^madang_store_feed_rooms\S* (\d+)$/gm)]
      .some(([, rooms]) => Number(rooms) > 0)
  while (await late()) await sleep(POLL_MS)
}

// Microseconds of CPU for each message, by process and by who asks PostgreSQL: from the first message on, until all that follows is written.
async function costOf(host, binary, server, { args, rooms }) {
  const roles = {}
  const marked = (word) => {
    if (word === "ready") Object.assign(roles, cpuByRole(server.groups.postgres))
  }
  const ids = await makeRooms(server, rooms)
  const run = await runLoad(host, binary, { ...server, marked }, { args, rooms: ids })
  await caughtUp(server)
  const after = sample(server.groups)
  const messages = run.acked_per_s * args["--seconds"]
  const us = Object.fromEntries(
    GROUPS.map((name) => [name, (after.cpu[name] - run.ready.cpu[name]) / messages]),
  )
  for (const [role, cpu] of Object.entries(cpuByRole(server.groups.postgres)))
    us[role] = (cpu - (roles[role] ?? 0)) / messages
  return { ...run, us }
}

// Two stacks, with the index and without, in turns: what the machine does meanwhile is both's.
export async function runDerived(host, binary, { args, rooms, turns }) {
  const runs = { on: [], off: [] }
  await withHost(async (with_) =>
    withHost(async (without) => {
      const start = (on, search) =>
        startMadang(on, {
          tls: false,
          tokens: 20,
          gateways: "1",
          settings: { MADANG_STORE_SEARCH: search, MADANG_STORE_SEARCH_PERCENT: "100" },
        })
      const servers = { on: await start(with_, "on"), off: await start(without, "off") }
      for (let turn = 0; turn < turns; turn++)
        for (const [name, server] of Object.entries(servers))
          runs[name].push(await costOf(host, binary, server, { args, rooms }))
    }),
  )
  const mean = (name, group) => runs[name].reduce((sum, { us }) => sum + us[group], 0) / turns
  const usOf = (name) => Object.fromEntries(Object.keys(runs[name][0].us).map((group) => [group, mean(name, group)]))
  return { ...sumOf([...runs.on, ...runs.off]), on: usOf("on"), off: usOf("off") }
}
