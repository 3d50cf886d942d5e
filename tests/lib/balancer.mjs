// balancer.mjs - a TCP balancer that knows nothing: each connection goes to the next one in turn that takes it.
import { connect, createServer } from 'node:net'

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
