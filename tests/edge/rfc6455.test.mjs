// rfc6455.test.mjs - the WebSocket layer against RFC 6455, case by case, on the raw echo path.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { FrameWire, OP, UPGRADE, close, more, text } from './frames.mjs';
import { cases } from './rfc6455_cases.mjs';
import { known } from './rfc6455_known.mjs';
import { expected, sleep } from './target.mjs';
import { Wire, exchange, request } from './wire.mjs';

async function sendAll(peer, frames, split) {
    if (!split) return peer.write(...frames);
    const whole = Buffer.concat(frames);
    for (let at = 0; at < whole.length; at += split) {
        peer.write(whole.subarray(at, at + split));
        await new Promise(setImmediate);
    }
}

async function readPongs(peer, pongs, replies) {
    while (replies.length < pongs.length + (replies.echoes ?? 0)) {
        const got = await peer.message();
        assert.ok(got?.payload, `an answer was due, but: ${got ?? 'connection ended'}`);
        replies.push(got);
    }
}

async function run(frames, { echo = [], pong = [], end, split }) {
    const peer = await FrameWire.open();
    await sendAll(peer, frames, split);

    const replies = Object.assign([], { echoes: echo.length });
    await readPongs(peer, pong, replies);
    const payloads = (op) => replies.filter((r) => r.opcode === op).map((r) => r.payload.toString('latin1'));
    const latin1 = (list) => list.map((p) => Buffer.from(p).toString('latin1'));
    assert.deepEqual(payloads(OP.pong), latin1(pong));
    assert.deepEqual([...payloads(OP.text), ...payloads(OP.binary)], latin1(echo));
    const kinds = echo.map((e) => (typeof e === 'string' ? OP.text : OP.binary));
    assert.deepEqual(replies.map((r) => r.opcode).filter((op) => op !== OP.pong), kinds);

    if (end) await ends(peer, end);
    else assert.ok(await peer.alive(), 'the connection lives on');
    peer.end();
}

/** Ends with a right close code, and after our own Close the TCP connection goes. */
async function ends(peer, codes) {
    const code = await peer.closeCode();
    assert.ok(codes.includes(code), `ended with ${code}, not one of ${codes}`);
    if (code === 1006) return;
    peer.write(close(1000));
    assert.ok(await peer.wire.gone(), 'TCP is closed after both Close frames');
}

describe('RFC 6455', () => {
    for (const [name, frames, outcome] of cases) {
        const listed = expected(known[name], undefined);
        it(name + (listed ? ` (known: ${listed.why})` : ''), () => run(frames, listed ?? outcome));
    }
});

describe('UTF-8 is checked as it comes', () => {
    const early = [
        ['a bad byte in a fragment', '4ok\u0000', [0xff]], ['a surrogate in a fragment', '4', [0xed, 0xa0, 0x80]],
        ['an overlong in a fragment', '4', [0xc0, 0xaf]], ['beyond U+10FFFF', '4', [0xf4, 0x90, 0x80, 0x80]],
    ];
    for (const [name, start, bad] of early)
        it(`${name} ends the connection before the message does`, async () => {
            const peer = await FrameWire.open();
            peer.write(text(start, { fin: false }), more(bad, { fin: false }));
            const code = await peer.closeCode(expected(undefined, 200));
            assert.ok(expected([1007, 1006], ['open']).includes(code), `${code}`);
            if (code === 'open') {
                peer.write(more(''));
                assert.equal(await peer.closeCode(), 1007);
            }
            peer.end();
        });
    it('a character cut by a fragment is waited for', async () => {
        const peer = await FrameWire.open();
        peer.write(text([0x34, 0xf0, 0x9f], { fin: false }));
        await sleep(30);
        peer.write(more([0x8e, 0x89]));
        assert.equal((await peer.message()).payload.toString(), '4🎉');
        peer.end();
    });
});

describe('the opening handshake', () => {
    const path = '/engine.io/?EIO=4&transport=websocket';
    const upgrade = (headers) => exchange(request('GET', path, { ...UPGRADE, ...headers }));

    it('answers the key with its digest, and no extension', async () => {
        const { status, headers } = await upgrade({ 'Sec-WebSocket-Extensions': 'permessage-deflate' });
        const digest = createHash('sha1')
            .update(UPGRADE['Sec-WebSocket-Key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
        assert.equal(status, 101);
        assert.equal(headers['sec-websocket-accept'], digest);
        assert.equal(headers.upgrade.toLowerCase(), 'websocket');
        assert.equal(headers.connection.toLowerCase(), 'upgrade');
        assert.equal(headers['sec-websocket-extensions'], undefined);
    });
    it('takes header names and values in any case', async () => {
        const headers = { Connection: 'keep-alive, UPGRADE', Upgrade: 'WebSocket' };
        assert.equal((await upgrade(headers)).status, 101);
    });
    it('takes a first frame in the segment of the request (the reference loses it)', async () => {
        const wire = await Wire.connect();
        wire.write(Buffer.concat([Buffer.from(request('GET', path, UPGRADE)), text('4early')]));
        assert.equal((await wire.response()).status, 101);
        const second = new FrameWire(wire);
        assert.match((await second.next()).payload.toString(), /^0\{/);
        if (expected(true, false)) assert.equal((await second.next()).payload.toString(), '4early');
        wire.close();
    });
    it('takes nothing behind it for a request, however that came', async () => {
        for (const later of [false, true])
            for (const behind of [request('GET', '/healthz'), request('POST', '/engine.io/?EIO=4&transport=polling', {}, '4x'), '\r\n' + request('GET', '/')]) {
                const wire = await Wire.connect();
                wire.write(request('GET', path, UPGRADE) + (later ? '' : behind));
                assert.equal((await wire.response()).status, 101);
                if (later) wire.write(behind);
                const peer = new FrameWire(wire);
                assert.match((await peer.next()).payload.toString(), /^0\{/);
                assert.ok([1002, 1006].includes(await peer.closeCode()), JSON.stringify(behind));
                assert.ok(await wire.gone());
                assert.equal(wire.buffer.toString(), '');
            }
    });
    it('answers nothing behind one that it refuses', async () => {
        const wire = await Wire.connect();
        wire.write(request('GET', path, { ...UPGRADE, 'Sec-WebSocket-Key': 'short' }) + request('GET', '/engine.io/?EIO=4&transport=polling&sid=x'));
        assert.equal((await wire.response()).status, 400);
        assert.ok(await wire.gone());
        assert.equal(wire.buffer.toString(), '');
    });
    for (const version of ['12', '7', undefined, 'x'])
        it(`refuses version ${version}`, async () => {
            const answer = await upgrade({ 'Sec-WebSocket-Version': version });
            assert.ok([400, 426].includes(answer?.status), `${answer?.status}`);
        });
    for (const key of ['', 'short', 'dGhlIHNhbXBsZSBub25jZQ', 'A'.repeat(200)])
        it(`refuses a key of ${key.length} characters`, async () => {
            assert.equal((await upgrade({ 'Sec-WebSocket-Key': key }))?.status, 400);
        });
    it('refuses a missing key', async () => {
        const answer = await upgrade({ 'Sec-WebSocket-Key': undefined });
        assert.equal(answer?.status, 400);
    });
    it('refuses a POST', async () => {
        const answer = await exchange(request('POST', path, UPGRADE));
        assert.notEqual(answer?.status, 101);
    });
});
