// cluster.mjs - a database cluster for a stack of a test: as `scripts/stack up` makes it, with the tables that services make at their first start; made once and then copied.
import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const SERVICES = execFileSync(join(root, 'scripts/services'), { encoding: 'utf8' }).trim().split('\n')
const MAKERS = ['scripts/stack', 'scripts/db-init', 'scripts/lib/stack_database.sh', 'proto/services.def',
  ...SERVICES.flatMap(service => readdirSync(join(root, 'migrations', service)).sort().map(name => `migrations/${service}/${name}`))]

/** Another one for another PostgreSQL, and whenever what makes it has changed. */
function keptAt() {
  const hash = createHash('sha256').update(readdirSync('/usr/lib/postgresql').join())
  for (const file of MAKERS) hash.update(readFileSync(join(root, file)))
  return join(root, 'build/test-cluster', hash.digest('hex').slice(0, 16))
}

/** A stack of PostgreSQL alone, with the services' tables. Its directory gets its name when it is whole: of two who make one at a time, one is kept. */
async function make(kept, settings) {
  const dir = mkdtempSync(join(tmpdir(), 'madang-cluster-'))
  const env = { ...settings, HOME: dir, SERVICES: '', ENGINES: 'postgres', GATEWAYS: '0' }
  const down = () => run(join(root, 'scripts/stack'), ['down', dir], { env })
  try {
    await run(join(root, 'scripts/stack'), ['up', dir], { env })
    await run(join(settings.BIN, 'keygen'), [join(dir, 'keys')])
    await Promise.all(SERVICES.map(name => run(join(settings.BIN, name), ['--migrate'], { env: { ...env, MADANG_KEY_DIR: join(dir, 'keys'), MADANG_MIGRATIONS_DIR: join(root, 'migrations'),
      [`MADANG_${name.toUpperCase()}_DB`]: `host=${dir}/pg-socket dbname=madang user=madang_${name} passfile=${dir}/secrets/${name}.pgpass` } })))
    await down()
    mkdirSync(dirname(kept), { recursive: true })
    const whole = mkdtempSync(`${kept}.`) // one process may make two at a time
    await run('cp', ['-a', join(dir, 'pg'), join(dir, 'secrets'), whole])
    try { renameSync(whole, kept) } catch (error) { rmSync(whole, { recursive: true }); if (!existsSync(kept)) throw error }
  } catch (error) {
    await down()
    throw error
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Put a cluster that was never started into `dir`, with the passwords of its roles. */
export async function copyCluster(dir, settings) {
  const kept = keptAt()
  if (!existsSync(kept)) await make(kept, settings)
  await run('cp', ['-a', join(kept, 'pg'), join(kept, 'secrets'), dir])
  const config = join(dir, 'pg/data/postgresql.conf')
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, text.replace(/^unix_socket_directories = .*$/m, `unix_socket_directories = '${dir}/pg-socket'`))
}
