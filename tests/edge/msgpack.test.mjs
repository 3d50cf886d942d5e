// msgpack.test.mjs - the real socket.io-client with socket.io-msgpack-parser, on the path that speaks it.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import parser from 'socket.io-msgpack-parser';
import { bytesOf, client, closeClientsAfterEach, connected, heard } from './client.mjs';
import { Channel } from './session.mjs';
import { atOnce, base, expected, setting, sleep, wholeBeat, without } from './target.mjs';

const path = setting('MADANG_MSGPACK_PATH');
const from = setting('MADANG_MSGPACK_URL') ?? base;

closeClientsAfterEach();

for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']])
    describe(`socket.io-msgpack-parser over ${transports.join(' and ')}`, { skip: without('MADANG_MSGPACK_PATH') }, () => {
        const options = { path, parser, transports };

        it('connects, and the server sees the auth', async () => {
            const socket = client('/', { ...options, auth: { token: '123' } }, from);
            assert.deepEqual(await heard(socket, 'auth'), { token: '123' });
        });
        it('emits with an ack', async () => {
            const socket = await connected('/', options, from);
            const values = [1, -1, 1.5, 'x', '마당', null, true, [1, [2]], { a: { b: [] } }, 4294967296, 'y'.repeat(70000)];
            const answer = await new Promise((resolve) =>
                socket.emit('message-with-ack', ...values, (...args) => resolve(args)));
            assert.deepEqual(answer, values);
        });
        it('sends and hears binary inside the packet', async () => {
            const socket = await connected('/', options, from);
            const back = heard(socket, 'message-back');
            socket.emit('message', { deep: [Buffer.from([1, 2, 3])] }, Buffer.alloc(0));
            const [{ deep }, empty] = await back;
            assert.deepEqual(bytesOf(deep[0]), [1, 2, 3]);
            assert.deepEqual(bytesOf(empty), []);
        });
        it('is refused an unknown namespace', async () => {
            const error = await heard(client('/random', options, from), 'connect_error');
            assert.equal(error.message, 'Invalid namespace');
        });
        it('lives through heartbeats and leaves', async () => {
            const socket = await connected('/', options, from);
            await sleep(wholeBeat + 200);
            assert.equal(socket.connected, true);
            const left = heard(socket, 'disconnect');
            socket.disconnect();
            assert.equal((await left)[0], 'io client disconnect');
        });
    });

describe('msgpack packets by hand', { skip: without('MADANG_MSGPACK_PATH') || (from !== base && 'another server') }, () => {
    const CONNECT = Buffer.from('83a47479706500a464617461d40000a36e7370a12f', 'hex');
    const open = async () => {
        const channel = await Channel.session(path);
        channel.send(CONNECT);
        const reply = await channel.nextPacket();
        return { channel, reply };
    };
    const event = (...data) => Buffer.from(new parser.Encoder().encode({ type: 2, data, nsp: '/' })[0]);

    it('are one binary message each: map, keys in any order', async () => {
        const { channel, reply } = await open();
        assert.ok(Buffer.isBuffer(reply), 'a binary message');
        assert.equal(reply[0] >> 4, 8, 'a map');
        channel.close();
    });
    const wrong = [
        ['text', '40'], ['bytes that are not msgpack', Buffer.from([0xc1])], ['a packet cut short', CONNECT.subarray(0, 9)],
        ['an array for a map', Buffer.from([0x93, 1, 2, 3])], ['an unknown type', Buffer.from('83a47479706509a46461746190a36e7370a12f', 'hex')],
        ['an array that claims 2^32 members', Buffer.from('83a47479706502a464617461ddffffffff', 'hex')],
        ['a string that claims 2^32 bytes', Buffer.from('83a47479706502a464617461dbffffffff', 'hex')],
        ['a reserved event name', event('disconnect')],
        ['nesting 100,000 deep', Buffer.concat([Buffer.from('83a47479706502a464617461', 'hex'), Buffer.alloc(1e5, 0x91)])],
    ];
    for (const [name, bytes] of wrong)
        it(`close the session when wrong: ${name}`, { skip: expected(false, 'the reference is lenient here') }, async () => {
            const { channel } = await open();
            channel.send(bytes);
            const before = Date.now();
            await assert.rejects((async () => { for (;;) await channel.nextPacket(); })(), /closed/);
            assert.ok(Date.now() - before < atOnce, 'at once');
        });
});

describe('what is sent as msgpack', { skip: without('MADANG_MSGPACK_PATH') || (from !== base && 'another server') }, () => {
    const hex = (text) => Buffer.from(text, 'hex');
    const bin = (...bytes) => ({ bin: bytes });
    /** A Date, which reaches others as its ISO text here, as it does clients of text. */
    const date = (ms) => expected(new Date(ms).toISOString(), new Date(ms));
    const plain = (value) => (Buffer.isBuffer(value) ? bin(...value) : Array.isArray(value) ? value.map(plain)
        : value instanceof ArrayBuffer ? bin(...new Uint8Array(value)) : value);

    // By hand: what notepack 2 writes (and its browser build), and extensions that nobody has a meaning for.
    const extensions = [
        ['undefined', 'd40000', null],
        ['an ArrayBuffer of no byte', 'c70000', bin()],
        ['an ArrayBuffer of one byte', 'c7010061', bin(0x61)],
        ['an ArrayBuffer of eight bytes', 'c708000000000000000001', bin(0, 0, 0, 0, 0, 0, 0, 1)],
        ['an ArrayBuffer with a length of 16 bits', 'c80003000a0b0c', bin(10, 11, 12)],
        ['an ArrayBuffer with a length of 32 bits', 'c900000001000a', bin(10)],
        ['a Date of notepack 2', 'd700000001880a2c6400', date(0x01880a2c6400)],
        ['a Date before 1970', 'd700ffffffffffffffff', date(-1)],
        ['a timestamp of 32 bits', 'd6ff00000001', date(1000)],
        ['a timestamp of 64 bits', 'd7ff1dcd650000000001', date(1125)],
        ['a timestamp of 96 bits', 'c70cff00000000ffffffffffffffff', date(-1000)],
        ['two bytes of type 0', 'd500000a', [0, bin(0, 10)]],
        ['an extension of one byte', 'd4050a', [5, bin(10)]],
        ['an extension with a length', 'c703800a0b0c', [-128, bin(10, 11, 12)]],
    ];
    for (const [name, bytes, wanted] of extensions)
        it(`${name} is heard as the reference has it`, async () => {
            const channel = await Channel.session(path);
            channel.send(hex('83a47479706500a464617461d40000a36e7370a12f'));
            await channel.nextPacket(); // CONNECT
            await channel.nextPacket(); // auth
            channel.send(Buffer.concat([hex('83a47479706502a36e7370a12fa46461746192'), hex('a76d657373616765'), hex(bytes)]));
            const decoder = new parser.Decoder();
            const decoded = new Promise((resolve) => decoder.on('decoded', resolve));
            decoder.add(await channel.nextPacket());
            assert.deepEqual(plain((await decoded).data), ['message-back', wanted]);
            channel.close();
        });

    it('by the library: typed arrays, dates, undefined, numbers that are none', async () => {
        const socket = await connected('/', { path, parser, transports: ['websocket'] }, from);
        const sent = [new Uint8Array([1, 2]), new Uint8Array([7]), new Float64Array([1]), new ArrayBuffer(8), Buffer.from('x'),
            new Date(1125), undefined, { a: undefined, b: 1 }, NaN, Infinity];
        const answer = await new Promise((resolve) => socket.emit('message-with-ack', ...sent, (...args) => resolve(args)));
        const none = expected(null, NaN);
        assert.deepEqual(plain(answer), [bin(1, 2), bin(7), bin(0, 0, 0, 0, 0, 0, 0xf0, 0x3f), bin(0, 0, 0, 0, 0, 0, 0, 0), bin(0x78),
            date(1125), null, { b: 1 }, none, expected(null, Infinity)]);
    });

    it('a bigint never leaves the client', async () => {
        const socket = await connected('/', { path, parser, transports: ['websocket'] }, from);
        assert.throws(() => socket.emit('message', 1n), /encode/);
    });
});
