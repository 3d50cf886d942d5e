// auth_process.mjs - one auth process with a real PostgreSQL, its keys, and authctl beside it, for a test file.
// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../lib/ports.mjs'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
export const bin = join(root, process.env.BIN ?? 'build/bin')
const cluster = join(root, 'tests/service/pg_cluster.sh')

/** @returns where things lie, what authctl and SQL answer, and the process, which may be stopped and started again. */
export async function startAuth() {
  const dir = execFileSync(cluster, ['start', String(process.pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
  const own = mkdtempSync(join(tmpdir(), 'authctl-'))  // the cluster's directory is its user's, and auth has no capability to pass that by
  execFileSync(join(bin, 'keygen'), [`${own}/keys`])
  const env = { PATH: process.env.PATH, MADANG_KEY_DIR: `${own}/keys`, MADANG_AUTH_URL: `ipc://${own}/auth` }
  const serverEnv = {
    ...env, MADANG_AUTH_BIND: `ipc://${own}/auth`, MADANG_AUTH_HEALTH: `127.0.0.1:${await freePorts()}`,
    MADANG_AUTH_DB: `host=${dir} dbname=madang user=madang_auth passfile=${dir}/secrets/auth.pgpass`,
  }
  const auth = {
    dir, own, env, process: null,

    authctl(args, { input = '', extra = {} } = {}) {
      const r = spawnSync(join(bin, 'authctl'), args, { env: { ...env, ...extra }, input, encoding: 'utf8' })
      return { status: r.status, out: r.stdout, err: r.stderr }
    },

    /** As the cluster's administrator, or as a service's role. */
    sql(text, role = 'madang_admin') {
      const password = role === 'madang_admin' ? {} : { PGPASSFILE: `${dir}/secrets/${role.slice('madang_'.length)}.pgpass` }
      return execFileSync('psql', ['-X', '-q', '-A', '-t', '-h', dir, '-U', role, '-v', 'ON_ERROR_STOP=1', '-c', text, 'madang'],
        { encoding: 'utf8', env: { PATH: process.env.PATH, ...password }, stdio: ['ignore', 'pipe', 'pipe'] }).trim()
    },

    /** A process that does not begin to serve: its exit status and what it said. */
    tryStart() {
      const r = spawnSync(join(bin, 'auth'), [], { cwd: root, env: serverEnv, encoding: 'utf8', timeout: 20000 })
      return { status: r.status, out: r.stdout, err: r.stderr }
    },

    start() {
      auth.process = spawn(join(bin, 'auth'), [], { cwd: root, stdio: 'ignore', env: serverEnv })
      // The first question waits for the pipe within its own budget.
      const { status, err } = auth.authctl(['policy', 'list'], { extra: { MADANG_CALL_BUDGET_MS: '20000' } })
      if (status !== 0) throw new Error(`auth does not answer: ${err}`)
    },

    async stop() {
      const gone = new Promise(resolve => auth.process.once('exit', resolve))
      auth.process.kill('SIGTERM')
      await gone
    },

    end() {
      auth.process?.kill('SIGKILL')
      execFileSync(cluster, ['stop', dir])
      rmSync(own, { recursive: true, force: true })
    },
  }
  return auth
}
