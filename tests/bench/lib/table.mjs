// table.mjs - the figures of all servers side by side.
// SPDX-License-Identifier: Apache-2.0
import { faultsOf } from "./plan.mjs"

const FIRST_WIDTH = 40,
  WIDTH = 11

function number(n) {
  if (n === undefined || !Number.isFinite(n)) return "-"
  return n >= 1000
    ? Math.round(n).toLocaleString("en")
    : n >= 100
      ? n.toFixed(0)
      : n >= 10
        ? n.toFixed(1)
        : n.toFixed(2)
}

function row(cells) {
  return cells
    .map((cell, i) => (i === 0 ? cell.padEnd(FIRST_WIDTH) : cell.padStart(WIDTH)))
    .join(" ")
}

// What a run's members heard wrongly. Where messages were sent, the three that must be 0 are said even so.
function faultLine(server, run) {
  const always = run.heard > 0 ? { missing: 0, duplicate: 0, out_of_order: 0 } : {}
  const faults = Object.entries({ ...always, ...faultsOf(run) }).map(
    ([word, count]) => `${count} ${word.replaceAll("_", " ")}`,
  )
  return faults.length
    ? [`    ${server}: ${faults.join(", ")}${run.heard ? ` of ${run.heard} heard` : ""}`]
    : []
}

// Madang against each of the others that ran, which come after it.
function ratios([first, ...others]) {
  return first === undefined ? [] : others.map((other) => `${number(first / other)}x`)
}

// `results` is { run name: { server name: run } }; `servers` begins with madang, if it ran.
export function tableOf(plan, results, servers) {
  const compared = servers[0] === "madang" ? servers.slice(1) : []
  const lines = [row(["", ...servers, ...compared.map((name) => `: ${name}`), "better"])]

  for (const { name, figures } of plan.flatMap((part) => part.runs)) {
    const runs = servers.map((server) => results[name]?.[server])
    if (!runs.some(Boolean)) continue
    lines.push("", name)
    for (const { what, unit, better, of } of figures) {
      const values = runs.map((run) => run && of(run))
      lines.push(
        row([
          `  ${what}, ${unit}`.replace(", /s", " per second"),
          ...values.map(number),
          ...(compared.length > 0 ? ratios(values) : []),
          better,
        ]),
      )
    }
    lines.push(...servers.flatMap((server, i) => (runs[i] ? faultLine(server, runs[i]) : [])))
  }
  return lines.join("\n")
}
