// table.mjs - the figures of all servers side by side.
// SPDX-License-Identifier: Apache-2.0
import { faultsOf } from "./plan.mjs"

const WIDTHS = [46, 12, 12, 9, 6]

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
    .map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[i]) : cell.padStart(WIDTHS[i])))
    .join(" ")
}

function faultLine(server, run) {
  const faults = Object.entries(faultsOf(run)).map(
    ([word, count]) => `${count} ${word.replaceAll("_", " ")}`,
  )
  return faults.length
    ? [`    ${server}: ${faults.join(", ")}${run.heard ? ` of ${run.heard} heard` : ""}`]
    : []
}

// `results` is { run name: { server name: run } }.
export function tableOf(plan, results, servers) {
  const lines = [row(["", ...servers, ...(servers.length === 2 ? ["ratio", "better"] : [])])]

  for (const { name, figures } of plan.flatMap((part) => part.runs)) {
    const runs = servers.map((server) => results[name]?.[server])
    if (!runs.some(Boolean)) continue
    lines.push("", name)
    for (const { what, unit, better, of } of figures) {
      const values = runs.map((run) => run && of(run))
      const ratio = values.length === 2 ? [`${number(values[0] / values[1])}x`, better] : []
      lines.push(
        row([
          `  ${what}, ${unit}`.replace(", /s", " per second"),
          ...values.map(number),
          ...ratio,
        ]),
      )
    }
    lines.push(...servers.flatMap((server, i) => (runs[i] ? faultLine(server, runs[i]) : [])))
  }
  return lines.join("\n")
}
