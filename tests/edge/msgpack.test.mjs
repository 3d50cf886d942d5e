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
