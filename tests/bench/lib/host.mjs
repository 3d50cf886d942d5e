// host.mjs - a private corner of this machine: a directory, free ports, children that are ended.
// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from "node:child_process"
import { chownSync, chmodSync, mkdirSync, mkdtempSync, openSync, closeSync, rmSync } from "node:fs"
import net from "node:net"
import os from "node:os"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

export const repository = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../../..")

// `run(host)` with a directory that is removed and children that are stopped, whatever happens.
export async function withHost(run) {
  const host = { directory: mkdtempSync(path.join(os.tmpdir(), "madang-bench-")), children: [] }
  chmodSync(host.directory, 0o711) // PostgreSQL's user must be able to pass through
  const end = () => host.children.forEach((child) => child.exitCode ?? child.kill("SIGKILL"))
  process.once("exit", end)
  try {
    return await run(host)
  } finally {
    for (const child of host.children.reverse()) await stop(child)
    process.off("exit", end)
    if (process.env.BENCH_KEEP) console.error(`kept: ${host.directory}`)
    else rmSync(host.directory, { recursive: true, force: true })
  }
}

export function directoryIn(host, name, owner) {
  const made = path.join(host.directory, name)
  mkdirSync(made, { recursive: true, mode: 0o700 })
  if (owner) chownSync(made, owner.uid, owner.gid)
  return made
}

// A child whose output goes to `<name>.log`, but for what `ready` looks for on its stdout.
export function start(host, name, command, args, options = {}) {
  const log = openSync(path.join(host.directory, `${name}.log`), "a")
  const child = spawn(command, args, { stdio: ["ignore", options.ready ? "pipe" : log, log], ...options })
  closeSync(log)
  child.name = name
  child.on("error", (error) => console.error(`${name}: ${error.message}`))
  host.children.push(child)
  return child
}

export async function stop(child, signal = child.stopSignal ?? "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once("exit", resolve))
  child.kill(signal)
  await Promise.race([gone, sleep(10_000, undefined, { ref: false })])
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
}

export function saysReady(child) {
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (text) => /^ready$/m.test(text) && resolve())
    child.once("exit", (code) => reject(new Error(`${child.name} ended with ${code} before it was ready`)))
  })
}

// Run to the end; a failure is an error that says what was said.
export function runOnce(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: "utf8", ...options })
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${done.error?.message ?? done.stderr + done.stdout}`)
  return done.stdout
}

export async function until(what, test, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) {
    const found = await test()
    if (found) return found
  }
  throw new Error(`waited ${seconds} s for ${what}`)
}

// Below the range from which the load's own connections take theirs.
export async function freePort() {
  for (let tries = 0; tries < 100; tries++) {
    const port = 20000 + Math.floor(Math.random() * 12000)
    if (await canListen(port)) return port
  }
  throw new Error("no free port between 20000 and 32000")
}

function canListen(port) {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })
}
