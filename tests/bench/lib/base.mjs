// base.mjs - nginx beside the stack, for the same bytes by somebody else: what a file does to messages on this machine whoever serves it.
// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process"
import { copyFileSync, writeFileSync } from "node:fs"
import path from "node:path"

import { directoryIn, freePorts, start, until } from "./host.mjs"

export const hasBase = () => spawnSync("nginx", ["-v"]).status === 0

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]

function configOf(directory, server, port) {
  const tls = path.join(server.directory, "tls")
  return [
    ...(process.getuid() === 0 ? ["user root;"] : []),
    "daemon off;",
    "worker_processes 1;",
    `pid ${directory}/nginx.pid;`,
    "events {}",
    "http {",
    "access_log off;",
    "client_max_body_size 0;",
    ...TEMPORARY.map((name) => `${name}_temp_path ${directory}/${name};`),
    "server {",
    `listen 127.0.0.1:${port}${server.tls ? " ssl" : ""};`,
    ...(server.tls ? [`ssl_certificate ${tls}/server.crt;`, `ssl_certificate_key ${tls}/server.key;`] : []),
    `location / { root ${directory}; dav_methods PUT; }`,
    "}",
    "}",
    "",
  ].join("\n")
}

// Both ways for a file, as curl's words. One worker, as a gateway has one loop; what it is sent it writes to disk, too.
export async function startBase(host, server, file) {
  const directory = directoryIn(host, "base")
  const port = await freePorts()
  const config = path.join(directory, "nginx.conf")
  const url = (name) => `${server.tls ? "https" : "http"}://127.0.0.1:${port}/${name}`

  writeFileSync(config, configOf(directory, server, port))
  copyFileSync(file, path.join(directory, "down"))
  start(host, "nginx", "nginx", ["-p", directory, "-c", config, "-e", path.join(directory, "error.log")])
  await until("nginx", () => spawnSync("curl", ["-skfI", url("down")]).status === 0)
  return { up: ["-T", file, url("up")], down: ["-o", "/dev/null", url("down")] }
}
