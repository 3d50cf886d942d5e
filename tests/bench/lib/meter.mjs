// meter.mjs - what processes and their descendants have used, from /proc.
// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from "node:fs"

const TICKS_PER_SECOND = 100 // sysconf(_SC_CLK_TCK), the same on every Linux that Debian makes
const PAGE_BYTES = 4096

// utime + stime, and what children that have ended left behind, in microseconds.
function readProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const field = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(field[i]), 0)
    return {
      pid,
      parent: Number(field[1]),
      cpu: (ticks / TICKS_PER_SECOND) * 1e6,
      rss: Number(field[21]) * PAGE_BYTES,
    }
  } catch {
    return null // it has ended since
  }
}

function allProcesses() {
  return readdirSync("/proc")
    .map(Number)
    .filter(Number.isInteger)
    .map(readProcess)
    .filter(Boolean)
}

// `groups` is { name: [pid, ...] }; the answer { at, cpu: { name: us }, rss: { name: bytes } }.
export function sample(groups) {
  const found = allProcesses()
  const at = performance.now() * 1000
  const result = { at, cpu: {}, rss: {} }

  for (const [name, roots] of Object.entries(groups)) {
    const members = withDescendants(found, roots)
    result.cpu[name] = members.reduce((sum, each) => sum + each.cpu, 0)
    result.rss[name] = members.reduce((sum, each) => sum + each.rss, 0)
  }
  return result
}

function withDescendants(all, roots) {
  const family = new Set(roots)
  for (let size = -1; size !== family.size;) {
    size = family.size
    for (const each of all) if (family.has(each.parent)) family.add(each.pid)
  }
  return all.filter((each) => family.has(each.pid))
}

// CPU microseconds per second of wall time between two samples, by group.
export function cpuRates(from, to) {
  const seconds = (to.at - from.at) / 1e6
  return Object.fromEntries(
    Object.keys(to.cpu).map((name) => [name, (to.cpu[name] - from.cpu[name]) / seconds]),
  )
}

// CPU microseconds of PostgreSQL's backends so far, by the role that they serve: { madang_store: us }.
export function cpuByRole(postmaster) {
  const cpu = {}
  for (const each of withDescendants(allProcesses(), postmaster)) {
    const role = titleOf(each.pid).match(/^postgres: (madang_\w+) /)?.[1]
    if (role) cpu[role] = (cpu[role] ?? 0) + each.cpu
  }
  return cpu
}

function titleOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8")
  } catch {
    return "" // it has ended since
  }
}
