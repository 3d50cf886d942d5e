// files.mjs - one large file to a server and back, by curl: how fast, what it costs each process, and what it does to messages.
// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process"
import { truncateSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"

import { hasBase, startBase } from "./base.mjs"
import { runLoad, sumOf } from "./load.mjs"
import { sample } from "./meter.mjs"
import { makeRooms } from "./rest.mjs"

const MIB = 1 << 20
const run = promisify(execFile)

// MiB per second, and microseconds of CPU for each MiB by group.
async function timed(server, mib, work) {
  const before = sample(server.groups)
  const answer = await work()
  const after = sample(server.groups)
  const cpu = Object.fromEntries(
    Object.keys(after.cpu).map((name) => [name, (after.cpu[name] - before.cpu[name]) / mib]),
  )
  return { answer, mib_per_s: mib / ((after.at - before.at) / 1e6), cpu }
}

// Both ways for one file, as functions of what curl is told besides.
function wayOf(host, server, mib) {
  const file = path.join(host.directory, "large")
  const token = path.join(host.directory, "token") // what stands in a command is in the list of processes, and in its error
  const curl = async (...words) => {
    const options = ["-sSfk", "--http1.1", "-H", `@${token}`]
    const { stdout } = await run("curl", [...options, ...words], { maxBuffer: MIB })
    return stdout
  }
  const url = (of) => `${server.tls ? "https" : "http"}://127.0.0.1:${server.port}${of}`
  writeFileSync(token, `Authorization: Bearer ${server.tokens[0]}\n`, { mode: 0o600 })
  writeFileSync(file, "")
  truncateSync(file, mib * MIB) // nothing but zeroes: neither end looks at them
  return {
    file,
    curl,
    up: (...more) => curl(...more, "-F", `file=@${file}`, url("/api/v1/media")),
    down: (made, ...more) => curl(...more, "-o", "/dev/null", url(made.url)),
  }
}

export async function runFiles(host, server, { mib }) {
  const way = wayOf(host, server, mib)
  const up = await timed(server, mib, () => way.up())
  const made = JSON.parse(up.answer).data
  const down = await timed(server, mib, () => way.down(made))
  return { up, down }
}

// One file after the other while `work` runs; bounded, as else both cores are full and what is timed is who gets them.
async function beside(transfer, work) {
  let going = true
  const transfers = (async () => {
    while (going) await transfer()
  })()
  const result = await work()
  going = false
  await transfers
  return result
}

// The same load without a file, and beside one each way, of ours and of nginx, in turns: what the machine does in between is everybody's.
// The faults of all.
export async function runBeside(host, binary, server, { args, rooms, mib, mibPerS }) {
  const way = wayOf(host, server, mib)
  const limit = ["--limit-rate", `${mibPerS}M`]
  const load = async () =>
    runLoad(host, binary, server, { args, rooms: await makeRooms(server, rooms) })
  const made = JSON.parse(await way.up()).data
  const base = hasBase() ? await startBase(host, server, way.file) : undefined
  const runs = { alone: await load() }

  runs.up = await beside(() => way.up(...limit), load)
  if (base) runs.baseUp = await beside(() => way.curl(...limit, ...base.up), load)
  runs.down = await beside(() => way.down(made, ...limit), load)
  if (base) runs.baseDown = await beside(() => way.curl(...limit, ...base.down), load)
  return { ...sumOf(Object.values(runs)), ...runs }
}
