// frames.mjs - WebSocket frames made and read by hand, so that they can be wrong.
// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto';
import { patience } from './target.mjs';
import { Wire, request } from './wire.mjs';

export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

export const UPGRADE = {
    Connection: 'Upgrade', Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** `lengthBytes` (0, 2 or 8) forces a form of the length; `claim` lies about it. */
export function frame(opcode, payload = '', options = {}) {
    const { fin = true, rsv = 0, mask = true, lengthBytes, claim } = options;
    const data = Buffer.from(payload);
    const length = claim ?? data.length;
    const form = lengthBytes ?? (length < 126 ? 0 : length < 65536 ? 2 : 8);
    const head = Buffer.alloc(2 + form);
    head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
    head[1] = (mask ? 0x80 : 0) | (form === 0 ? length : form === 2 ? 126 : 127);
    if (form === 2) head.writeUInt16BE(length, 2);
    if (form === 8) head.writeBigUInt64BE(BigInt(length), 2);
    if (!mask) return Buffer.concat([head, data]);

    const key = randomBytes(4);
    const masked = Buffer.from(data, 0);
    for (let i = 0; i < masked.length; i++) masked[i] ^= key[i & 3];
    return Buffer.concat([head, key, masked]);
}

export const text = (payload, options) => frame(OP.text, payload, options);
export const binary = (payload, options) => frame(OP.binary, payload, options);
export const more = (payload, options) => frame(OP.continuation, payload, options);
export const ping = (payload, options) => frame(OP.ping, payload, options);
export const pong = (payload, options) => frame(OP.pong, payload, options);

export function close(code, reason = '', options) {
    if (code === undefined) return frame(OP.close, '', options);
    const payload = Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
    return frame(OP.close, payload, options);
}

function parseFrame(buffer) {
    if (buffer.length < 2) return undefined;
    let length = buffer[1] & 127;
    let at = 2;
    if (length === 126) {
        if (buffer.length < 4) return undefined;
        length = buffer.readUInt16BE(2);
        at = 4;
    } else if (length === 127) {
        if (buffer.length < 10) return undefined;
        length = Number(buffer.readBigUInt64BE(2));
        at = 10;
    }
    if (buffer.length < at + length) return undefined;
    const value = {
        fin: buffer[0] >> 7 === 1, rsv: (buffer[0] >> 4) & 7, opcode: buffer[0] & 15,
        masked: buffer[1] >> 7 === 1, payload: Buffer.from(buffer.subarray(at, at + length)),
    };
    return { value, used: at + length };
}

/** A WebSocket after its 101, and after the Engine.IO handshake packet. */
export class FrameWire {
    constructor(wire) {
        this.wire = wire;
    }

    static async open(path = '/engine.io/?EIO=4&transport=websocket', headers = {}) {
        const wire = await Wire.connect();
        wire.write(request('GET', path, { ...UPGRADE, ...headers }));
        const answer = await wire.response();
        if (answer?.status !== 101) throw new Error(`upgrade refused: ${answer?.status ?? answer}`);
        const self = new FrameWire(wire);
        self.answer = answer;
        if (!path.includes('sid=')) self.handshake = JSON.parse((await self.frame()).payload.toString().slice(1));
        return self;
    }

    write(...chunks) {
        for (const chunk of chunks) this.wire.write(chunk);
    }

    /** The next frame; undefined: connection ended; 'late': nothing in time. */
    frame(ms) {
        return this.wire.take(parseFrame, ms);
    }

    /** The next frame that is not an Engine.IO ping; those are answered. */
    async next(ms = patience) {
        const until = Date.now() + ms;
        for (;;) {
            const got = await this.frame(Math.max(1, until - Date.now()));
            const isPing = got?.opcode === OP.text && got.payload.toString() === '2';
            if (!isPing) return got;
            this.write(text('3'));
        }
    }

    /** A whole message or a control frame, continuation frames put together: {opcode, payload}. */
    async message(ms) {
        const first = await this.next(ms);
        if (!first?.payload || first.fin) return first;
        const parts = [first.payload];
        for (;;) {
            const part = await this.next(ms);
            if (!part?.payload) return part;
            parts.push(part.payload);
            if (part.fin) return { opcode: first.opcode, payload: Buffer.concat(parts) };
        }
    }

    /** How it ended: the close code, 1005 for an empty Close, 1006 for a dropped connection, or 'open'. */
    async closeCode(ms = patience) {
        const until = Date.now() + ms;
        for (;;) {
            const got = await this.next(Math.max(1, until - Date.now()));
            if (got === undefined) return 1006;
            if (got === 'late') return 'open';
            if (got.opcode === OP.close) return got.payload.length >= 2 ? got.payload.readUInt16BE(0) : 1005;
        }
    }

    /** True when an echo comes back. */
    async alive() {
        const mark = `4alive${Math.random()}`;
        this.write(text(mark));
        for (;;) {
            const got = await this.message();
            if (!got?.payload) return false;
            if (got.payload.toString() === mark) return true;
        }
    }

    end() {
        this.wire.close();
    }
}
