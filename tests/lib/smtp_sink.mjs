// smtp_sink.mjs - a mail server for a test, and the mails that it was given.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './wait.mjs'

const script = join(dirname(fileURLToPath(import.meta.url)), 'smtp_sink.py')

const NEW_DEVICE = /^A new sign-in to |새 기기에서 로그인/

/** A mail as tests look at it: its header by name, and what its words hold. */
const readable = mail => ({
  ...mail,
  header: name => mail.headers.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value),
  get subject() { return this.header('subject')[0] },
  get link() { return /https?:\/\/\S+/.exec(mail.text)?.[0] },
  get token() { return new URL(this.link).searchParams.get('token') },
  get code() { return /^\d{6}\r?$/m.exec(mail.text)?.[0].trim() },
})

/** Start one on `port`; `more` are words of smtp_sink.py. */
export async function startSink(port, ...more) {
  const child = spawn('/usr/bin/python3', ['-B', script, String(port), ...more], { stdio: ['ignore', 'pipe', 'inherit'] })
  child.unref() // a test that failed before its stop() ends all the same, and the server with it
  child.stdout.unref()
  process.once('exit', () => child.kill())
  const mails = [], asked = []
  let listening = false
  createInterface({ input: child.stdout }).on('line', line => {
    const said = JSON.parse(line)
    if (said.listening) listening = true
    if (said.asked) asked.push(said)
    if (said.mail) mails.push(readable(said.mail))
  })
  await until('the mail server listens', () => listening)
  return {
    mails,
    /** How often a mail for this address was offered. */
    offered: address => asked.filter(each => each.asked === address).length,
    /** The next mail to this address that was not taken by a test yet; of its subject, else any but the notice of a new device. */
    async next(address, subject) {
      const fits = mail => mail.to[0] === address && !mail.taken && (subject ? subject.test(mail.subject) : !NEW_DEVICE.test(mail.subject))
      const index = await until(`a mail to ${address}`, () => 1 + mails.findIndex(fits), 20000) - 1
      mails[index].taken = true
      return mails[index]
    },
    count: address => mails.filter(mail => mail.to[0] === address).length,
    stop: () => new Promise(resolve => { child.ref(); child.once('exit', resolve); child.kill() }),
  }
}
