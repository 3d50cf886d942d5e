// fronts.mjs - nginx, HAProxy and Caddy of this machine, as docs/fronts has them, each before one gateway.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { root } from './stack.mjs'
import { until } from './wait.mjs'

const LISTED = '10.0.0.1:8443'

/** A shipped file with other names for what an operator replaces, each of which has to be there. */
function adapted(file, replacements) {
  let text = readFileSync(join(root, 'docs/fronts', file), 'utf8').replace(/^#.*\n/gm, '')
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`docs/fronts/${file} has no ${JSON.stringify(from)}`)
    text = text.replaceAll(from, to)
  }
  return text
}

/** What each of them is called, told and started by; `at` has dir, port, gateway, tls and ca. */
const FRONTS = {
  nginx: {
    say: 'forwarded', file: 'nginx.conf',
    text: at => `${process.getuid() === 0 ? 'user root;\n' : ''}daemon off;
error_log stderr warn;
pid ${at.dir}/pid;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${at.dir}/temp;`).join(' ')}
${adapted('nginx.conf', [
    [LISTED, at.gateway], ['    server 10.0.0.2:8443;\n    server 10.0.0.3:8443;\n', ''], ['listen 443', `listen 127.0.0.1:${at.port}`],
    ['/etc/madang/chain.pem', at.cert], ['/etc/madang/key.pem', at.key], ['/etc/madang/ca.crt', at.ca],
  ])}}
`,
    start: at => ['nginx', '-p', at.dir, '-c', at.config],
    reload: at => ['nginx', '-p', at.dir, '-c', at.config, '-s', 'reload'],
  },
  haproxy: {
    say: 'proxy-protocol', file: 'haproxy.cfg',
    text: at => adapted('haproxy.cfg', [
      [LISTED, at.gateway], ['    server g2 10.0.0.2:8443\n    server g3 10.0.0.3:8443\n', ''], ['bind :443', `bind 127.0.0.1:${at.port}`],
      ['/etc/madang/chain-and-key.pem', at.pem], ['/etc/madang/ca.crt', at.ca], ['/run/haproxy/admin.sock', `${at.dir}/admin.sock`],
      ['log /dev/log local0', 'log stderr format raw local0 notice'], ['    user haproxy\n    group haproxy\n', ''],
    ]),
    start: at => ['haproxy', '-W', '-f', at.config, '-p', join(at.dir, 'pid')],
    reload: at => ['kill', '-USR2', String(at.child.pid)],
  },
  caddy: {
    say: 'x-forwarded-for', file: 'Caddyfile',
    text: at => adapted('Caddyfile', [
      ['{\n\tservers', `{\n\tauto_https off\n\tadmin unix/${at.dir}/admin.sock\n\tdefault_bind 127.0.0.1\n\tservers`],
      [`${LISTED} 10.0.0.2:8443 10.0.0.3:8443`, at.gateway], ['chat.example.org {', `https://127.0.0.1:${at.port}, https://localhost:${at.port} {`],
      ['/etc/madang/chain.pem', at.cert], ['/etc/madang/key.pem', at.key], ['/etc/madang/ca.crt', at.ca],
    ]),
    start: at => ['caddy', 'run', '--adapter', 'caddyfile', '--config', at.config],
    reload: at => ['caddy', 'reload', '--force', '--adapter', 'caddyfile', '--config', at.config, '--address', `unix/${at.dir}/admin.sock`],
  },
}

export const frontNames = Object.keys(FRONTS)
/** What the gateway behind it has in MADANG_GATEWAY_PROXIES_SAY. */
export const saysOf = name => FRONTS[name].say

const listens = port => new Promise(resolve => {
  const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true) })
  socket.on('error', () => resolve(false))
})

const ended = child => new Promise(resolve => { if (child.exitCode === null && child.signalCode === null) child.once('exit', resolve); else resolve() })

/**
 * One of them, in `dir`, on `port` of loopback, before the gateway at `target`, with the certificate of `tls` (a directory of scripts/certs).
 * @returns { url, port, name, reload(), stop() }
 */
export async function startFront(name, { dir, port, target, tls }) {
  const front = FRONTS[name]
  mkdirSync(join(dir, 'temp'), { recursive: true })
  const at = {
    dir, port, gateway: `127.0.0.1:${target}`, config: join(dir, front.file), cert: join(tls, 'server.crt'), key: join(tls, 'server.key'),
    ca: join(tls, 'ca.crt'), pem: join(dir, 'chain-and-key.pem'),
  }
  writeFileSync(at.pem, readFileSync(at.cert, 'utf8') + readFileSync(at.key, 'utf8'), { mode: 0o600 })
  writeFileSync(at.config, front.text(at))
  let said = ''
  const runs = (words) => {
    const child = spawn(words[0], words.slice(1), { cwd: dir, env: { PATH: `${process.env.PATH}:/usr/sbin`, HOME: dir }, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', text => { said += text })
    return child
  }
  at.child = runs(front.start(at))
  await until(`${name} listens`, async () => {
    if (at.child.exitCode !== null) throw new Error(`${name} ended:\n${said}`)
    return listens(port)
  }, 20000)
  return {
    name, port, url: `https://127.0.0.1:${port}`,
    get said() { return said },
    async reload() {
      const child = runs(front.reload(at))
      await ended(child)
      if (child.exitCode !== 0) throw new Error(`${name} was not reloaded:\n${said}`)
    },
    async stop() {
      at.child.kill(name === 'nginx' ? 'SIGTERM' : 'SIGINT')
      await ended(at.child)
    },
  }
}
