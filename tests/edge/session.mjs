// session.mjs - an Engine.IO session driven by hand: over polling, over WebSocket, or both.
// SPDX-License-Identifier: Apache-2.0

import WebSocket from 'ws';
import { base, patience, query, within } from './target.mjs';

export const SEPARATOR = '\x1e';

/** A session over HTTP long-polling.  Nothing happens by itself: the test says GET and POST. */
export class Polling {
    constructor(path, open) {
        this.path = path;
        this.open = open;
        this.sid = open.sid;
    }

    static async open(path = '/engine.io/', parameters = {}) {
        const res = await fetch(base + query(path, { transport: 'polling', ...parameters }));
        const text = await res.text();
        if (res.status !== 200 || text[0] !== '0')
            throw new Error(`handshake refused: ${res.status} ${text}`);
        return new Polling(path, JSON.parse(text.slice(1)));
    }

    url(parameters = {}) {
        return base + query(this.path, { transport: 'polling', sid: this.sid, ...parameters });
    }

    get(parameters) {
        return fetch(this.url(parameters), { signal: AbortSignal.timeout(patience) });
    }

    async poll() {
        const res = await this.get();
        return { status: res.status, text: await res.text() };
    }

    /** The next answer that is more than a ping: on a machine that stalls one of those may come first. */
    async pollMessage() {
        for (;;) {
            const answer = await this.poll();
            if (answer.text !== '2') return answer;
            await this.post('3');
        }
    }

    post(body, headers = {}) {
        return fetch(this.url(), { method: 'POST', body, headers, signal: AbortSignal.timeout(patience) });
    }

    websocket() {
        return Channel.open(this.path, { sid: this.sid });
    }
}

/** A WebSocket whose messages are kept until somebody asks for them. */
export class Channel {
    constructor(socket) {
        this.socket = socket;
        this.messages = [];
        this.waiting = [];
        this.closed = new Promise((resolve) => {
            socket.on('close', (code, reason) => {
                resolve({ code, reason: reason.toString() });
                this.waiting.splice(0).forEach((w) => w.reject(new Error(`closed with ${code}`)));
            });
        });
        socket.on('message', (data, isBinary) => this.#arrived(isBinary ? data : data.toString()));
        socket.on('error', () => {});
        socket.on('upgrade', (res) => res.socket.unref()); // what a failed test leaves open must not keep the process
    }

    /** Resolves once the upgrade is answered with 101. */
    static open(path = '/engine.io/', parameters = {}, options = {}) {
        const address = base.replace(/^http/, 'ws') + query(path, { transport: 'websocket', ...parameters });
        const socket = new WebSocket(address, { perMessageDeflate: false, ...options });
        const channel = new Channel(socket);
        const opened = new Promise((resolve, reject) => {
            socket.once('open', () => resolve(channel));
            socket.once('error', reject);
        });
        return within(patience, 'WebSocket upgrade', opened);
    }

    /** Like open(), but takes the Engine.IO handshake packet too. */
    static async session(path, parameters, options) {
        const channel = await Channel.open(path, parameters, options);
        const packet = await channel.next();
        channel.handshake = JSON.parse(packet.slice(1));
        return channel;
    }

    #arrived(message) {
        const waiter = this.waiting.shift();
        if (waiter) waiter.resolve(message);
        else this.messages.push(message);
    }

    send(data) {
        this.socket.send(data);
    }

    close() {
        this.socket.terminate();
    }

    /** The next message, whatever it is. */
    next(ms = patience) {
        if (this.messages.length) return Promise.resolve(this.messages.shift());
        if (this.socket.readyState >= WebSocket.CLOSING) return Promise.reject(new Error('closed'));
        const message = new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
        return within(ms, 'WebSocket message', message);
    }

    /** The next message that is not a ping; pings are answered. */
    async nextPacket(ms) {
        for (;;) {
            const message = await this.next(ms);
            if (message !== '2') return message;
            this.send('3');
        }
    }

    /** How the server closed: {code, reason}. */
    end(ms = patience) {
        return within(ms, 'WebSocket close', this.closed);
    }
}

/** The answer to an upgrade: {status} if refused, {channel} if taken. */
export function tryUpgrade(path, parameters, options = {}) {
    const address = base.replace(/^http/, 'ws') + query(path, { transport: 'websocket', ...parameters });
    const socket = new WebSocket(address, { perMessageDeflate: false, ...options });
    const channel = new Channel(socket);
    const answer = new Promise((resolve, reject) => {
        socket.once('open', () => resolve({ status: 101, channel }));
        socket.once('unexpected-response', (_, res) => {
            const chunks = [];
            res.on('data', (chunk) => chunks.push(chunk));
            res.on('end', () => {
                resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks).toString() });
                socket.terminate();
            });
        });
        socket.once('error', reject);
    });
    return within(patience, 'answer to the upgrade', answer);
}
