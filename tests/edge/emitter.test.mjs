// emitter.test.mjs - the real @socket.io/redis-emitter publishes, and socket.io-clients of the server hear.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Emitter } from '@socket.io/redis-emitter';
import { createClient } from 'redis';
import { bytesOf, closeClientsAfterEach, connected, heard } from './client.mjs';
import { expected, setting, without } from './target.mjs';

const key = setting('MADANG_EMITTER_KEY') ?? 'socket.io';
let redis;
let emitter;

closeClientsAfterEach();

/** Sockets that keep what they hear. */
async function listeners(n, nsp = '/') {
    const sockets = await Promise.all(Array.from({ length: n }, () => connected(nsp)));
    for (const socket of sockets) {
        socket.log = [];
        socket.onAny((...event) => event[0] !== 'auth' && event[0] !== 'mark' && socket.log.push(event));
    }
    return sockets;
}

/** Everything published so far has arrived: Redis and the server keep the order. */
async function settled(sockets, nsp = '/') {
    const marks = sockets.filter((s) => s.connected).map((socket) => heard(socket, 'mark'));
    emitter.of(nsp).emit('mark');
    await Promise.all(marks);
}

async function logs(sockets, nsp) {
    await settled(sockets, nsp);
    return sockets.map((socket) => socket.log);
}

describe('@socket.io/redis-emitter', { skip: without('REDIS_URL') }, () => {
    before(async () => {
        redis = await createClient({ url: setting('REDIS_URL') }).connect();
        emitter = new Emitter(redis, { key });
    });
    after(() => redis?.close());

    it('reaches everybody in the namespace, and nobody elsewhere', async () => {
        const main = await listeners(2);
        const custom = await listeners(1, '/custom');
        emitter.emit('hello', 'world', 1);
        emitter.of('/custom').emit('hello', 'custom');
        assert.deepEqual(await logs(main), [[['hello', 'world', 1]], [['hello', 'world', 1]]]);
        assert.deepEqual(await logs(custom, '/custom'), [[['hello', 'custom']]]);
    });
    it('reaches one socket by its id', async () => {
        const [a, b] = await listeners(2);
        emitter.to(a.id).emit('private', 'x');
        assert.deepEqual(await logs([a, b]), [[['private', 'x']], []]);
    });
    it('makes sockets join and leave rooms', async () => {
        const [a, b] = await listeners(2);
        emitter.in(a.id).socketsJoin(['red', 'blue']);
        emitter.to('red').emit('one');
        emitter.in('blue').socketsLeave('red');
        emitter.to('red').emit('two');
        emitter.to('blue').emit('three');
        assert.deepEqual(await logs([a, b]), [[['one'], ['three']], []]);
    });
    it('makes everybody join', async () => {
        const all = await listeners(2);
        emitter.socketsJoin('green');
        emitter.to('green').emit('x');
        assert.deepEqual(await logs(all), [[['x']], [['x']]]);
    });
    it('reaches several rooms, each socket once', async () => {
        const [a, b, c] = await listeners(3);
        emitter.in(a.id).socketsJoin(['red', 'blue']);
        emitter.in(b.id).socketsJoin('blue');
        emitter.to(['red', 'blue']).emit('x');
        assert.deepEqual(await logs([a, b, c]), [[['x']], [['x']], []]);
    });
    it('leaves out the rooms it should', async () => {
        const [a, b, c] = await listeners(3);
        emitter.in([a.id, b.id]).socketsJoin('red');
        emitter.in(b.id).socketsJoin('quiet');
        emitter.except('quiet').emit('all');
        emitter.to('red').except('quiet').emit('red');
        emitter.except([a.id, b.id]).emit('c');
        assert.deepEqual(await logs([a, b, c]), [[['all'], ['red']], [], [['all'], ['c']]]);
    });
    it('takes room names of any letters', async () => {
        const [a, b] = await listeners(2);
        for (const name of ['a#b', '*', 'x[yz]?', '마당', 'q"\\', 'n'.repeat(300)]) {
            emitter.in(a.id).socketsJoin(name);
            emitter.to(name).emit('in', name);
        }
        const [heardByA, heardByB] = await logs([a, b]);
        assert.equal(heardByA.length, 6);
        assert.deepEqual(heardByB, []);
    });
    it('carries binary', async () => {
        const [a] = await listeners(1);
        emitter.emit('bytes', Buffer.from([1, 2, 255]), { deep: [Buffer.alloc(0)] });
        const [[[, bytes, { deep }]]] = await logs([a]);
        assert.deepEqual(bytesOf(bytes), [1, 2, 255]);
        assert.deepEqual(bytesOf(deep[0]), []);
    });
    it('carries every kind of value', async () => {
        const [a] = await listeners(1);
        const values = [null, true, false, 0, 127, 128, 65535, 65536, 4294967295, 4294967296, -1, -32, -33, -129, -32769,
            -2147483649, 1.5, -0.25, '', 'x'.repeat(40), 'y'.repeat(300), '마당 🎉', [], {}, [1, [2, [3]]],
            { z: 1, a: { b: null } }, Array.from({ length: 20 }, (_, i) => i), 9007199254740991, -9007199254740991];
        emitter.emit('values', ...values);
        assert.deepEqual(await logs([a]), [[['values', ...values]]]);
    });
    it('carries dates as ISO text, and undefined as null', async () => {
        const [a] = await listeners(1);
        emitter.emit('dates', new Date(0), new Date(1700000000123), undefined);
        assert.deepEqual(await logs([a]), [[['dates', '1970-01-01T00:00:00.000Z', '2023-11-14T22:13:20.123Z', null]]]);
    });
    it('may ask for volatile and uncompressed', async () => {
        const [a] = await listeners(1);
        emitter.volatile.compress(false).emit('x', 1);
        assert.deepEqual(await logs([a]), [[['x', 1]]]);
    });
    it('keeps the order of five hundred events', async () => {
        const [a] = await listeners(1);
        for (let i = 0; i < 500; i++) emitter.emit('n', i);
        const [log] = await logs([a]);
        assert.deepEqual(log.map(([, i]) => i), Array.from({ length: 500 }, (_, i) => i));
    });
    it('disconnects sockets from their namespace', async () => {
        const [a, b] = await listeners(2);
        const gone = heard(a, 'disconnect');
        emitter.in(a.id).disconnectSockets();
        assert.equal((await gone)[0], 'io server disconnect');
        assert.deepEqual(await logs([b]), [[]]);
    });
    it('disconnects sockets and their connections', async () => {
        const [a, b] = await listeners(2);
        const gone = heard(a.io, 'close');
        emitter.in(a.id).disconnectSockets(true);
        await gone;
        assert.equal(b.connected, true);
    });
    it('may send serverSideEmit, which no client hears', async () => {
        const [a] = await listeners(1);
        emitter.serverSideEmit('hello', 1);
        assert.deepEqual(await logs([a]), [[]]);
    });
    it('may publish for namespaces and rooms nobody is in', async () => {
        const [a] = await listeners(1);
        emitter.of('/nobody').emit('x');
        emitter.to('nobody').emit('x');
        assert.deepEqual(await logs([a]), [[]]);
    });
    it('may be somebody else who publishes nonsense: it is dropped', { skip: expected(false, 'the reference dies of it') },
        async () => {
            const [a] = await listeners(1);
            const nonsense = ['', 'x', '\x93', '\x93\xa7emitter', '\xc1', '\xdd\xff\xff\xff\xff', '{"type":', '\x93\x01\x02\x03'];
            for (const bytes of nonsense)
                for (const channel of [`${key}#/#`, `${key}#/#room#`, `${key}-request#/#`])
                    await redis.publish(channel, Buffer.from(bytes, 'latin1'));
            emitter.emit('still', 'here');
            assert.deepEqual(await logs([a]), [[['still', 'here']]]);
        });
});
