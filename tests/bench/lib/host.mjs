// host.mjs - a private corner of this machine: a directory, free ports, children that are ended.
// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
} from "node:fs"
import net from "node:net"
import os from "node:os"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

export const repository = fileURLToPath(new URL("../../..", import.meta.url))

// `run(host)` with a directory of its own. Afterwards, also after an interrupt, what was begun
// is ended, the last first, and the directory removed.
export async function withHost(run) {
  const host = { directory: mkdtempSync(path.join(os.tmpdir(), "madang-bench-")), endings: [] }
  const interrupted = new Promise((_, reject) => {
    host.interrupt = () => reject(new Error("interrupted"))
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, host.interrupt)
  })
  chmodSync(host.directory, 0o711) // PostgreSQL's user must be able to pass through

  try {
    return await Promise.race([run(host), interrupted])
  } finally {
    for (const end of host.endings.reverse()) await end()
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, host.interrupt)
    if (process.env.BENCH_KEEP) console.error(`kept: ${host.directory}`)
    else rmSync(host.directory, { recursive: true, force: true })
  }
}

export function directoryIn(host, name, owner, mode = 0o700) {
  const made = path.join(host.directory, name)
  mkdirSync(made, { recursive: true, mode })
  if (owner) chownSync(made, owner.uid, owner.gid)
  return made
}

// A child whose output goes to `<name>.log`; with `says` its standard output comes to us.
export function start(
  host,
  name,
  command,
  args,
  { says = false, endsOn = "SIGTERM", ...options } = {},
) {
  const log = openSync(path.join(host.directory, `${name}.log`), "a")
  const child = spawn(command, args, {
    stdio: ["ignore", says ? "pipe" : log, log],
    ...options,
  })
  closeSync(log)
  child.name = name
  child.on("error", (error) => console.error(`${name}: ${error.message}`))
  host.endings.push(() => stop(child, endsOn))
  return child
}

export async function stop(child, signal) {
  const gone = () => child.exitCode !== null || child.signalCode !== null
  if (gone()) return
  const exit = new Promise((resolve) => child.once("exit", resolve))
  child.kill(signal)
  await Promise.race([exit, sleep(10_000, undefined, { ref: false })])
  if (!gone()) child.kill("SIGKILL")
}

export function saysReady(child) {
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (text) => /^ready$/m.test(text) && resolve())
    child.once("exit", (code) =>
      reject(new Error(`${child.name} ended with ${code} before it was ready`)),
    )
  })
}

// Run to the end; a failure is an error that says what was said.
export function runOnce(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: "utf8", ...options })
  if (done.status !== 0)
    throw new Error(
      `${command} ${args.join(" ")}: ${done.error?.message ?? `${done.stderr}${done.stdout}`}`,
    )
  return done.stdout
}

export async function until(what, test, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) {
    const found = await test()
    if (found) return found
  }
  throw new Error(`waited ${seconds} s for ${what}`)
}

// `count` ports in a row, below the range from which the load's own connections take theirs.
export async function freePorts(count = 1) {
  for (let tries = 0; tries < 100; tries++) {
    const first = 20000 + Math.floor(Math.random() * 12000)
    const ports = Array.from({ length: count }, (_, i) => first + i)
    if ((await Promise.all(ports.map(canListen))).every(Boolean)) return first
  }
  throw new Error("no free ports between 20000 and 32000")
}

function canListen(port) {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })
}
