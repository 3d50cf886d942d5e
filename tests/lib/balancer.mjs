// balancer.mjs - what stands before gateways: a TCP balancer that knows nothing, and a proxy that says whom it brings.
import https from 'node:https'
import { connect, createServer } from 'node:net'
import tls from 'node:tls'

/** Each connection goes to the next gateway in turn that takes it. */
export async function startBalancer(port, targets) {
  const open = new Set()
  let turn = 0

  function forward(client, triesLeft) {
    const target = connect(targets[turn++ % targets.length], '127.0.0.1')
    target.once('connect', () => {
      open.add(client)
      client.pipe(target).pipe(client)
      const end = () => { open.delete(client); client.destroy(); target.destroy() }
      for (const socket of [client, target]) socket.on('error', end).on('close', end)
    })
    target.once('error', () => {
      if (target.connecting || triesLeft === 0 || open.has(client)) return
      forward(client, triesLeft - 1)
    })
  }

  const server = createServer({ pauseOnConnect: true }, client => {
    client.on('error', () => client.destroy())
    forward(client, targets.length - 1)
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    /** Cut every connection. */
    cut() { for (const client of open) client.destroy() },
    async stop() {
      this.cut()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/**
 * A proxy that ends TLS, as nginx does it: requests, and upgrades by a turn of their own, go to one gateway after the other
 * on connections that all clients share, with the client's address at the right end of X-Forwarded-For.  `from` is its own.
 */
export async function startProxy(port, targets, { key, cert, ca, from }) {
  const agent = new https.Agent({ keepAlive: true, ca, localAddress: from })
  const sockets = new Set()
  const inTurn = () => { let turn = 0; return () => targets[turn++ % targets.length] }
  const nextForRequest = inTurn(), nextForUpgrade = inTurn()
  const forwarded = req => [req.headers['x-forwarded-for'], req.socket.remoteAddress].filter(Boolean).join(', ')

  function bring(req, res) {
    const { connection, ...headers } = req.headers
    const onward = https.request({
      host: '127.0.0.1', port: nextForRequest(), method: req.method, path: req.url, agent, headers: { ...headers, 'x-forwarded-for': forwarded(req) },
    }, answer => {
      const { connection: hop, ...more } = answer.headers
      res.writeHead(answer.statusCode, more)
      answer.pipe(res)
    })
    onward.on('error', () => res.destroy())
    res.on('close', () => onward.destroy())
    req.pipe(onward)
  }

  function bringUpgrade(req, client, head) {
    const target = tls.connect({ host: '127.0.0.1', port: nextForUpgrade(), ca, localAddress: from })
    const lines = [`${req.method} ${req.url} HTTP/1.1`]
    for (let i = 0; i < req.rawHeaders.length; i += 2)
      if (!/^x-forwarded-for$/i.test(req.rawHeaders[i])) lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}`)
    target.write(`${lines.join('\r\n')}\r\nX-Forwarded-For: ${forwarded(req)}\r\n\r\n`)
    target.write(head)
    client.pipe(target).pipe(client)
    const end = () => { client.destroy(); target.destroy() }
    for (const socket of [client, target]) socket.on('error', end).on('close', end)
  }

  const server = https.createServer({ key, cert }, bring).on('upgrade', bringUpgrade)
  server.on('connection', socket => { sockets.add(socket.on('close', () => sockets.delete(socket))) })
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    async stop() {
      for (const socket of sockets) socket.destroy()
      agent.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
