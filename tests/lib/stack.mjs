// stack.mjs - the whole product, for one test file: in a directory of its own, on free ports, gone afterwards.
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, existsSync, cpSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { copyCluster } from './cluster.mjs'
import { everybodyLeaves } from './people.mjs'
import { freePorts } from './ports.mjs'
import { metricsText } from './prometheus.mjs'
import { until } from './wait.mjs'

const run = promisify(execFile)
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
export const bin = resolve(root, process.env.BIN ?? 'build/bin')

/**
 * Start a stack.  `env` holds MADANG_* settings, `gateways` how many share the port, `chats` the rooms; with `ownPorts` each has one of
 * its own (`gatewayPorts`), and nobody listens on `port`: a balancer of the test's may.  `publicHost` is what it is called in its
 * public URL: passkeys want a name.
 * @returns the stack: its URLs, certificate authority, and what a test may do to it.
 */
export async function startStack({ gateways = 1, chats = 1, ownPorts = false, publicHost = '127.0.0.1', env = {} } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'madang-'))
  const first = await freePorts(32)
  const port = first
  const gatewayPorts = Array.from({ length: gateways }, (_, i) => ownPorts ? first + 31 - i : port)
  const base = {
    PATH: process.env.PATH, HOME: dir, BIN: bin, GATEWAYS: String(gateways), CHATS: String(chats), HEALTH_PORT: String(first + 2), ENV_FILE: '/dev/null',
    MADANG_GATEWAY_HTTPS: `127.0.0.1:${port}`, MADANG_GATEWAY_HTTP: `127.0.0.1:${port + 1}`,
    MADANG_PUBLIC_URL: `https://${publicHost}:${port}`, MADANG_GATEWAY_DRAIN_SPREAD_MS: '200', MADANG_LOG_LEVEL: 'info', MADANG_GATEWAY_RATE_PERCENT: '0',
    MADANG_AUTH_PASSWORD_COST: '10', MADANG_SHARE_PASSWORD_COST: '10', ...env,
    ...(ownPorts ? { GATEWAY_PORTS: gatewayPorts.join(' ') } : {}),
  }
  const script = (verb, more = {}) => run(join(root, 'scripts/stack'), [verb, dir], { env: { ...base, ...more }, maxBuffer: 1 << 26 })
  const healthPortOf = service => readFileSync(join(dir, 'env', service, `MADANG_${service.toUpperCase()}_HEALTH`), 'utf8').match(/:(\d+)/)[1]
  const stack = {
    dir,
    url: `https://127.0.0.1:${port}`,
    publicUrl: `https://${publicHost}:${port}`,
    plainUrl: `http://127.0.0.1:${port + 1}`,
    port,
    gatewayPorts,
    healthPort: first + 2,
    get ca() { return readFileSync(join(dir, 'tls/ca.crt')) },

    /** Run scripts/stack: "status", "roll", "wait", "up", "down". */
    script,

    /** madangctl, as an operator on this machine calls it: what it printed, and how it ended. */
    async madangctl(...words) {
      const options = { cwd: root, maxBuffer: 64 << 20 }
      return run('chpst', ['-e', join(dir, 'env/operator'), join(bin, 'madangctl'), ...words], options)
        .then(({ stdout, stderr }) => ({ status: 0, out: stdout, err: stderr }), ({ code, stdout, stderr }) => ({ status: code, out: stdout, err: stderr }))
    },
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

    /**
     * As the role of a service, in its schema; what it prints.  Once more where the database chose it, of two that wait for each other,
     * as the one to give way: it has done nothing then, and the service that works meanwhile gives way, too, when it is chosen.
     */
    async sql(service, text) {
      for (;;) {
        try {
          const { stdout } = await run('psql', ['-X', '-At', '-v', 'ON_ERROR_STOP=1', '-c', text,
            `host=${dir}/pg-socket dbname=madang user=madang_${service} passfile=${dir}/secrets/${service}.pgpass options=-csearch_path=${service}`])
          return stdout.trim()
        } catch (error) {
          if (!error.stderr?.startsWith('ERROR:  deadlock detected')) throw error
        }
      }
    },

    /** Throws while there is none, between an end and a new beginning: to signal 0 is to signal oneself. */
    pid(name) {
      const pid = Number(readFileSync(join(dir, 'service', name, 'supervise/pid'), 'utf8'))
      if (!pid) throw new Error(`${name} has no process now`)
      return pid
    },

    /** Send a signal; for 9, wait until the supervisor has brought a new process up and it is ready. */
    async kill(name, signal = 9) {
      const old = stack.pid(name)
      process.kill(old, signal)
      await until(`${name} is back`, () => {
        try { return stack.pid(name) !== old } catch { return false }
      }, 20000)
    },
    async ready() { await script('wait') },

    /** A metric of gateway N, or of a service by its name, summed over its labels that match. */
    async metric(process, name, labels = '') {
      const text = await metricsText(process === 1 ? first + 2 : Number.isInteger(process) ? first + 10 + process : healthPortOf(process))
      return text.split('\n').filter(line => line.startsWith(name) && line.includes(labels))
        .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0)
    },

    /** A histogram of gateway N: its bounds, each with how many were within it. */
    async histogram(gateway, name, labels = '') {
      const text = await metricsText(gateway === 1 ? first + 2 : first + 10 + gateway)
      return text.split('\n').filter(line => line.startsWith(`${name}_bucket`) && line.includes(labels))
        .map(line => [Number(line.match(/le="([^"]*)"/)[1].replace('+Inf', 'Infinity')), Number(line.split(' ').pop())])
    },

    /** Its whole lines: the last one may be on its way. What has just happened is on its way, too, and is waited for. */
    log(name) {
      const file = join(dir, 'log', name, 'current')
      const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
      return text.slice(0, text.lastIndexOf('\n') + 1)
    },

    async stop() {
      everybodyLeaves(stack)
      quitPostgres(dir)
      await script('down')
      const complaints = sanitizerComplaints(dir)
      if (process.env.KEEP_LOGS) cpSync(join(dir, 'log'), join(process.env.KEEP_LOGS, dir.split('-').pop()), { recursive: true })
      rmSync(dir, { recursive: true, force: true })
      if (complaints) throw new Error(`a sanitizer complained:\n${complaints}`)
    },
  }
  try {
    await copyCluster(dir, base)
    await script('up')
  } catch (error) {
    await script('down').catch(() => {})
    throw new Error(`the stack did not start:\n${error.stderr}\n${error.stdout}`)
  }
  return stack
}

/** What it would write at its end nobody reads: it is told to end at once instead. */
function quitPostgres(dir) {
  const control = join(dir, 'service/postgres/control/t')
  if (existsSync(control)) writeFileSync(control, readFileSync(control, 'utf8').replace('-INT', '-QUIT'))
}

/** What ASan, UBSan or a failed assertion left in the logs: a process that restarts must not hide it. */
function sanitizerComplaints(dir) {
  try {
    return execFileSync('grep', ['-rE', '-A', '30', '-m', '3', 'ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|Assertion .* failed', join(dir, 'log')],
      { encoding: 'utf8' }).split('\n').filter(line => !/^[^{]*-\{"at":/.test(line)).join('\n')
  } catch {
    return ''
  }
}
