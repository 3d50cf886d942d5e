// corpora.mjs - requests that nobody here made, and how many of them a parser of renown sees in some bytes.
import { readFileSync, readdirSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { root } from './stack.mjs'

/** A good request that stands behind each case: whoever takes a part of it for the case's, or a part of the case for it, is found out. */
const GOOD = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

function* filesOf(directories) {
  for (const directory of directories)
    for (const file of readdirSync(directory).filter(name => name.endsWith('.json')).sort())
      for (const { name, raw } of JSON.parse(readFileSync(join(directory, file), 'utf8'))) yield { name: `${file.slice(0, -5)}: ${name}`, raw }
}

/** With a Host behind the first line, where none is: for many of these it is all that the gateway would look at. */
const hosted = raw => /^host[ \t]*:/im.test(raw) ? raw : raw.replace(/\r?\n/, '$&Host: localhost\r\n')

/** All cases as Buffers: as they are, with a Host, and each followed by a good request. */
export function readCorpora() {
  const directories = [join(root, 'tests/edge/corpora'), ...(process.env.CORPORA ? [process.env.CORPORA] : [])], seen = new Map()
  for (const { name, raw } of filesOf(directories))
    for (const [form, text] of [['', raw], [', with a Host', hosted(raw)]])
      for (const [more, whole] of [['', text], [' and a good request', text + GOOD]])
        if (!seen.has(whole)) seen.set(whole, { name: `${name}${form}${more}`, bytes: Buffer.from(whole, 'latin1') })
  return [...seen.values()]
}

/** How many requests llhttp finds in these bytes, as Node uses it. */
export async function startReference({ lenient = false } = {}) {
  let seen = 0
  const take = (req, res) => { seen++; res.end() }
  const server = http.createServer({ insecureHTTPParser: lenient }, take)
    .on('connect', (req, socket) => { seen++; socket.destroy() }).on('checkExpectation', take).on('checkContinue', take)
    .on('clientError', (error, socket) => socket.destroy())
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    count: bytes => new Promise((resolve, reject) => {
      seen = 0
      const socket = connect(server.address().port, '127.0.0.1', () => socket.end(bytes))
      socket.on('error', error => { if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error) }).on('close', () => resolve(seen)).resume()
    }),
    stop: () => new Promise(resolve => { server.close(resolve); server.closeAllConnections() }),
  }
}

/** These say that something was no request, or none that is read to its end. */
const REFUSALS = [400, 408, 411, 413, 414, 417, 431, 501, 505]
const statuses = heard => [...heard.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(match => Number(match[1])).filter(status => status >= 200 || status === 101)

/**
 * What a connection is answered to these bytes: the statuses, `taken` how many of them are of requests.  Ends when the server ends it, or the
 * good request has its answer, or nothing comes for `quiet` ms: who is slower then is believed to have answered less, which accuses nobody.
 */
export function answersTo(dial, bytes, quiet = 250) {
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = dial(() => socket.write(bytes))
    const end = () => { socket.destroy(); const all = statuses(heard); resolve({ all, taken: all.filter(status => !REFUSALS.includes(status)).length }) }
    socket.setTimeout(quiet, end)
    socket.on('data', data => { heard += data.toString('latin1') }).on('close', end)
      .on('error', error => { if (!['ECONNRESET', 'EPIPE'].includes(error.code)) reject(error) })
  })
}
