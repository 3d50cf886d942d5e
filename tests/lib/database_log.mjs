// database_log.mjs - what PostgreSQL wrote into its log while something was done.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { until } from './wait.mjs'

/** SQL as the administrator of the stack's database; what it answers. */
export async function asAdmin(stack, text) {
  const { stdout } = await promisify(execFile)('psql', ['-X', '-At', '-v', 'ON_ERROR_STOP=1', '-h', `${stack.dir}/pg-socket`, '-U', 'madang_admin', '-d', 'madang', '-c', text])
  return stdout.trim()
}

/** The log's records, each with the lines that belong to it, while `deed` runs. */
export async function loggedBy(stack, deed) {
  const mark = async () => {
    const marker = `marker ${randomUUID()}`
    await asAdmin(stack, `DO $$ BEGIN RAISE WARNING '${marker}'; END $$`)
    await until('the log has it', () => stack.log('postgres').includes(marker))
    return marker
  }
  const from = await mark()
  await deed()
  const to = await mark(), log = stack.log('postgres')
  return log.slice(log.indexOf(from), log.indexOf(to)).split(/^(?=\d{4}-\d\d-\d\d )/m)
}
