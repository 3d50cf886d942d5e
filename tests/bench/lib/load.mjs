// load.mjs - runs of the load generator, with the meter read at its words.
// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process"
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"

import { repository, runOnce, stop } from "./host.mjs"
import { cpuRates, sample } from "./meter.mjs"

const SETTLE_MS = 1500 // an idle server's last garbage and timers, before its memory is read

// The generator's binary: BENCH_LOAD, or what `make bench-programs` makes, built here if it is
// older than its source.
export function buildLoad() {
  if (process.env.BENCH_LOAD) return process.env.BENCH_LOAD
  const from = path.join(repository, "tests/bench/load")
  const binary = path.join(repository, "build/bench/load")
  const sources = readdirSync(from)
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => path.join(from, name))
  const built = statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? 0

  if (sources.some((name) => statSync(name).mtimeMs > built)) {
    mkdirSync(path.dirname(binary), { recursive: true })
    const units = sources.filter((name) => name.endsWith(".c"))
    runOnce(
      "cc",
      ["-std=c17", "-D_GNU_SOURCE", "-O2", "-I.", "-o", binary, ...units, "-lssl", "-lcrypto"],
      { cwd: repository },
    )
  }
  return binary
}

// One run against a server: its JSON line, the CPU rates of its window and the memory at its ends.
export async function runLoad(host, binary, server, options) {
  const files = { "--tokens": listFile(host, "tokens", server.tokens) }
  if (options.rooms) files["--room-list"] = listFile(host, "rooms", options.rooms)
  const args = [
    "--paced",
    "--host",
    "127.0.0.1",
    "--port",
    String(server.port),
    ...(server.tls ? ["--tls"] : []),
  ]
  for (const [name, value] of [...Object.entries(files), ...Object.entries(options.args)])
    args.push(name, String(value))

  await server.tidy?.()
  const before = sample(server.groups)
  const child = spawn(binary, args, { stdio: ["pipe", "pipe", "pipe"] })
  host.endings.push(() => stop(child, "SIGTERM"))
  const marks = attend(child, server)
  const [line, code] = await Promise.all([
    firstLine(child),
    new Promise((resolve) => child.once("exit", resolve)),
  ])
  if (!line) throw new Error(`the load ended with ${code} and no figures`)
  const { ready, measuring = ready, measured = ready } = await marks
  return { ...JSON.parse(line), before, ready, cpu: cpuRates(measuring, measured) }
}

// Read the meter at each word of the load, then let it go on.
function attend(child, server) {
  const marks = {}
  createInterface({ input: child.stderr }).on("line", async (word) => {
    if (!["ready", "measuring", "measured"].includes(word)) return console.error(`  ${word}`)
    if (word === "ready") {
      await sleep(SETTLE_MS)
      await server.tidy?.()
    }
    marks[word] = sample(server.groups)
    await server.marked?.(word)
    child.stdin.write("\n")
  })
  child.stdin.on("error", () => {}) // it may have ended
  return new Promise((resolve) => child.once("close", () => resolve(marks)))
}

async function firstLine(child) {
  for await (const line of createInterface({ input: child.stdout })) return line
}

function listFile(host, name, lines) {
  const file = path.join(host.directory, `${name}.txt`)
  writeFileSync(file, lines.join("\n") + "\n", { mode: 0o600 })
  return file
}

// What several runs counted.
export function sumOf([first, ...others]) {
  return Object.fromEntries(
    Object.entries(first)
      .filter(([name, value]) => typeof value === "number" && others.every((other) => name in other))
      .map(([name, value]) => [name, others.reduce((sum, other) => sum + other[name], value)]),
  )
}
