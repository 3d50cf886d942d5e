// machine.mjs - a machine to install on: this one's own files, of which it changes only its copy, with systemd as its first process.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from './wait.mjs'

const run = promisify(execFile)
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const ENDED_S = 30

/** Why there can be none here; undefined: there can. */
export const noMachine = process.getuid() !== 0 ? 'only root can start a machine'
  : !existsSync('/usr/bin/systemd-nspawn') ? 'systemd-nspawn is not installed'
  : spawnSync('unshare', ['-m', 'true']).status !== 0 ? 'this machine gives nobody a mount of their own' : undefined

// Two such machines at once have each a control group of its own, in whichever hierarchy systemd looks for it.
const GROUPS = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'].filter(at => existsSync(join(at, 'cgroup.procs')))

// What else this machine starts at its boot is not started there.  nspawn ends when its machine does; then it begins anew, as a
// machine does whose power comes back, until it is taken away.
const POWER = `set -e
for group in ${GROUPS.join(' ')}; do
    mkdir -p "$group/$2"
    echo $$ >"$group/$2/cgroup.procs"
done
mount -t tmpfs tmpfs "$1/disk"
mkdir "$1/disk/changes" "$1/disk/work" "$1/disk/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/disk/changes,workdir=$1/disk/work" "$1/disk/root"
rm -f "$1"/disk/root/etc/systemd/system/*.target.wants/*
while [ ! -e "$1/off" ]; do
    systemd-nspawn --quiet --directory="$1/disk/root" --boot --register=no --keep-unit --private-network --link-journal=no --console=pipe \\
        --machine="$2" --bind-ro="$3:/clone" || sleep 0.2
done`

/** The child of this process; undefined: it has none. */
const childOf = pid => Number(spawnSync('ps', ['-o', 'pid=', '--ppid', `${pid}`], { encoding: 'utf8' }).stdout.trim().split(/\s+/)[0]) || undefined

/** `clone` is /clone there.  undefined: systemd does not start here. */
export async function startMachine({ dir, clone }) {
  mkdirSync(join(dir, 'disk'), { recursive: true })
  const name = `madang-${process.pid}`, power = spawn('unshare', ['-m', 'sh', '-c', POWER, 'power', dir, name, clone], { stdio: 'ignore' })
  let ended = false
  power.once('exit', () => { ended = true })
  const first = () => { const nspawn = childOf(power.pid); return nspawn && childOf(nspawn) }
  const machine = {
    /** What this command says there, to who is root. */
    by: async command => {
      const pid = first()
      if (pid === undefined) throw new Error('the machine is off')
      const { stdout } = await run('nsenter', ['-t', `${pid}`, '-a', 'env', '-i', `PATH=${PATH}`, 'HOME=/root', 'bash', '-c', command], { timeout: 200000 })
      return stdout
    },
    async isUp() {
      const says = await machine.by('systemctl is-system-running --wait || true').catch(() => '')
      return /running|degraded/.test(says)
    },
    /** Ends as `how` says, and is up again. */
    async again(how) {
      const before = first()
      await how(before)
      await until('it has begun anew', () => { const now = first(); return now !== undefined && now !== before }, ENDED_S * 1000)
      await until('it is up again', machine.isUp, 120000)
    },
    reboot: () => machine.again(() => machine.by('systemctl reboot').catch(() => {})), // it may end before it has answered
    cutPower: () => machine.again(pid => process.kill(pid, 'SIGKILL')),
    async stop() {
      writeFileSync(join(dir, 'off'), '')
      const pid = first()
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      await until('the machine is off', () => ended, ENDED_S * 1000)
      spawnSync('find', [...GROUPS.map(at => join(at, name)), '-depth', '-type', 'd', '-delete'])
    },
  }
  try {
    await until('systemd is up', () => ended || machine.isUp(), 60000)
    if (!ended) return machine
  } catch { /* it is told by what is answered */ }
  if (!ended) await machine.stop()
  return undefined
}
