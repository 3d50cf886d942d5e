// engines.mjs - a private PostgreSQL cluster and a private Redis, on Unix sockets only.
// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs"
import path from "node:path"

import { directoryIn, runOnce, start, until } from "./host.mjs"

const BIN = process.env.PG_BIN ?? "/usr/lib/postgresql/15/bin"

// PostgreSQL refuses to be root, so then it is its own user.
function asOwner() {
  if (process.getuid() !== 0) return { owner: undefined, prefix: [] }
  const [uid, gid] = ["-u", "-g"].map((flag) => Number(runOnce("id", [flag, "postgres"])))
  return {
    owner: { uid, gid },
    prefix: ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"],
  }
}

// Durable as it comes: fsync and synchronous_commit stay on.
export async function startPostgres(host) {
  const { owner, prefix } = asOwner()
  const home = directoryIn(host, "postgres", owner)
  const data = path.join(home, "data")
  const command = (name, ...args) => [...prefix, path.join(BIN, name), ...args]

  const [initdb, ...initArgs] = command(
    "initdb",
    "-D",
    data,
    "-U",
    "postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
  )
  runOnce(initdb, initArgs, { cwd: home })
  const [postgres, ...args] = command(
    "postgres",
    "-D",
    data,
    "-k",
    home,
    "-c",
    "listen_addresses=",
  )
  const child = start(host, "postgres", postgres, args, { cwd: home, endsOn: "SIGINT" })
  await until("PostgreSQL", () => existsSync(path.join(home, ".s.PGSQL.5432")))
  return {
    pid: child.pid,
    child,
    url: `postgres://postgres@localhost/postgres?host=${encodeURIComponent(home)}`,
  }
}

export async function startRedis(host) {
  const socket = path.join(directoryIn(host, "redis"), "redis.sock")
  const child = start(host, "redis", "redis-server", [
    "--port",
    "0",
    "--unixsocket",
    socket,
    "--save",
    "",
    "--appendonly",
    "no",
  ])
  await until("Redis", () => existsSync(socket))
  return { pid: child.pid, child, socket }
}
