// socketio.test.mjs - Socket.IO v5 on the conformance namespaces: what the official suite demands, and a little more.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closeCases, handshakeCases, heartbeatCases, upgradeCases } from './engineio_cases.mjs';
import { Channel, Polling } from './session.mjs';
import { atOnce, connectTimeout, expected, sleep } from './target.mjs';

const path = '/socket.io/';

handshakeCases(path);
heartbeatCases(path);
closeCases(path);
upgradeCases(path);

/** A session connected to the main namespace, its CONNECT reply and auth event taken. */
async function connected() {
    const channel = await Channel.session(path);
    channel.send('40');
    await channel.nextPacket();
    await channel.nextPacket();
    return channel;
}

async function answers(channel, packet, ...replies) {
    channel.send(packet);
    for (const reply of replies) assert.equal(await channel.nextPacket(), reply);
}

/** Nothing else was on its way: the next packet is the answer to this one. */
async function nothingMore(channel) {
    await answers(channel, '4299["message-with-ack"]', '4399[]');
    channel.close();
}

async function closesOn(channel, ...packets) {
    const before = Date.now();
    for (const packet of packets) channel.send(packet);
    await channel.end();
    assert.ok(Date.now() - before < atOnce, 'at once');
}

/** The reference acts on a DISCONNECT one tick late, and takes what follows in the same chunk for the old socket's. */
const leavingTakesEffect = () => sleep(expected(0, 30));

describe('connect', () => {
    const table = [
        ['the main namespace', '40', '40', '42["auth",{}]'],
        ['the main namespace with a payload', '40{"token":"123"}', '40', '42["auth",{"token":"123"}]'],
        ['a custom namespace', '40/custom,', '40/custom,', '42/custom,["auth",{}]'],
        ['a custom namespace without the comma', '40/custom', '40/custom,', '42/custom,["auth",{}]'],
        ['a custom namespace with a payload', '40/custom,{"token":"abc"}', '40/custom,',
            '42/custom,["auth",{"token":"abc"}]'],
    ];
    for (const [name, packet, prefix, auth] of table)
        it(`allows ${name}`, async () => {
            const channel = await Channel.session(path);
            channel.send(packet);
            const reply = await channel.nextPacket();
            assert.ok(reply.startsWith(prefix), reply);
            const { sid, ...rest } = JSON.parse(reply.slice(prefix.length));
            assert.deepEqual(rest, {}, 'exactly one key');
            assert.match(sid, /^[A-Za-z0-9_-]{20}$/);
            assert.notEqual(sid, channel.handshake.sid, 'the Engine.IO sid is a secret');
            assert.equal(await channel.nextPacket(), auth);
            channel.close();
        });
    it('refuses an unknown namespace and keeps the session', async () => {
        const channel = await Channel.session(path);
        await answers(channel, '40/random', '44/random,{"message":"Invalid namespace"}');
        await answers(channel, '40/custom?x=1,', '44/custom?x=1,{"message":"Invalid namespace"}');
        channel.send('40');
        assert.match(await channel.nextPacket(), /^40\{"sid"/);
        channel.close();
    });
    for (const packet of ['4abc', '4', '42["early"]', '40[]', '40"text"', '40{"a":1', '44{"message":"x"}'])
        it(`closes a session that begins with ${packet}`, async () => {
            await closesOn(await Channel.session(path), packet);
        });
    it('closes a session that connects to nothing in the connect timeout', async () => {
        const before = Date.now();
        const channel = await Channel.session(path);
        await assert.rejects((async () => { for (;;) await channel.nextPacket(); })(), /closed/);
        const waited = Date.now() - before;
        assert.ok(waited > connectTimeout - 5 && waited < connectTimeout * 1.4, `after ${waited} ms`);
    });
    it('keeps a connected session beyond the connect timeout', async () => {
        const channel = await connected();
        const until = Date.now() + connectTimeout * 1.2;
        while (Date.now() < until) {
            assert.equal(await channel.next(), '2');
            channel.send('3');
        }
        channel.close();
    });
    it('works over polling alone', async () => {
        const session = await Polling.open(path);
        await session.post('40{"token":"123"}');
        assert.match((await session.pollMessage()).text, /^40\{"sid":"[\w-]{20}"\}\x1e42\["auth",\{"token":"123"\}\]$/);
    });
    it('closes on a second CONNECT for a connected namespace', async () => {
        await closesOn(await connected(), '40');
    });
});

describe('disconnect', () => {
    it('leaves the main namespace and keeps the session', async () => {
        const channel = await connected();
        channel.send('41');
        assert.equal(await channel.next(), '2');
        channel.close();
    });
    it('leaves a custom namespace and keeps the main one', async () => {
        const channel = await connected();
        channel.send('40/custom');
        await channel.nextPacket();
        await channel.nextPacket();
        channel.send('41/custom');
        await answers(channel, '42["message","to main"]', '42["message-back","to main"]');
        channel.close();
    });
    it('lets a namespace be connected again', async () => {
        const channel = await connected();
        channel.send('41');
        await leavingTakesEffect();
        channel.send('40');
        assert.match(await channel.nextPacket(), /^40\{"sid"/);
        channel.close();
    });
    it('closes on an event for a namespace that was left', async () => {
        const channel = await connected();
        channel.send('41');
        await leavingTakesEffect();
        await closesOn(channel, '42["message"]');
    });
});

describe('events', () => {
    const texts = [
        '1,"2",{"3":[true]}', '"마당 🎉"', 'null', '{}', '[]', '-0.5', '9007199254740991', '""',
        '{"z":1,"a":2}', '{"_placeholder":true,"num":0}', '"\\u001e\\n\\u0001"', '"a\\"b\\\\"',
    ];
    for (const text of texts)
        it(`come back as they went: ${text}`, async () => {
            const channel = await connected();
            await answers(channel, `42["message",${text}]`, `42["message-back",${text}]`);
            await nothingMore(channel);
        });
    it('come back in a namespace', async () => {
        const channel = await Channel.session(path);
        channel.send('40/custom,');
        await channel.nextPacket();
        await channel.nextPacket();
        await answers(channel, '42/custom,["message",1]', '42/custom,["message-back",1]');
        channel.close();
    });
    it('never carry a raw U+001E in a polling body', async () => {
        const session = await Polling.open(path);
        await session.post('40');
        await session.pollMessage();
        await session.post('42["message","\\u001e"]');
        assert.equal((await session.pollMessage()).text, '42["message-back","\\u001e"]');
    });
    const acks = [
        ['456', '1,"2",{"3":[false]}'], ['0', 'true'], ['9007199254740991', '"big id"'],
    ];
    for (const [id, args] of acks)
        it(`are acknowledged under id ${id}`, async () => {
            const channel = await connected();
            await answers(channel, `42${id}["message-with-ack",${args}]`, `43${id}[${args}]`);
            await nothingMore(channel);
        });
    it('are acknowledged with nothing when there was nothing', async () => {
        const channel = await connected();
        await answers(channel, '4213["message-with-ack"]', '4313[]');
        channel.close();
    });
    it('may have a number or the empty string for a name', async () => {
        const channel = await connected();
        channel.send('42[7,"x"]');
        channel.send('42["","x"]');
        await answers(channel, '42["message",1]', '42["message-back",1]');
        channel.close();
    });
    it('may be an ACK that nobody waits for: it is ignored', async () => {
        const channel = await connected();
        channel.send('43777["x"]');
        await answers(channel, '42["message",1]', '42["message-back",1]');
        channel.close();
    });
});

describe('binary events', () => {
    const head = (n) => Array.from({ length: n }, (_, num) => `{"_placeholder":true,"num":${num}}`).join(',');

    async function exchange(packet, attachments, reply) {
        const channel = await connected();
        channel.send(packet);
        attachments.forEach((bytes) => channel.send(Buffer.from(bytes)));
        assert.equal(await channel.nextPacket(), reply);
        for (const bytes of attachments) assert.deepEqual([...(await channel.nextPacket())], bytes);
        await nothingMore(channel);
    }
    it('come back with their attachments in order', () =>
        exchange(`452-["message",${head(2)}]`, [[1, 2, 3], [4, 5, 6]], `452-["message-back",${head(2)}]`));
    it('are acknowledged with their attachments', () =>
        exchange(`452-789["message-with-ack",${head(2)}]`, [[1, 2, 3], [4, 5, 6]], `462-789[${head(2)}]`));
    it('may have placeholders deep inside, and empty attachments', () =>
        exchange('452-["message",{"x":[{"_placeholder":true,"num":0}]},{"_placeholder":true,"num":1}]', [[], [9]],
            '452-["message-back",{"x":[{"_placeholder":true,"num":0}]},{"_placeholder":true,"num":1}]'));
    it('may have ten attachments', () =>
        exchange(`4510-["message",${head(10)}]`, Array.from({ length: 10 }, (_, i) => [i]),
            `4510-["message-back",${head(10)}]`));
    it('go as base64 over polling', async () => {
        const session = await Polling.open(path);
        await session.post('40');
        await session.pollMessage();
        await session.post('451-["message",{"_placeholder":true,"num":0}]\x1ebAQID');
        assert.equal((await session.pollMessage()).text, '451-["message-back",{"_placeholder":true,"num":0}]\x1ebAQID');
    });
    it('with no attachment are plain events (the reference refuses them since parser 4.2.7)', async () => {
        const channel = await connected();
        if (expected(false, true)) return closesOn(channel, '450-["message",1]');
        await answers(channel, '450-["message",1]', '42["message-back",1]');
        await answers(channel, '42["message",2]', '42["message-back",2]');
        channel.close();
    });
});

describe('invalid packets close the whole session', () => {
    const table = [
        ['an unknown type', '4abc'], ['a digit that is no type', '47[]'], ['an object payload', '42{}'],
        ['an ack id that is none', '42abc["message-with-ack",1]'], ['an empty array', '42[]'],
        ['a null name', '42[null]'], ['JSON cut short', '42["a"'], ['something after the JSON', '42["a"]x'],
        ['a reserved name: connect', '42["connect"]'], ['a reserved name: connect_error', '42["connect_error"]'],
        ['a reserved name: disconnect', '42["disconnect"]'],
        ['a reserved name: disconnecting', '42["disconnecting"]'],
        ['a reserved name: newListener', '42["newListener"]'],
        ['a reserved name: removeListener', '42["removeListener"]'],
        ['a payload on DISCONNECT', '41{"a":1}'], ['an ACK with an object', '431{}'],
        ['a CONNECT_ERROR from a client', '44{"message":"x"}'],
        ['a count that is none', '45x-["a"]'], ['a count without its dash', '451["a"]'],
        ['eleven attachments', '4511-["a"]'], ['an event for another namespace', '42/custom,["message"]'],
        ['an event for an unknown namespace', '42/random,["message"]'],
        ['text while an attachment is missing', '451-["a",{"_placeholder":true,"num":0}]', '42["message"]'],
        ['a binary message that nobody announced', Buffer.from([1])],
        ['a placeholder out of range', '451-["a",{"_placeholder":true,"num":1}]', Buffer.from([1])],
        ['a negative placeholder', '451-["a",{"_placeholder":true,"num":-1}]', Buffer.from([1])],
        ['a placeholder that is text', '451-["a",{"_placeholder":true,"num":"0"}]', Buffer.from([1])],
    ];
    for (const [name, ...packets] of table)
        it(name, async () => closesOn(await connected(), ...packets));

    it('no payload at all (the reference takes it for an event without a name)', async () => {
        const channel = await connected();
        if (expected(true, false)) return closesOn(channel, '42');
        channel.send('42');
        await answers(channel, '42["message",1]', '42["message-back",1]');
        channel.close();
    });
    it('on polling too, quietly', async () => {
        const session = await Polling.open(path);
        await session.post('40');
        await session.pollMessage();
        const res = await session.post('42{}').catch(() => undefined);
        if (res) assert.ok([200, 400].includes(res.status), `${res.status}`);
        let answer = await session.pollMessage();
        if (answer.status === 200) {
            assert.match(answer.text, /1$/, 'a close packet');
            answer = await session.pollMessage();
        }
        assert.equal(answer.status, 400);
    });
});
