// qr - the codes that our pages draw are read by a program that knows nothing of them, whatever bytes they hold and however many.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { createRequire } from 'node:module'
import { bin } from '../lib/stack.mjs'

const read = createRequire(import.meta.url)('jsqr'), MODULE = 3, MARGIN = 4
const seed = process.env.SEED ?? String(Date.now())

/** As many bytes at random as are asked for, the same ones for the same seed. */
function bytesOf(name, n) {
  const parts = []
  for (let i = 0; parts.length * 32 < n; i++) parts.push(createHash('sha256').update(`${seed} ${name} ${i}`).digest())
  return Buffer.concat(parts).subarray(0, n)
}

function drawCode(line) {
  const [size, modules] = line.split(' '), n = Number(size), side = (n + 2 * MARGIN) * MODULE
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255)
  for (let y = 0; y < n * MODULE; y++)
    for (let x = 0; x < n * MODULE; x++) {
      if (modules[Math.floor(y / MODULE) * n + Math.floor(x / MODULE)] !== '1') continue
      const at = ((y + MARGIN * MODULE) * side + x + MARGIN * MODULE) * 4
      pixels.fill(0, at, at + 3)
    }
  return { pixels, side }
}

/** Texts are random bytes, those of a URI that apps read, or all alike. */
const textOf = n => n % 3 === 0 ? bytesOf('bytes', n) : n % 3 === 1 ? Buffer.alloc(n, n) : Buffer.from(bytesOf('uri', n).toString('base64url').slice(0, n))

test(`a code of any length is read as what it was made of (SEED=${seed})`, () => {
  const lengths = [...Array(300).keys()].map(i => i + 1)
  for (let i = 301; i <= 1000; i += 7) lengths.push(i)
  lengths.push(1000)
  const texts = lengths.map(textOf)
  const lines = execFileSync(join(dirname(bin), 'tests/service/qr_codes'), { input: texts.map(text => `${text.toString('hex')}\n`).join(''), maxBuffer: 1 << 26 }).toString().trim().split('\n')
  assert.equal(lines.length, texts.length)
  for (const [i, text] of texts.entries()) {
    const { pixels, side } = drawCode(lines[i]), found = read(pixels, side, side, { inversionAttempts: 'dontInvert' })
    assert.ok(found, `${text.length} bytes: nothing was read`)
    assert.deepEqual(Buffer.from(found.binaryData), text, `${text.length} bytes`)
  }
})
