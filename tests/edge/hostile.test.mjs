// hostile.test.mjs - malformed and hostile input: each gets its documented answer, and nobody else is harmed.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { FrameWire, UPGRADE, binary } from './frames.mjs';
import { groups } from './hostile_cases.mjs';
import { Channel, Polling } from './session.mjs';
import { expected, query, setting, sleep, within } from './target.mjs';
import { Wire, request } from './wire.mjs';

const PATIENCE = 6000;

/** An honest client who was there before the attack, and talks to the server all the while. */
let honest;

class Honest {
    static async start() {
        const self = new Honest();
        self.channel = await Channel.session('/engine.io/');
        self.echoes = [];
        self.worst = 0;
        self.channel.closed.then(({ code }) => { self.harm = `closed with ${code}`; });
        self.channel.socket.on('message', (data) => {
            if (`${data}` === '2') self.channel.send('3');
            else self.echoes.shift()?.();
        });
        self.timer = setInterval(() => self.echo(), 50);
        return self;
    }

    /** One exchange; the slowest one is remembered. */
    echo() {
        const sent = Date.now();
        return new Promise((resolve) => {
            this.echoes.push(() => {
                this.worst = Math.max(this.worst, Date.now() - sent);
                resolve();
            });
            this.channel.send('4honest');
        });
    }

    async isUnharmed() {
        assert.equal(this.harm, undefined);
        await within(PATIENCE, 'the honest client\'s echo', this.echo());
        assert.ok(this.worst < PATIENCE, `the honest client waited ${this.worst} ms`);
        this.worst = 0;
        assert.equal((await Polling.open('/engine.io/')).sid.length, 20, 'newcomers are served');
    }

    leave() {
        clearInterval(this.timer);
        this.channel.close();
    }
}

before(async () => { honest = await Honest.start(); });
after(() => honest.leave());
afterEach(() => honest.isUnharmed());

const fatal = (reference) => expected(false, reference?.includes('its process dies'));

for (const [group, rows] of groups)
    describe(`hostile ${group}`, () => {
        for (const [name, ours, reference, attack] of rows)
            it(name, { skip: fatal(reference) && 'the reference does not survive this one' }, async () => {
                const answers = expected(ours, reference ?? ours);
                const answer = await attack();
                assert.ok(answers.includes(answer), `answered "${answer}", not ${answers.join(' or ')}`);
            });
    });

describe('hostile crowds', () => {
    it('two hundred connections that say nothing', async () => {
        const wires = await Promise.all(Array.from({ length: 200 }, () => Wire.connect()));
        await honest.isUnharmed();
        wires.forEach((wire) => wire.close());
    });
    it('two hundred upgrades that hang up at once', async () => {
        for (let i = 0; i < 200; i++) {
            const wire = await Wire.connect();
            wire.write(request('GET', query('/engine.io/', { transport: 'websocket' }), UPGRADE));
            wire.close();
        }
    });
    it('two hundred sessions that nobody polls', async () => {
        await Promise.all(Array.from({ length: 200 }, () => Polling.open('/engine.io/')));
    });
    it('five hundred guesses at a sid', async () => {
        const wire = await Wire.connect();
        for (let i = 0; i < 500; i++) {
            wire.write(request('GET', query('/engine.io/', { transport: 'polling', sid: `guess${i}` })));
            assert.equal((await wire.response()).status, 400);
        }
        wire.close();
    });
    it('a reader that sends a megabyte again and again and never reads', async () => {
        const peer = await FrameWire.open();
        peer.wire.socket.pause();
        const large = binary(Buffer.alloc(900000));
        for (let i = 0; i < 30; i++) peer.write(large);
        for (let i = 0; i < 5; i++) {
            await honest.isUnharmed();
            await sleep(50);
        }
        peer.end();
    });
});

describe('slow requests are dropped in bounded time', () => {
    const limit = Number(setting('MADANG_REQUEST_TIMEOUT') ?? 10000);

    /** One more byte every 100 ms, until the server has had enough: how long it took, in ms. */
    async function drip(start) {
        const wire = await Wire.connect();
        const from = Date.now();
        wire.write(start);
        while (!wire.ended && wire.buffer.length === 0 && Date.now() - from < limit + 5000) {
            wire.write('x');
            await sleep(100);
        }
        const took = Date.now() - from;
        const status = wire.buffer.toString('latin1', 9, 12);
        wire.close();
        assert.ok(took < limit + 5000, `still open after ${took} ms`);
        assert.ok(['', '400', '408'].includes(status), status);
    }

    it('headers, a byte at a time, on thirty connections', async () => {
        const slow = Array.from({ length: 30 }, () => drip('GET /engine.io/ HTTP/1.1\r\nHost: x\r\nX-Slow: '));
        await sleep(300);
        await honest.isUnharmed();
        await Promise.all(slow);
    });
    it('a body, a byte at a time', async () => {
        const { sid } = await Polling.open('/engine.io/');
        await drip(request('POST', query('/engine.io/', { transport: 'polling', sid }), { 'Content-Length': 100000 }));
    });
});
