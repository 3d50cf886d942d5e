// server.mjs - the Bun peer that `make bench` measures beside Madang: the fastest that a Socket.IO
// team can put together in JavaScript. socket.io over @socket.io/bun-engine, its Redis adapter, group commit.
// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto"

import { createAdapter } from "@socket.io/redis-adapter"
import { Server as Engine } from "@socket.io/bun-engine"
import { createClient } from "redis"
import { Server } from "socket.io"

import { serveChat } from "../peer/chat.mjs"
import { settings } from "../peer/settings.mjs"
import { tokenVerifier } from "../peer/token.mjs"
import { openGroupedLog } from "./log.mjs"

async function connectRedis(where) {
  const client = createClient(
    where.startsWith("/") ? { socket: { path: where } } : { url: where },
  )
  client.on("error", (error) => console.error("redis", error.message))
  return client.connect()
}

const refused = (status, code) => Response.json({ success: false, error: { code } }, { status })

async function makeRoom(log, verify, request) {
  try {
    verify((request.headers.get("authorization") ?? "").replace(/^Bearer /, ""))
  } catch (error) {
    return refused(401, error.message)
  }
  const { name, open } = (await request.json().catch(() => null)) ?? {}
  if (typeof name !== "string") return refused(400, "invalid_argument")
  const id = randomUUID()
  await log.makeRoom(id, name, open === true)
  return Response.json(
    { success: true, data: { id, name, open: open === true } },
    { status: 201 },
  )
}

const log = await openGroupedLog(settings)
await log.migrate()
const verify = tokenVerifier(settings.publicKey)
const engine = new Engine({ path: "/socket.io/" })
const io = new Server()

io.bind(engine)
io.adapter(
  createAdapter(await connectRedis(settings.redis), await connectRedis(settings.redis)),
)
serveChat(io, log, verify)

Bun.serve({
  ...engine.handler(),
  port: settings.port,
  hostname: settings.host,
  ...(settings.tls && { tls: settings.tls }),
  fetch(request, server) {
    const { pathname } = new URL(request.url)
    if (pathname === "/socket.io/") return engine.handleRequest(request, server)
    if (pathname === "/api/v1/rooms" && request.method === "POST")
      return makeRoom(log, verify, request)
    if (pathname === "/healthz") return Response.json({ success: true })
    return refused(404, "no_route")
  },
})
process.on("SIGTERM", () => process.exit(0))
process.on("SIGUSR2", () => Bun.gc(true)) // so that memory can be read without garbage
console.log("ready")
