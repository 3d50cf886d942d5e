// files.mjs - one large file to a server and back, by curl: how fast, and what it costs each process.
// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process"
import { truncateSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"

import { sample } from "./meter.mjs"

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

export async function runFiles(host, server, { mib }) {
  const file = path.join(host.directory, "large")
  const curl = async (...words) => {
    const options = ["-sSfk", "--http1.1", "-H", `Authorization: Bearer ${server.tokens[0]}`]
    const { stdout } = await run("curl", [...options, ...words], { maxBuffer: MIB })
    return stdout
  }
  const url = (of) => `${server.tls ? "https" : "http"}://127.0.0.1:${server.port}${of}`
  writeFileSync(file, "")
  truncateSync(file, mib * MIB) // nothing but zeroes: neither end looks at them

  const up = await timed(server, mib, () => curl("-F", `file=@${file}`, url("/api/v1/media")))
  const made = JSON.parse(up.answer).data
  const down = await timed(server, mib, () => curl("-o", "/dev/null", url(made.url)))
  return { up, down }
}
