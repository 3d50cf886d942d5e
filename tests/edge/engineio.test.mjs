// engineio.test.mjs - Engine.IO v4 on the raw echo path: all that the official suite demands, and a little more.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closeCases, handshakeCases, heartbeatCases, upgradeCases } from './engineio_cases.mjs';
import { Channel, Polling } from './session.mjs';
import { arrival, atOnce, expected } from './target.mjs';

const path = '/engine.io/';

handshakeCases(path);
heartbeatCases(path);
closeCases(path);
upgradeCases(path);

async function echoed(body) {
    const session = await Polling.open(path);
    const res = await session.post(body);
    assert.equal(res.status, 200);
    assert.equal(await res.text(), 'ok');
    return (await session.pollMessage()).text;
}

describe('messages over polling', () => {
    const table = [
        ['one text packet', '4hello'],
        ['several text packets in one body, echoed in one body', '4test1\x1e4test2\x1e4test3'],
        ['text and binary', '4hello\x1ebAQIDBA=='],
        ['an empty text message', '4'],
        ['an empty binary message', 'b'],
        ['text that is not ASCII', '4grüße 마당 🎉'],
        ['a hundred packets', Array.from({ length: 100 }, (_, i) => `4m${i}`).join('\x1e')],
    ];
    for (const [name, body] of table)
        it(`echoes ${name}`, async () => assert.equal(await echoed(body), body));

    it('takes base64 without padding and gives it back with padding', async () => {
        assert.equal(await echoed('bAQIDBA'), 'bAQIDBA==');
    });
    it('gives the echo to a poll that is already waiting', async () => {
        const session = await Polling.open(path);
        const poll = session.pollMessage();
        await arrival();
        await session.post('4late');
        assert.deepEqual(await poll, { status: 200, text: '4late' });
    });
    it('takes the packets before a bad one and then ends the session', async () => {
        const session = await Polling.open(path);
        const poll = session.poll();
        await arrival();
        await session.post('4good\x1eabc').catch(() => {});
        assert.match((await poll).text, /^(4good|1)/);
        assert.equal((await session.get()).status, 400);
    });
    const bad = [['an unknown type', 'abc'], ['an empty body', ''], ['an empty packet', '4a\x1e\x1e4b']];
    for (const [name, body] of bad)
        it(`ends the session on ${name}`, async () => {
            const session = await Polling.open(path);
            await session.post(body).catch(() => {});
            assert.equal((await session.get()).status, 400);
        });
});

describe('one GET and one POST at a time', () => {
    it('ends the session on a second poll: 200 with 1 for the first, 400 for the second and later ones', async () => {
        let session, first, second;
        // A machine that stalls lets a ping come before the second poll: that one is then the only one.
        for (let tries = 0; tries < 5; tries++) {
            session = await Polling.open(path);
            first = session.poll();
            await arrival();
            second = await session.get({ t: 'burst' });
            if ((await first).text !== '2') break;
        }
        assert.deepEqual(await first, { status: 200, text: '1' });
        assert.ok([400, 500].includes(second.status), `second poll: ${second.status}`);
        assert.equal((await session.get()).status, 400);
    });
    it('does not mind a GET and a POST together', async () => {
        const session = await Polling.open(path);
        const poll = session.pollMessage();
        assert.equal((await session.post('4x')).status, 200);
        assert.equal((await poll).text, '4x');
    });
    it('ends the session when a waiting GET is lost', async () => {
        const session = await Polling.open(path);
        const abort = new AbortController();
        const poll = fetch(session.url(), { signal: abort.signal }).catch((e) => e.name);
        await arrival();
        abort.abort();
        assert.equal(await poll, 'AbortError');
        await arrival();
        assert.equal((await session.get()).status, 400);
    });
});

describe('messages over WebSocket', () => {
    const table = [['text', '4hello'], ['an empty message', '4'], ['text that is not ASCII', '4마당 🎉']];
    for (const [name, text] of table)
        it(`echoes ${name}`, async () => {
            const channel = await Channel.session(path);
            channel.send(text);
            assert.equal(await channel.nextPacket(), text);
            channel.close();
        });
    for (const bytes of [[1, 2, 3, 4], []])
        it(`echoes ${bytes.length} bytes as a binary frame without a type`, async () => {
            const channel = await Channel.session(path);
            channel.send(Uint8Array.from(bytes));
            assert.deepEqual([...(await channel.nextPacket())], bytes);
            channel.close();
        });
    it('keeps the order of a thousand messages', async () => {
        const channel = await Channel.session(path);
        for (let i = 0; i < 1000; i++) channel.send(`4${i}`);
        for (let i = 0; i < 1000; i++) assert.equal(await channel.nextPacket(), `4${i}`);
        channel.close();
    });
    for (const packet of ['abc', '', '7', '9x'])
        it(`closes on the bad packet "${packet}"`, async () => {
            const channel = await Channel.session(path);
            const before = Date.now();
            channel.send(packet);
            await channel.end();
            assert.ok(Date.now() - before < atOnce, 'at once');
        });
    it('sends binary as base64 text to a client that asks for b64=1', async () => {
        const channel = await Channel.session(path, { b64: '1' });
        channel.send(Uint8Array.from([1, 2, 3, 4]));
        assert.equal(await channel.nextPacket(), 'bAQIDBA==');
        channel.close();
    });
});

describe('messages during an upgrade', () => {
    it('go on the WebSocket after 5', async () => {
        const session = await Polling.open(path);
        const channel = await session.websocket();
        channel.send('2probe');
        assert.equal(await channel.next(), '3probe');
        assert.equal((await session.pollMessage()).text, '6');
        channel.send('5');
        channel.send('4hello');
        assert.equal(await channel.nextPacket(), '4hello');
        channel.close();
    });
    it('are kept in order from the queue to the WebSocket', async () => {
        const session = await Polling.open(path);
        const channel = await session.websocket();
        channel.send('2probe');
        assert.equal(await channel.next(), '3probe');
        await session.post('4one\x1e4two');
        channel.send('5');
        channel.send('4three');
        for (const text of ['4one', '4two', '4three']) assert.equal(await channel.nextPacket(), text);
        channel.close();
    });
    it('go by polling until 5', async () => {
        const session = await Polling.open(path);
        const channel = await session.websocket();
        channel.send('2probe');
        assert.equal(await channel.next(), '3probe');
        await session.post('4before');
        assert.match((await session.pollMessage()).text, /^(4before|6)/);
        channel.close();
    });
    it('survive a WebSocket on a session that was born on WebSocket', async () => {
        const first = await Channel.session(path);
        const second = await Channel.open(path, { sid: first.handshake.sid });
        if (expected(true, false)) {
            await second.end(atOnce);
            first.send('4mine');
            assert.equal(await first.nextPacket(), '4mine');
        }
        first.close();
        second.close();
    });
});
