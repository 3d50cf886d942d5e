// ports.mjs - free ports on loopback, below the kernel's own range.
import { createServer } from 'node:net'

const isFree = port => new Promise(resolve => {
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
})

/** The first of `count` free neighbours. */
export async function freePorts(count = 1) {
  for (let tries = 0; tries < 200; tries++) {
    const first = 20000 + Math.floor(Math.random() * 12000)
    const all = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)))
    if (all.every(Boolean)) return first
  }
  throw new Error(`no ${count} free ports in a row`)
}
