// wire.mjs - a TCP (or TLS) connection on which a test writes what it likes and reads what comes.
// SPDX-License-Identifier: Apache-2.0

import net from 'node:net';
import tls from 'node:tls';
import { base, patience } from './target.mjs';

const CRLF2 = Buffer.from('\r\n\r\n');

export class Wire {
    constructor(socket) {
        this.socket = socket;
        this.buffer = Buffer.alloc(0);
        this.ended = false;
        this.wake = () => {};
        socket.unref(); // what a failed test leaves open must not keep the process
        socket.on('data', (chunk) => {
            this.buffer = Buffer.concat([this.buffer, chunk]);
            this.wake();
        });
        for (const event of ['end', 'close', 'error'])
            socket.on(event, () => {
                this.ended = true;
                this.wake();
            });
    }

    static connect() {
        const { protocol, hostname, port } = new URL(base);
        const secure = protocol === 'https:';
        const options = { host: hostname, port: Number(port || (secure ? 443 : 80)), servername: hostname };
        return new Promise((resolve, reject) => {
            const socket = secure ? tls.connect({ ...options, ALPNProtocols: ['http/1.1'] }) : net.connect(options);
            socket.setNoDelay(true);
            socket.once('error', reject);
            socket.once(secure ? 'secureConnect' : 'connect', () => {
                socket.off('error', reject);
                resolve(new Wire(socket));
            });
        });
    }

    /** Writing to a connection that the server has dropped is no error: reading shows it. */
    write(bytes) {
        if (!this.socket.destroyed) this.socket.write(bytes);
    }

    close() {
        this.socket.destroy();
    }

    /**
     * What `parse(buffer, ended)` makes of the bytes so far: {value, used}, or undefined while more is needed.
     * Returns the value; undefined when the connection ended first; 'late' when time ran out.
     */
    async take(parse, ms = patience) {
        const until = Date.now() + ms;
        for (;;) {
            const found = parse(this.buffer, this.ended);
            if (found) {
                this.buffer = this.buffer.subarray(found.used);
                return found.value;
            }
            if (this.ended) return undefined;
            const left = until - Date.now();
            if (left <= 0) return 'late';
            await this.#more(left);
        }
    }

    #more(ms) {
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, ms);
            this.wake = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }

    /** The next HTTP response: {status, headers, body}. */
    response(ms) {
        return this.take(parseResponse, ms);
    }

    /** True when the server ended the connection within the time. */
    async gone(ms = patience) {
        return (await this.take(() => undefined, ms)) === undefined;
    }
}

function parseResponse(buffer, ended) {
    const end = buffer.indexOf(CRLF2);
    if (end < 0) return undefined;
    const [first, ...lines] = buffer.subarray(0, end).toString('latin1').split('\r\n');
    const headers = {};
    for (const line of lines) {
        const colon = line.indexOf(':');
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const status = Number(first.split(' ')[1]);
    const rest = buffer.subarray(end + 4);
    const found = headers['transfer-encoding'] === 'chunked'
        ? parseChunks(rest) : parseLength(rest, ended, status, headers);
    return found && { value: { status, headers, body: found.body }, used: end + 4 + found.used };
}

function parseLength(buffer, ended, status, headers) {
    const untilEnd = headers['content-length'] === undefined && headers.connection === 'close';
    if (untilEnd && !ended) return undefined;
    const unstated = untilEnd ? buffer.length : 0;
    const length = status === 101 || status === 204 ? 0 : Number(headers['content-length'] ?? unstated);
    return buffer.length < length ? undefined : { body: buffer.subarray(0, length), used: length };
}

function parseChunks(buffer) {
    const parts = [];
    for (let at = 0; ;) {
        const line = buffer.indexOf('\r\n', at);
        if (line < 0) return undefined;
        const size = parseInt(buffer.subarray(at, line).toString(), 16);
        const next = line + 2 + size + 2;
        if (buffer.length < next) return undefined;
        if (size === 0) return { body: Buffer.concat(parts), used: next };
        parts.push(buffer.subarray(line + 2, line + 2 + size));
        at = next;
    }
}

/** The text of a request, Host included. */
export function request(method, path, headers = {}, body = '') {
    const all = { Host: new URL(base).host, ...headers };
    if (body.length && !('Content-Length' in all)) all['Content-Length'] = Buffer.byteLength(body);
    const lines = Object.entries(all).filter(([, v]) => v !== undefined).map(([k, v]) => `${k}: ${v}\r\n`);
    return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** Write one request on a connection of its own; the response, undefined (dropped) or 'late'. */
export async function exchange(bytes, ms) {
    const wire = await Wire.connect();
    wire.write(bytes);
    const response = await wire.response(ms);
    wire.close();
    return response;
}
