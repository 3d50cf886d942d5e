// settings.mjs - what the peer is told, all of it by environment variables.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs"

const env = process.env

export const settings = {
  port: Number(env.PEER_PORT ?? 4000),
  host: env.PEER_HOST ?? "127.0.0.1",
  workers: Number(env.PEER_WORKERS ?? 1),
  publicKey: env.PEER_PUBLIC_KEY, // ES256, PEM
  database: env.PEER_DATABASE, // a postgres:// URL, or a libpq-like host in PGHOST
  poolSize: Number(env.PEER_POOL ?? 16),
  redis: env.PEER_REDIS, // redis:// URL or the path of a Unix socket
  tls: env.PEER_TLS_CERT && {
    cert: readFileSync(env.PEER_TLS_CERT),
    key: readFileSync(env.PEER_TLS_KEY),
  },
}
