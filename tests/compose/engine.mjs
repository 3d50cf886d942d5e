// engine.mjs - the real Docker engine, started here if nobody did, and the one base image, made if it can't be pulled.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from '../lib/wait.mjs'

export const run = promisify(execFile)
const works = (...command) => {
  try { execFileSync(command[0], command.slice(1), { stdio: 'ignore', timeout: 20000 }); return true } catch { return false }
}

/** Why there is no engine here, or undefined when there is one; `stop` undoes what was started. */
export async function findEngine() {
  if (process.env.MADANG_TEST_COMPOSE === '0') return { reason: 'MADANG_TEST_COMPOSE=0' }
  if (works('docker', 'info')) return { stop() {} }
  if (process.getuid() !== 0 || !existsSync('/usr/sbin/dockerd')) return { reason: 'no Docker engine runs here, and none can be started' }
  const dir = mkdtempSync(join(tmpdir(), 'dockerd-'))
  const log = openSync(join(dir, 'log'), 'w')
  const engine = spawn('dockerd', [], { stdio: ['ignore', log, log] })
  let ended = false
  engine.once('exit', () => { ended = true })
  try {
    await until('dockerd answers', () => ended || works('docker', 'info'), 30000)
  } catch { ended = true }
  if (ended) {
    engine.kill()
    return { reason: 'dockerd does not start here (in a container it needs more rights)' }
  }
  return {
    async stop() {
      engine.kill('SIGTERM')
      await until('dockerd ends', () => ended, 30000)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** debian:bookworm-slim: there, pulled, or made with debootstrap. */
export async function haveBaseImage() {
  const name = 'debian:bookworm-slim'
  if (works('docker', 'image', 'inspect', name) || works('docker', 'pull', '-q', name)) return
  const dir = mkdtempSync(join(tmpdir(), 'bookworm-'))
  try {
    await run('debootstrap', ['--variant=minbase', 'bookworm', dir], { maxBuffer: 1 << 26 })
    await run('sh', ['-c', `tar -C "${dir}" -c . | docker import - ${name}`], { maxBuffer: 1 << 26 })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
