// clients.test.mjs - the real socket.io-client over each transport, against the echo namespaces.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Socket as EngineSocket } from 'engine.io-client';
import { bytesOf, client, closeClientsAfterEach, heard, newManager } from './client.mjs';
import { base, connectTimeout, patience, secured, setting, sleep, token, within } from './target.mjs';

const TRANSPORTS = {
    'polling only': ['polling'], 'websocket only': ['websocket'], 'polling, then the upgrade': ['polling', 'websocket'],
};

closeClientsAfterEach();

for (const [name, transports] of Object.entries(TRANSPORTS))
    describe(`socket.io-client, ${name}`, () => {
        const open = (nsp = '/', options = {}) => client(nsp, { transports, ...options });

        it('connects, and the server sees its auth', async () => {
            const socket = open('/', { auth: { token: '123' } });
            const auth = heard(socket, 'auth');
            await heard(socket, 'connect');
            assert.match(socket.id, /^[\w-]{20}$/);
            assert.notEqual(socket.id, socket.io.engine.id);
            assert.deepEqual(await auth, { token: '123' });
        });
        it('ends on the transport it should', async () => {
            const socket = open();
            await heard(socket, 'connect');
            const { engine } = socket.io;
            if (transports.length > 1 && engine.transport.name === 'polling') await heard(engine, 'upgrade');
            assert.equal(engine.transport.name, transports.at(-1));
            assert.equal(await socket.timeout(patience).emitWithAck('message-with-ack', 1), 1);
        });
        it('emits with an ack', async () => {
            const socket = open();
            const answer = await new Promise((resolve) =>
                socket.emit('message-with-ack', 1, '2', { 3: [true, null, '마당'] }, (...args) => resolve(args)));
            assert.deepEqual(answer, [1, '2', { 3: [true, null, '마당'] }]);
        });
        it('sends and hears binary, deep inside and in an ack', async () => {
            const socket = open();
            const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
            const back = heard(socket, 'message-back');
            socket.emit('message', { a: [bytes] }, Buffer.alloc(0), 'x');
            const [first, empty, text] = await back;
            assert.deepEqual(bytesOf(first.a[0]), [...bytes]);
            assert.deepEqual(bytesOf(empty), []);
            assert.equal(text, 'x');
            const answer = await socket.timeout(patience).emitWithAck('message-with-ack', bytes);
            assert.deepEqual(bytesOf(answer), [...bytes]);
        });
        it('uses several namespaces on one connection', async () => {
            const manager = newManager(base, { transports });
            const [main, custom] = ['/', '/custom'].map((nsp) => manager.socket(nsp));
            await Promise.all([heard(main, 'connect'), heard(custom, 'connect')]);
            assert.notEqual(main.id, custom.id);
            custom.on('message-back', (x) => assert.equal(x, 'custom'));
            main.on('message-back', (x) => assert.equal(x, 'main'));
            const both = [heard(main, 'message-back'), heard(custom, 'message-back')];
            main.emit('message', 'main');
            custom.emit('message', 'custom');
            await Promise.all(both);
            main.disconnect();
            assert.equal(await custom.timeout(patience).emitWithAck('message-with-ack', 'alone'), 'alone');
            custom.disconnect();
        });
        it('learns why a namespace is refused, and may use another on the same connection', async () => {
            const manager = newManager(base, { transports });
            const error = await heard(manager.socket('/random'), 'connect_error');
            assert.equal(error.message, 'Invalid namespace');
            const main = manager.socket('/');
            await heard(main, 'connect');
            main.disconnect();
        });
        it('lives through heartbeats', async () => {
            const socket = open();
            await heard(socket, 'connect');
            const { id } = socket;
            await sleep(connectTimeout + 200);
            assert.equal(socket.connected, true);
            assert.equal(socket.id, id);
        });
        it('reconnects by itself when its connection is closed, as a new socket', async () => {
            const socket = open();
            await heard(socket, 'connect');
            const { id } = socket;
            const left = heard(socket, 'disconnect');
            socket.io.engine.close();
            assert.equal((await left)[0], 'forced close');
            await heard(socket, 'connect');
            assert.notEqual(socket.id, id);
            assert.equal(await socket.timeout(patience).emitWithAck('message-with-ack', 'again'), 'again');
        });
        it('disconnects and connects again on the same connection', async () => {
            const manager = newManager(base, { transports });
            const keep = manager.socket('/custom');
            const socket = manager.socket('/');
            await Promise.all([heard(keep, 'connect'), heard(socket, 'connect')]);
            const { id } = socket;
            socket.disconnect();
            await sleep(30);
            socket.connect();
            await heard(socket, 'connect');
            assert.notEqual(socket.id, id);
            assert.equal(keep.connected, true);
        });
        it('sends what it buffered before it was connected, in order', async () => {
            const socket = open();
            const got = [];
            socket.on('message-back', (i) => got.push(i));
            for (let i = 0; i < 200; i++) socket.emit('message', i);
            await socket.timeout(patience).emitWithAck('message-with-ack', 'done');
            assert.deepEqual(got, Array.from({ length: 200 }, (_, i) => i));
        });
        it('exchanges a large message', async () => {
            const socket = open();
            const large = 'x'.repeat(900000);
            assert.equal(await socket.timeout(patience).emitWithAck('message-with-ack', large), large);
        });
        it('refused for want of a token, hears a code', { skip: !secured && 'MADANG_AUTH_NSP not set' }, async () => {
            const socket = client(secured.nsp, { transports, auth: { token: 'no-such-token' } }, secured.base);
            const error = await heard(socket, 'connect_error');
            assert.ok(error.message.length > 0);
            assert.match(error.data.code, /^[a-z]+(_[a-z]+)*$/);
            assert.equal(error.data.code, setting('MADANG_REFUSED_CODE') ?? error.data.code);
            socket.auth = { token: token() };
            socket.connect();
            await heard(socket, 'connect');
        });
    });

describe('long-polling for long', () => {
    it('a thousand exchanges without an error', async () => {
        const socket = client('/', { transports: ['polling'] });
        socket.on('disconnect', (reason) => { throw new Error(`disconnected: ${reason}`); });
        await heard(socket, 'connect');
        for (let i = 0; i < 1000; i++)
            assert.equal(await socket.timeout(patience).emitWithAck('message-with-ack', i), i);
        socket.off('disconnect');
    });
});

describe('engine.io-client on the raw echo path', () => {
    for (const [name, transports] of Object.entries(TRANSPORTS))
        it(`echoes text and binary, ${name}`, async () => {
            const socket = new EngineSocket(base, { path: '/engine.io/', transports });
            socket.binaryType = 'arraybuffer';
            await heard(socket, 'open');
            const got = [];
            const all = new Promise((resolve) => socket.on('message', (m) => got.push(m) === 101 && resolve()));
            for (let i = 0; i < 100; i++) {
                socket.send(`m${i}`);
                if (i % 10 === 0) await sleep(2);
            }
            socket.send(Uint8Array.from([1, 2, 3]));
            await within(patience, 'the echoes', all);
            assert.deepEqual(got.slice(0, 100), Array.from({ length: 100 }, (_, i) => `m${i}`));
            assert.deepEqual([...new Uint8Array(got[100])], [1, 2, 3]);
            socket.close();
        });
});
