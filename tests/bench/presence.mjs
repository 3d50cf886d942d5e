// presence.mjs - thousands who lose their connection and come back at once: how many presence events each hears, and what that costs.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/presence.mjs [--clients 10000] [--members 200] [--opening 100]
//
// Each client has one socket in one room of so many members.  First nobody watches, then all do: the gateway is killed, all come back and
// join their room again, and the same number of messages is said to all; what the second costs more is presence.
import { randomUUID } from "node:crypto"
import { parseArgs } from "node:util"

import WebSocket from "ws"

import { request, tokenFor } from "../lib/people.mjs"
import { startStack } from "../lib/stack.mjs"
import { pause, until } from "../lib/wait.mjs"
import { sample } from "./lib/meter.mjs"

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "10000" },
    members: { type: "string", default: "200" },
    opening: { type: "string", default: "100" },
  },
})
const clients = Number(values.clients), members = Number(values.members), opening = Number(values.opening)

class Client {
  constructor(stack, token, room) { Object.assign(this, { stack, token, room, presence: 0, messages: 0, gone: 0, whole: 0 }) }

  // Resolves when its room is joined, and watched.
  comes(watches) {
    return new Promise((resolve, reject) => {
      const socket = this.socket = new WebSocket(`${this.stack.url.replace("https", "wss")}/socket.io/?EIO=4&transport=websocket`, { ca: this.stack.caText })
      socket.on("error", reject)
      socket.on("close", () => reject(new Error("closed")))
      socket.on("message", (data) => {
        const text = data.toString()
        if (text === "2") socket.send("3")
        else if (text[0] === "0") socket.send(`40/chat,${JSON.stringify({ token: this.token })}`)
        else if (text.startsWith("40/chat")) socket.send(`42/chat,1["room:join",{"room":"${this.room}"}]`)
        else if (text.startsWith("43/chat,1[")) watches ? socket.send(`42/chat,2["presence:watch",{"room":"${this.room}"}]`) : resolve()
        else if (text.startsWith("43/chat,2[")) text === "43/chat,2[{}]" ? resolve() : reject(new Error(text))
        else if (text.startsWith('42/chat,["presence"')) {
          this.presence++
          if (text.includes('"whole":true')) this.whole++
          if (text.includes('"state":"offline"')) this.gone++
        } else if (text.startsWith('42/chat,["message"')) this.messages++
      })
    })
  }

  async comesAtLast(watches) {
    for (;;) {
      try { return await this.comes(watches) } catch { await pause(50) }
    }
  }
}

async function allCome(all, watches) {
  const waiting = [...all]
  await Promise.all(Array.from({ length: opening }, async () => {
    for (let client; (client = waiting.pop());) await client.comesAtLast(watches)
  }))
}

const seconds = (from, to, name) => ((to.cpu[name] - from.cpu[name]) / 1e6).toFixed(1)

async function storm(stack, all, watches) {
  const pids = () => ({ gateway: [stack.pid("gateway-1")], chat: [stack.pid("chat")], postgres: [stack.postgresPid()] })
  await allCome(all, watches)
  await pause(12000) // what is said of their coming
  for (const client of all) Object.assign(client, { presence: 0, gone: 0, whole: 0 })
  await stack.kill("gateway-1")
  await stack.ready()
  const before = sample(pids()), began = performance.now()
  await allCome(all, watches)
  const took = (performance.now() - began) / 1000
  await pause(12000)
  const after = sample(pids()), events = all.map((client) => client.presence)
  console.log(`${(watches ? "all watch" : "nobody watches").padEnd(15)} back in ${took.toFixed(1)} s; CPU seconds of gateway ${seconds(before, after, "gateway")}, chat ${seconds(before, after, "chat")}, PostgreSQL ${seconds(before, after, "postgres")}; presence events of a client: ${(events.reduce((a, b) => a + b, 0) / all.length).toFixed(2)}, at most ${Math.max(...events)}; of somebody gone: ${all.reduce((sum, client) => sum + client.gone, 0)}`)
  for (const client of all) client.socket.removeAllListeners("close").terminate()
  return Math.max(...events)
}

// What a message to all of them costs the gateway, for comparison.
async function fanOut(stack, rooms, all) {
  await allCome(all, false)
  const groups = { gateway: [stack.pid("gateway-1")] }, before = sample(groups), from = all.reduce((sum, client) => sum + client.messages, 0)
  await Promise.all(rooms.map(({ id, token }) => request(stack, "POST", `/api/v1/rooms/${id}/messages`, { token, body: { id: randomUUID(), body: "to all" } })))
  await until("all have heard it", () => all.reduce((sum, client) => sum + client.messages, 0) - from >= all.length, 60000)
  await pause(1000)
  console.log(`a message to all: CPU seconds of gateway ${seconds(before, sample(groups), "gateway")}`)
  for (const client of all) client.socket.removeAllListeners("close").terminate()
}

const stack = await startStack()
try {
  stack.caText = stack.ca
  stack.postgresPid = () => Number(stack.pid("postgres"))
  const key = await stack.issueKey(), rooms = [], all = []
  for (let first = 0; first < clients; first += members) {
    const names = Array.from({ length: Math.min(members, clients - first) }, (_, i) => `s${first + i}`), tokens = []
    for (const name of names) tokens.push(await tokenFor(stack, key, name))
    const room = (await request(stack, "POST", "/api/v1/rooms", { token: tokens[0], body: { name: "a room", open: false, members: names.slice(1, 100) } })).json.data
    for (let from = 100; from < names.length; from += 100)
      await request(stack, "POST", `/api/v1/rooms/${room.id}/members`, { token: tokens[0], body: { members: names.slice(from, from + 100) } })
    rooms.push({ id: room.id, token: tokens[0] })
    all.push(...tokens.map((token) => new Client(stack, token, room.id)))
  }
  console.log(`${clients} clients in rooms of ${members}`)
  await fanOut(stack, rooms, all)
  await storm(stack, all, false)
  if ((await storm(stack, all, true)) > 2) process.exitCode = 1
} finally {
  await stack.stop()
}
