// revocation.mjs - how long the end of a subject, a session or a key, and a change of a key or a policy, takes to reach its sockets,
// among many on several gateways.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/revocation.mjs [--gateways 2] [--subjects 250] [--rounds 100] [--sockets 1000]
//
// Each subject has one connection with four sockets.  A round ends one of them and waits until its last socket has heard so; what is
// printed is from the moment in which the database took the change, shortly before its commit.  At the end a policy loses what 1,000
// sockets stand on, which belong to the load, a program in C: a thousand clients in one process of Node hear a tenth of a second later.
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createInterface } from "node:readline"
import { join } from "node:path"
import { parseArgs } from "node:util"

import { io } from "socket.io-client"

import { request, tokenFor } from "../lib/people.mjs"
import { startStack } from "../lib/stack.mjs"
import { until } from "../lib/wait.mjs"
import { buildLoad } from "./lib/load.mjs"
import { sample } from "./lib/meter.mjs"

const NAMESPACES = ["/", "/chat", "/notification", "/error"]
const { values } = parseArgs({
  options: {
    gateways: { type: "string", default: "2" },
    subjects: { type: "string", default: "250" },
    rounds: { type: "string", default: "100" },
    sockets: { type: "string", default: "1000" },
  },
})
const gateways = Number(values.gateways),
  subjects = Number(values.subjects),
  rounds = Number(values.rounds),
  sockets = Number(values.sockets)

// By the clock that the database has, too.
const now = () => performance.timeOrigin + performance.now()
const sidOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).sid

async function connect(stack, key, subject) {
  let token
  do token = await tokenFor(stack, key, subject)
  while (sidOf(token).startsWith("-")) // which authctl takes for an option
  let open = 0,
    gone
  const ended = new Promise((resolve) => (gone = resolve))
  const sockets = NAMESPACES.map((namespace, i) =>
    io(stack.url + namespace, { ca: stack.ca, auth: { token }, reconnection: false, ...(i ? {} : { forceNew: true }) }),
  )
  for (const socket of sockets) {
    socket.on("connect", () => open++)
    socket.on("disconnect", () => --open === 0 && gone(now()))
  }
  await until(`${subject} is connected`, () => open === NAMESPACES.length, 60000)
  return { subject, key, session: sidOf(token), ended, leaves: () => sockets.forEach((socket) => socket.disconnect()) }
}

const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
const ms = (list) => {
  const sorted = list.sort((a, b) => a - b)
  return `${at(sorted, 0.5).toFixed(1)} / ${at(sorted, 0.99).toFixed(1)} ms`
}

// When the database took the newest change, and which that is.
async function newest(stack) {
  const row = await stack.sql("auth", "SELECT position, extract(epoch FROM at) * 1000 FROM trust_change ORDER BY position DESC LIMIT 1")
  const [position, at] = row.split("|").map(Number)
  return { position, at }
}

// When each gateway had that change.
function heardOf(stack, position) {
  return Array.from({ length: gateways }, (_, n) => {
    const line = stack.log(`gateway-${n + 1}`).split("\n").filter((line) => line.includes('"gateway.trust_changed"')).map((line) => JSON.parse(line))
      .find((line) => line.position >= position)
    return Date.parse(line.at)
  })
}

async function measure(stack, people, what, n, change) {
  const heard = [],
    known = [],
    answered = [],
    before = await reviewed(stack)
  for (let i = 0; i < n; i++) {
    const person = people.pop(),
      began = now()
    const done = change(person, person.key.split("_")[1]).then(() => answered.push(now() - began))
    const last = await person.ended
    await done
    const taken = await newest(stack)
    heard.push(last - taken.at)
    known.push(Math.max(...heardOf(stack, taken.position)) - taken.at)
  }
  const touched = ((await reviewed(stack)) - before) / n
  console.log(`${what.padEnd(20)} ${ms(known).padEnd(18)} ${ms(heard).padEnd(18)} ${ms(answered).padEnd(18)} ${touched} of ${people.length * 4 + 4}`)
}

async function ask(stack, admin, method, path, body) {
  const answer = await request(stack, method, `/api/v1/admin/keys/${path}`, { token: admin, body })
  if (answer.status !== 200) throw new Error(answer.text)
}

// A thousand sockets of the load, all of one policy, which then lets nobody in any more.
async function measurePolicy(stack, key) {
  const tokens = []
  for (let i = 0; i < sockets; i++) tokens.push(await tokenFor(stack, key, `p${i}`))
  writeFileSync(join(stack.dir, "tokens.txt"), tokens.join("\n"), { mode: 0o600 })
  const load = spawn(buildLoad(), ["--mode", "ended", "--port", String(stack.port), "--tls", "--connections", String(sockets),
    "--tokens", join(stack.dir, "tokens.txt"), "--paced", "--seconds", "30"], { stdio: ["pipe", "pipe", "pipe"] })
  const figures = new Promise((resolve) => createInterface({ input: load.stdout }).once("line", (line) => resolve(JSON.parse(line))))
  await new Promise((resolve, reject) => {
    createInterface({ input: load.stderr }).on("line", (line) => line === "ready" && resolve())
    load.once("exit", (code) => reject(new Error(`the load ended with ${code}`)))
  })
  const groups = { gateways: Array.from({ length: gateways }, (_, n) => stack.pid(`gateway-${n + 1}`)) },
    before = sample(groups)
  load.stdin.write("\n")
  await stack.authctl("policy", "put", "bench", `${stack.dir}/nowhere.json`)
  const { connected, ended_at_us: ended } = await figures,
    cpu = (sample(groups).cpu.gateways - before.cpu.gateways) / sockets,
    taken = await newest(stack),
    each = ended.map((us) => us / 1000 - taken.at).sort((a, b) => a - b)
  if (ended.length < sockets) throw new Error(`${ended.length} of ${connected} sockets heard`)
  console.log(`policy edited: the gateways know after ${heardOf(stack, taken.position).map((at) => (at - taken.at).toFixed(0)).join(", ")} ms;`
    + ` of ${ended.length} sockets the first hears after ${each[0].toFixed(1)} ms, half within ${at(each, 0.5).toFixed(1)}, 99 % within ${at(each, 0.99).toFixed(1)}, all within ${each.at(-1).toFixed(1)};`
    + ` the gateways' CPU for each socket ${cpu.toFixed(0)} us`)
}

// What the gateways say themselves: from the change in the database until each socket obeyed, by the bounds of the histogram.
async function printObeyed(stack) {
  const buckets = new Map()
  for (let n = 1; n <= gateways; n++)
    for (const [le, count] of await stack.histogram(n, "madang_revocation_seconds", 'what="sockets"'))
      buckets.set(le, (buckets.get(le) ?? 0) + count)
  const all = buckets.get(Infinity) ?? 0,
    below = (part) => [...buckets].sort(([a], [b]) => a - b).find(([, count]) => count >= all * part)?.[0]
  console.log(`at the gateways       ${all} times a socket obeyed: half within ${below(0.5)} s, 99 % within ${below(0.99)} s`)
}

async function reviewed(stack) {
  let sum = 0
  for (let n = 1; n <= gateways; n++) sum += await stack.metric(n, "madang_trust_sockets_reviewed_total")
  return sum
}

const stack = await startStack({ gateways })
const people = []
try {
  const keys = await Promise.all(Array.from({ length: 20 }, () => stack.issueKey()))
  const key = await stack.issueKey()
  for (let i = 0; i < subjects + rounds * 2 + keys.length; i += 10)
    people.push(...(await Promise.all(Array.from({ length: 10 }, (_, k) => connect(stack, key, `s${i + k}`)))))
  console.log(`${people.length * NAMESPACES.length} sockets on ${gateways} gateways; from the change in the database, median / 99 %:`)
  console.log(`${" ".repeat(20)} ${"gateways know".padEnd(18)} ${"last socket heard".padEnd(18)} ${"the call by itself".padEnd(18)} sockets looked at`)
  await measure(stack, people, "subject logout", rounds, (person) => stack.authctl("subject", "logout", person.subject))
  await measure(stack, people, "session logout", rounds, (person) => stack.authctl("session", "logout", person.session))
  for (const [i, one] of keys.entries()) people.push(await connect(stack, one, `k${i}`))
  await measure(stack, people, "key revoke", keys.length, (_, id) => stack.authctl("key", "revoke", id))

  const admin = await stack.issueKey({ policy: "admin" }),
    owners = async () => {
      for (let i = 0; i < keys.length; i++) people.push(await connect(stack, await stack.issueKey(), `o${people.length}`))
    }
  writeFileSync(`${stack.dir}/nowhere.json`, JSON.stringify([{ effect: "allow", namespaces: ["/nowhere"], actions: ["connect"] }]))
  writeFileSync(`${stack.dir}/chat.json`, JSON.stringify([{ effect: "allow", namespaces: ["/chat"], actions: ["connect"] }]))
  await stack.authctl("policy", "put", "nowhere", `${stack.dir}/nowhere.json`)
  await stack.authctl("policy", "put", "bench", `${stack.dir}/chat.json`)
  await owners()
  await measure(stack, people, "key disabled", keys.length, (_, id) => ask(stack, admin, "POST", `${id}/disable`, {}))
  await owners()
  await measure(stack, people, "key edited", keys.length, (_, id) => ask(stack, admin, "PATCH", id, { policy: "nowhere" }))
  await measurePolicy(stack, await stack.issueKey({ policy: "bench" }))
  await printObeyed(stack)
} finally {
  people.forEach((person) => person.leaves())
  await stack.stop()
}
