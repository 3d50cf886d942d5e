// images.mjs - images as cameras, browsers and attackers make them.
import { crc32 } from './crc.mjs'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { until } from './wait.mjs'

export const filesOf = stack => readdirSync(join(stack.dir, 'files/share')).length

/** How many files share has, once no image is read, and all that nobody has any more is gone. */
export async function settledFiles(stack) {
  await until('each file is a content', async () => await stack.sql('share', 'SELECT count(*) FROM blob') === String(filesOf(stack))
    && await stack.sql('share', "SELECT count(*) FROM media WHERE state = 'pending'") === '0', 60000)
  return filesOf(stack)
}

const chunk = (type, data) => {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), data, Buffer.alloc(4)])
  bytes.writeUInt32BE(data.length, 0)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length)
  return bytes
}

/** Grey noise that compresses; `rows` of it are there, however many are announced. */
export function pngOf(width, height, { rows = height } = {}) {
  const head = Buffer.alloc(13), row = Buffer.alloc(width + 1)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 0, 0, 0, 0], 8)
  for (let i = 1; i <= width; i++) row[i] = i * 7 % 251
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat(Array(rows).fill(row)))), chunk('IEND', Buffer.alloc(0))])
}

/** Frames of one colour. */
export function gifOf(width, height, frames) {
  const size = Buffer.from([width & 255, width >> 8, height & 255, height >> 8])
  const frame = Buffer.concat([Buffer.from([0x21, 0xf9, 4, 0, 5, 0, 0, 0, 0x2c, 0, 0, 0, 0]), size, Buffer.from([0, 2, 2, 0x4c, 1, 0])])
  return Buffer.concat([Buffer.from('GIF89a'), size, Buffer.from([0x80, 0, 0, 0, 0, 0, 255, 255, 255]), ...Array(frames).fill(frame), Buffer.from([0x3b])])
}

/** What a camera puts beside a picture: its maker, that it lies on its side, and where it was. */
function exif() {
  const tiff = Buffer.alloc(300), entry = (at, tag, type, count, value) => { tiff.writeUInt16LE(tag, at); tiff.writeUInt16LE(type, at + 2); tiff.writeUInt32LE(count, at + 4); value(at + 8) }
  tiff.write('II*\0', 0, 'latin1')
  tiff.writeUInt32LE(8, 4)
  tiff.writeUInt16LE(3, 8)
  entry(10, 0x010f, 2, 11, at => tiff.writeUInt32LE(100, at)) // maker
  entry(22, 0x0112, 3, 1, at => tiff.writeUInt16LE(6, at)) // turn it to the right
  entry(34, 0x8825, 4, 1, at => tiff.writeUInt32LE(120, at)) // its GPS
  tiff.write('Kamerawerk\0', 100)
  tiff.writeUInt16LE(2, 120)
  entry(122, 1, 2, 2, at => tiff.write('N\0', at))
  entry(134, 2, 5, 3, at => tiff.writeUInt32LE(200, at))
  for (let i = 0; i < 3; i++) { tiff.writeUInt32LE(37 + i, 200 + 8 * i); tiff.writeUInt32LE(1, 204 + 8 * i) }
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]), head = Buffer.from([0xff, 0xe1, 0, 0])
  head.writeUInt16BE(body.length + 2, 2)
  return Buffer.concat([head, body])
}

/** A JPEG that a browser drew, with what a camera puts beside it. */
export async function cameraFile(page, width, height) {
  const url = await page.evaluate(([width, height]) => {
    const canvas = Object.assign(document.createElement('canvas'), { width, height }), to = canvas.getContext('2d')
    for (let i = 0; i < 400; i++) {
      to.fillStyle = `hsl(${i * 37 % 360} 60% ${30 + i % 40}%)`
      to.fillRect(i * 91 % width, i * 57 % height, 60 + i % 90, 40 + i % 70)
    }
    return canvas.toDataURL('image/jpeg', 0.9)
  }, [width, height])
  const drawn = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')
  return Buffer.concat([drawn.subarray(0, 2), exif(), drawn.subarray(2)])
}
