// madang.mjs - starting Madang's whole stack in a private directory.
// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from "node:fs"
import path from "node:path"

import { directoryIn, freePorts, repository, runOnce } from "./host.mjs"
import { post } from "./rest.mjs"

const STACK = path.join(repository, "scripts/stack")
const AUTHCTL = path.join(process.env.BIN ?? path.join(repository, "build/bin"), "authctl")
const ENGINES = ["postgres", "redis"]

// What the operator's own environment says must not reach a stack that is measured.
function stackEnvironment({ tls, gateways, settings }, port) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("MADANG_"))
  return {
    ...Object.fromEntries(kept),
    GATEWAYS: gateways,
    HEALTH_PORT: port + 2,
    ENV_FILE: "/nonexistent",
    MADANG_LOG_LEVEL: "warn",
    MADANG_GATEWAY_HTTPS: `127.0.0.1:${port}`,
    MADANG_GATEWAY_HTTP: `127.0.0.1:${port + 1}`,
    MADANG_PUBLIC_URL: `https://localhost:${port}`,
    MADANG_GATEWAY_PLAIN: tls ? "0" : "1",
    MADANG_GATEWAY_CONNECTIONS_PER_ADDRESS: "20000", // all come from this machine
    MADANG_GATEWAY_RATE_PERCENT: "0",
    ...settings,
  }
}

// `up` and `down` of a stack in a directory of its own; answers that directory.
function startStack(host, env) {
  const directory = directoryIn(host, "stack", undefined, 0o711)
  const stack = (verb) => runOnce(STACK, [verb, directory], { env, timeout: 180_000 })

  host.endings.push(() => stack("down"))
  stack("up")
  return directory
}

// runit's word on who runs: each program, and the process that writes its log.
function pidsOf(directory, service) {
  return ["supervise/pid", "log/supervise/pid"]
    .map((file) => path.join(directory, "service", service, file))
    .filter(existsSync)
    .map((file) => Number(readFileSync(file, "utf8")))
    .filter((pid) => pid > 0)
}

function groupsOf(directory) {
  const programs = readdirSync(path.join(directory, "service")).filter(
    (name) => !ENGINES.includes(name),
  )
  const each = Object.fromEntries(
    [...programs, ...ENGINES].map((name) => [name, pidsOf(directory, name)]),
  )

  return { server: programs.flatMap((name) => each[name]), ...each }
}

function issueKey(directory) {
  const said = runOnce("chpst", [
    "-e",
    path.join(directory, "env/operator"),
    AUTHCTL,
    "key",
    "issue",
    "--name",
    "bench",
    "--policy",
    "chat-client",
  ])
  return said.match(/mdk_[A-Za-z0-9_-]+/)[0]
}

async function issueTokens(server, key, count) {
  const tokens = []
  for (let i = 0; i < count; i++) {
    const made = await post(server, "/auth/token", null, {
      api_key: key,
      subject: `user-${i}`,
      ttl_s: 3600,
    })
    tokens.push((made.data ?? made).token)
  }
  return tokens
}

export async function startMadang(host, { tls, tokens, gateways, settings = {} }) {
  const port = await freePorts(30) // HTTPS, HTTP, and the health endpoints
  const env = stackEnvironment({ tls, gateways, settings }, port)
  const directory = startStack(host, env)
  const server = {
    name: "madang",
    port: tls ? port : port + 1,
    tls,
    directory,
    env,
    groups: groupsOf(directory),
  }

  server.tokens = await issueTokens(server, issueKey(directory), tokens)
  return server
}
