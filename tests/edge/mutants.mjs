// mutants.mjs - ways to break the reference server, each with the test that has to notice.
// SPDX-License-Identifier: Apache-2.0

import { Socket } from 'engine.io';
import { Adapter } from 'socket.io-adapter';
import { WebSocketServer } from 'ws';

/** A WebSocket server of the reference with other options. */
const wsEngine = (options) => class extends WebSocketServer {
    constructor(own) {
        super({ ...own, ...options });
    }
};

function busy(ms) {
    const until = Date.now() + ms;
    while (Date.now() < until);
}

const onMessage = (change) => ({ engine }) => engine.on('connection', (socket) => {
    socket.removeAllListeners('message');
    socket.on('message', (data) => socket.send(change(data)));
});

/*
 * name: { suite, caught: words of the name of a test that fails }, and how it breaks:
 *   common, engine, socket, http: other options;  apply: anything else, done to the running servers
 */
export const mutants = {
    'no ping timeout': {
        suite: 'engineio', caught: 'ends a session that nobody polls', apply: () => { Socket.prototype.resetPingTimeout = () => {}; },
    },
    'pings come late': { suite: 'engineio', caught: 'exactly the five keys', common: { pingInterval: 330 } },
    'old protocol is taken': { suite: 'engineio', caught: 'refuses EIO=3', common: { allowEIO3: true } },
    'no upgrades': { suite: 'engineio', caught: 'exactly the five keys', engine: { allowUpgrades: false } },
    'empty messages get lost': { suite: 'engineio', caught: 'an empty text message', apply: onMessage((d) => d || 'x') },
    'no connect timeout': { suite: 'socketio', caught: 'connects to nothing', socket: { connectTimeout: 45000 } },
    'recovery is on': {
        suite: 'socketio', caught: 'allows the main namespace', socket: { connectionStateRecovery: {} },
    },
    'acks one argument short': {
        suite: 'socketio', caught: 'are acknowledged under id',
        apply: ({ io }) => io.on('connection', (socket) => {
            socket.removeAllListeners('message-with-ack');
            socket.on('message-with-ack', (...args) => args.pop()(...args.slice(1)));
        }),
    },
    'events come back twice': {
        suite: 'socketio', caught: 'attachments in order',
        apply: ({ io }) => io.on('connection', (s) => s.on('message', (...args) => s.emit('message-back', ...args))),
    },
    'UTF-8 is not checked': { suite: 'rfc6455', caught: 'bad UTF-8', engine: { wsEngine: wsEngine({ skipUTF8Validation: true }) } },
    'pings are not answered': { suite: 'rfc6455', caught: '2 a ping of 5 bytes', engine: { wsEngine: wsEngine({ autoPong: false }) } },
    'deflate is on': { suite: 'rfc6455', caught: 'no extension', common: { perMessageDeflate: true } },
    'large messages are taken': { suite: 'rfc6455', caught: 'one byte more', common: { maxHttpBufferSize: 1e7 } },
    'any origin': { suite: 'http', caught: 'allows nothing to an origin', common: { cors: { origin: true, credentials: true } } },
    'no credentials': {
        suite: 'http', caught: 'marks handshakes', common: { cors: { origin: ['https://app.example'] } },
    },
    'no compression': { suite: 'http', caught: 'is used from 1,024', common: { httpCompression: false } },
    'compression too early': { suite: 'http', caught: '1023 bytes', common: { httpCompression: { threshold: 100 } } },
    'a cookie': { suite: 'http', caught: 'without a cookie', common: { cookie: true } },
    'no keep-alive': {
        suite: 'http', caught: 'are kept alive',
        apply: ({ http }) => http.prependListener('request', (req, res) => { res.shouldKeepAlive = false; }),
    },
    'endless headers': { suite: 'http', caught: 'headers of 64 KiB', http: { maxHeaderSize: 1e6 } },
    'slow requests may stay': {
        suite: 'hostile', caught: 'a byte at a time', http: { headersTimeout: 0, requestTimeout: 0 },
    },
    'a large number stops the world': {
        suite: 'hostile', caught: 'a number of 100,000 digits',
        apply: ({ io }) => io.on('connection', (s) => s.onAny((name, x) => x === Infinity && busy(4000))),
    },
    'the world ends at a placeholder': {
        suite: 'hostile', caught: 'a placeholder out of range',
        apply: ({ io }) => io.on('connection', (s) => s.on('disconnect', (why) => why === 'forced close' && process.exit(1))),
    },
    'binary comes back as text': {
        suite: 'clients', caught: 'binary, deep inside',
        apply: ({ io }) => io.on('connection', (s) => {
            s.removeAllListeners('message');
            s.on('message', (...args) => s.emit('message-back', ...JSON.parse(JSON.stringify(args))));
        }),
    },
    'one request in two thousand fails': {
        suite: 'clients', caught: 'a thousand exchanges',
        apply: ({ io }) => {
            let n = 0;
            io.engine.use((req, res, next) => (++n % 2000 === 0 && !req.headers.upgrade ? res.writeHead(500).end() : next()));
        },
    },
    'no polling for Python': { suite: 'python', caught: 'connects with auth', socket: { transports: ['websocket'] } },
    'except is ignored': {
        suite: 'emitter', caught: 'leaves out the rooms', apply: () => { Adapter.prototype.computeExceptSids = () => new Set(); },
    },
    'msgpack is not spoken': {
        suite: 'msgpack', caught: 'connects, and the server', apply: ({ packed }) => { packed.engine.removeAllListeners('connection'); },
    },
    'any password': { suite: 'admin', caught: 'is refused', admin: { auth: false } },
    'development mode': { suite: 'admin', caught: 'hears its session', admin: { mode: 'development' } },
};
