// server.mjs - the Node peer that `make bench` measures beside Madang: what a careful team would
// run with Express, socket.io, its Redis adapter and PostgreSQL.
// SPDX-License-Identifier: Apache-2.0
import cluster from "node:cluster"
import { randomUUID } from "node:crypto"
import http from "node:http"
import https from "node:https"

import express from "express"
import { createAdapter } from "@socket.io/redis-adapter"
import { createClient } from "redis"
import { Server } from "socket.io"

import { serveChat } from "./chat.mjs"
import { openLog } from "./log.mjs"
import { settings } from "./settings.mjs"
import { tokenVerifier } from "./token.mjs"

function serveRest(log, verify) {
  const app = express()

  app.disable("x-powered-by")
  app.use(express.json({ limit: "64kb" }))
  app.get("/healthz", (_, answer) => answer.json({ success: true }))
  app.post("/api/v1/rooms", bearer(verify), async (ask, answer) => {
    const { name, open } = ask.body ?? {}
    if (typeof name !== "string")
      return answer.status(400).json({ success: false, error: { code: "invalid_argument" } })
    const id = randomUUID()
    await log.makeRoom(id, name, open === true)
    answer.status(201).json({ success: true, data: { id, name, open: open === true } })
  })
  return app
}

function bearer(verify) {
  return (ask, answer, next) => {
    try {
      verify((ask.get("authorization") ?? "").replace(/^Bearer /, ""))
    } catch (error) {
      return answer.status(401).json({ success: false, error: { code: error.message } })
    }
    next()
  }
}

async function connectRedis(where) {
  const client = createClient(
    where.startsWith("/") ? { socket: { path: where } } : { url: where },
  )
  client.on("error", (error) => console.error("redis", error.message))
  return client.connect()
}

async function serve() {
  const log = openLog(settings)
  const verify = tokenVerifier(settings.publicKey)
  const app = serveRest(log, verify)
  const server = settings.tls ? https.createServer(settings.tls, app) : http.createServer(app)
  const io = new Server(server, { serveClient: false, transports: ["websocket"] })
  const publisher = await connectRedis(settings.redis)
  const subscriber = await connectRedis(settings.redis)

  io.adapter(createAdapter(publisher, subscriber))
  serveChat(io, log, verify)
  await new Promise((resolve) =>
    server.listen({ port: settings.port, host: settings.host, backlog: 4096 }, resolve),
  )
  process.on("SIGTERM", () => process.exit(0))
  process.on("SIGUSR2", () => globalThis.gc?.()) // so that memory can be read without garbage
}

// Several workers can share the port, since the load speaks WebSocket only: there is no
// long-polling session for the next request to miss.
async function lead() {
  await openLog(settings).migrate()
  let waiting = settings.workers
  cluster.on("listening", () => --waiting === 0 && console.log("ready"))
  for (let i = 0; i < settings.workers; i++) cluster.fork()
  process.on("SIGUSR2", () =>
    Object.values(cluster.workers).forEach((worker) => worker.process.kill("SIGUSR2")),
  )
  process.on("SIGTERM", () => process.exit(0))
}

if (settings.workers > 1 && cluster.isPrimary) {
  await lead()
} else {
  if (!cluster.isWorker) await openLog(settings).migrate()
  await serve()
  if (!cluster.isWorker) console.log("ready")
}
