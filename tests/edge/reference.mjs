// reference.mjs - the reference Node server in the conformance configuration.  It proves the suites; no test of ours
// needs it.  Breaking it on purpose (see mutants.mjs) shows that they can fail.
// SPDX-License-Identifier: Apache-2.0

import { createServer } from 'node:http';
import { Server as Engine } from 'engine.io';
import { Server } from 'socket.io';
import msgpack from 'socket.io-msgpack-parser';
import { instrument } from '@socket.io/admin-ui';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { mutants } from './mutants.mjs';

const env = process.env;
const mutant = mutants[env.MUTANT] ?? {};

const common = {
    pingInterval: 300, pingTimeout: 200, maxHttpBufferSize: 1000000,
    cors: { origin: [env.MADANG_ORIGIN ?? 'https://app.example'], credentials: true },
};
const engineOptions = { ...common, ...mutant.common, ...mutant.engine };
const socketOptions = { ...common, connectTimeout: 1000, ...mutant.common, ...mutant.socket };

function echoNamespace(socket) {
    socket.emit('auth', socket.handshake.auth);
    socket.on('message', (...args) => socket.emit('message-back', ...args));
    socket.on('message-with-ack', (...args) => args.pop()(...args));
}

function securedNamespace(io) {
    const nsp = io.of('/chat');
    nsp.use((socket, next) => {
        if (socket.handshake.auth.token === 'secret') return next();
        next(Object.assign(new Error('Not authorized'), { data: { code: 'unauthenticated' } }));
    });
    nsp.on('connection', (socket) => {
        echoNamespace(socket);
        socket.on('room:join', (body, ack) => { socket.join(body.room); ack({}); });
    });
}

async function withRedis(io) {
    if (!env.REDIS_URL) return;
    const pub = createClient({ url: env.REDIS_URL });
    const sub = pub.duplicate();
    await Promise.all([pub.connect(), sub.connect()]);
    io.adapter(createAdapter(pub, sub));
}

const timeouts = { headersTimeout: 2000, requestTimeout: 2000, connectionsCheckingInterval: 200 };
const http = createServer({ ...timeouts, ...mutant.http }, (req, res) => res.writeHead(404).end());
const engine = new Engine(engineOptions);
engine.attach(http, { path: '/engine.io/', destroyUpgrade: false });
engine.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));

const io = new Server(http, { destroyUpgrade: false, ...socketOptions });
io.on('connection', echoNamespace);
io.of('/custom').on('connection', echoNamespace);
securedNamespace(io);
instrument(io, {
    auth: { type: 'basic', username: 'admin', password: env.ADMIN_HASH }, mode: 'production', ...mutant.admin,
});
await withRedis(io);

const packed = new Server(http, { path: '/msgpack/', parser: msgpack, destroyUpgrade: false, ...socketOptions });
packed.on('connection', echoNamespace);

mutant.apply?.({ engine, io, packed, http });
http.listen(Number(env.PORT ?? 0), '127.0.0.1', () => console.log(http.address().port));
