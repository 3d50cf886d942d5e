// revocation.mjs - how long the end of a subject, a session or a key takes to reach its sockets, among many on several gateways.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/revocation.mjs [--gateways 2] [--subjects 250] [--rounds 100]
//
// Each subject has one connection with four sockets.  A round ends one of them and waits until its last socket has heard so; what is
// printed is from the moment in which the command was started, and beside it how long the command took to answer by itself.
import { parseArgs } from "node:util"
import { io } from "socket.io-client"

import { tokenFor } from "../lib/people.mjs"
import { startStack } from "../lib/stack.mjs"
import { until } from "../lib/wait.mjs"

const NAMESPACES = ["/", "/chat", "/notification", "/error"]
const { values } = parseArgs({
  options: {
    gateways: { type: "string", default: "2" },
    subjects: { type: "string", default: "250" },
    rounds: { type: "string", default: "100" },
  },
})
const gateways = Number(values.gateways),
  subjects = Number(values.subjects),
  rounds = Number(values.rounds)

const sidOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).sid

async function connect(stack, key, subject) {
  const token = await tokenFor(stack, key, subject)
  let open = 0,
    gone
  const ended = new Promise((resolve) => (gone = resolve))
  const sockets = NAMESPACES.map((namespace, i) =>
    io(stack.url + namespace, { ca: stack.ca, auth: { token }, reconnection: false, ...(i ? {} : { forceNew: true }) }),
  )
  for (const socket of sockets) {
    socket.on("connect", () => open++)
    socket.on("disconnect", () => --open === 0 && gone(performance.now()))
  }
  await until(`${subject} is connected`, () => open === NAMESPACES.length, 60000)
  return { subject, key, session: sidOf(token), ended, leaves: () => sockets.forEach((socket) => socket.disconnect()) }
}

const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
const ms = (list) => {
  const sorted = list.sort((a, b) => a - b)
  return `${at(sorted, 0.5).toFixed(1)} / ${at(sorted, 0.99).toFixed(1)} ms`
}

async function measure(stack, people, what, words, n) {
  const heard = [],
    answered = [],
    before = await reviewed(stack)
  for (let i = 0; i < n; i++) {
    const person = people.pop(),
      began = performance.now()
    const done = stack.authctl(...words(person)).then(() => answered.push(performance.now() - began))
    heard.push((await person.ended) - began)
    await done
  }
  const touched = ((await reviewed(stack)) - before) / n
  console.log(
    `${what.padEnd(20)} last socket ${ms(heard)}, the command alone ${ms(answered)}; sockets touched ${touched} of ${people.length * 4 + 4}`,
  )
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
  console.log(`${people.length * NAMESPACES.length} sockets on ${gateways} gateways, median / 99 %:`)
  await measure(stack, people, "subject logout", (person) => ["subject", "logout", person.subject], rounds)
  await measure(stack, people, "session logout", (person) => ["session", "logout", person.session], rounds)
  for (const [i, one] of keys.entries()) people.push(await connect(stack, one, `k${i}`))
  await measure(stack, people, "key revoke", (person) => ["key", "revoke", person.key.split("_")[1]], keys.length)
} finally {
  people.forEach((person) => person.leaves())
  await stack.stop()
}
