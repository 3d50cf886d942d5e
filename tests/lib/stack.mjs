// stack.mjs - the whole product, for one test file: in a directory of its own, on free ports, gone afterwards.
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, existsSync, cpSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { everybodyLeaves } from './people.mjs'
import { freePorts } from './ports.mjs'
import { until } from './wait.mjs'

const run = promisify(execFile)
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
export const bin = resolve(root, process.env.BIN ?? 'build/bin')

/**
 * Start a stack.  `env` holds MADANG_* settings, `gateways` how many share the port; with `ownPorts` each has one of
 * its own (`gatewayPorts`), and nobody listens on `port`: a balancer of the test's may.
 * @returns the stack: its URLs, certificate authority, and what a test may do to it.
 */
export async function startStack({ gateways = 1, ownPorts = false, env = {} } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'madang-'))
  const first = await freePorts(32)
  const port = first
  const gatewayPorts = Array.from({ length: gateways }, (_, i) => ownPorts ? first + 31 - i : port)
  const base = {
    PATH: process.env.PATH, HOME: dir, BIN: bin, GATEWAYS: String(gateways), HEALTH_PORT: String(first + 2), ENV_FILE: '/dev/null',
    MADANG_GATEWAY_HTTPS: `127.0.0.1:${port}`, MADANG_GATEWAY_HTTP: `127.0.0.1:${port + 1}`,
    MADANG_GATEWAY_PUBLIC_URL: `https://127.0.0.1:${port}`, MADANG_GATEWAY_DRAIN_SPREAD_MS: '200', MADANG_LOG_LEVEL: 'info', MADANG_GATEWAY_RATE_PERCENT: '0', ...env,
    ...(ownPorts ? { GATEWAY_PORTS: gatewayPorts.join(' ') } : {}),
  }
  const script = (verb, more = {}) => run(join(root, 'scripts/stack'), [verb, dir], { env: { ...base, ...more }, maxBuffer: 1 << 26 })
  const stack = {
    dir,
    url: `https://127.0.0.1:${port}`,
    plainUrl: `http://127.0.0.1:${port + 1}`,
    port,
    gatewayPorts,
    healthPort: first + 2,
    get ca() { return readFileSync(join(dir, 'tls/ca.crt')) },

    /** Run scripts/stack: "status", "roll", "wait", "up", "down". */
    script,

    /** authctl, as an admin on this machine calls it; parsed where it prints JSON. */
    async authctl(...words) {
      const { stdout } = await run('chpst', ['-e', join(dir, 'env/operator'), join(bin, 'authctl'), ...words, '--json'], { cwd: root })
      return JSON.parse(stdout)
    },

    async issueKey({ name = 'test', policy = 'chat-client', more = [] } = {}) {
      return (await stack.authctl('key', 'issue', '--name', name, '--policy', policy, ...more)).key
    },

    /** Any method of any service, as the operator. */
    async rpc(service, method, body = {}) {
      const { stdout } = await run('chpst', ['-e', join(dir, 'env/operator'), join(bin, 'rpc'), service, method, JSON.stringify(body)], { cwd: root })
      return JSON.parse(stdout)
    },

    pid: name => Number(readFileSync(join(dir, 'service', name, 'supervise/pid'), 'utf8')),

    /** Send a signal; for 9, wait until the supervisor has brought a new process up and it is ready. */
    async kill(name, signal = 9) {
      const old = stack.pid(name)
      process.kill(old, signal)
      await until(`${name} is back`, () => {
        try { const now = stack.pid(name); return now && now !== old } catch { return false }
      }, 20000)
    },
    async ready() { await script('wait') },

    /** A metric of gateway N, summed over its labels that match. */
    async metric(gateway, name, labels = '') {
      const port = gateway === 1 ? first + 2 : first + 10 + gateway
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      return text.split('\n').filter(line => line.startsWith(name) && line.includes(labels))
        .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0)
    },

    log: name => existsSync(join(dir, 'log', name, 'current')) ? readFileSync(join(dir, 'log', name, 'current'), 'utf8') : '',

    async stop() {
      everybodyLeaves(stack)
      await script('down')
      const complaints = sanitizerComplaints(dir)
      if (process.env.KEEP_LOGS) cpSync(join(dir, 'log'), join(process.env.KEEP_LOGS, dir.split('-').pop()), { recursive: true })
      rmSync(dir, { recursive: true, force: true })
      if (complaints) throw new Error(`a sanitizer complained:\n${complaints}`)
    },
  }
  try {
    await script('up')
  } catch (error) {
    await script('down').catch(() => {})
    throw new Error(`the stack did not start:\n${error.stderr}\n${error.stdout}`)
  }
  return stack
}

/** What ASan, UBSan or a failed assertion left in the logs: a process that restarts must not hide it. */
function sanitizerComplaints(dir) {
  try {
    return execFileSync('grep', ['-rE', '-A', '30', '-m', '3', 'ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|Assertion .* failed', join(dir, 'log')],
      { encoding: 'utf8' })
  } catch {
    return ''
  }
}
