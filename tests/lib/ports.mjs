// ports.mjs - free ports on loopback, below the kernel's own range and above those of free_port.h.
import { createServer } from 'node:net'

const FIRST = 20000, BLOCK = 80, BLOCKS = 150

const listen = port => new Promise(resolve => {
  const server = createServer(socket => socket.destroy())
  server.once('error', () => resolve(undefined))
  server.listen(port, '127.0.0.1', () => resolve(server))
})

async function isFree(port) {
  const server = await listen(port)
  if (server) await new Promise(resolve => server.close(resolve))
  return Boolean(server)
}

/**
 * The first of `count` free neighbours.  Whoever will listen on them has yet to start: until this process ends it
 * listens on the first port of their block, so that nobody else who asks here is given the same.
 */
export async function freePorts(count = 1) {
  if (count >= BLOCK) throw new Error(`at most ${BLOCK - 1} ports, not ${count}`)
  for (let tries = 0; tries < 500; tries++) {
    const block = FIRST + BLOCK * Math.floor(Math.random() * BLOCKS)
    const mark = await listen(block)
    if (!mark) continue
    const all = await Promise.all(Array.from({ length: count }, (_, i) => isFree(block + 1 + i)))
    if (all.every(Boolean)) {
      mark.unref()
      return block + 1
    }
    mark.close()
  }
  throw new Error(`no ${count} free ports in a row`)
}
