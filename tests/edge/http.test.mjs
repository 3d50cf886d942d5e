// http.test.mjs - the HTTP under long-polling: errors, CORS, keep-alive, limits, compression, odd queries.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { UPGRADE } from './frames.mjs';
import { Polling, tryUpgrade } from './session.mjs';
import { allowedOrigin, arrival, expected, foreignOrigin, maxPayload, query } from './target.mjs';
import { Wire, exchange, request } from './wire.mjs';

const path = '/engine.io/';
const poll = (sid) => query(path, { transport: 'polling', sid });
const get = (target, headers) => exchange(request('GET', target, headers));
const send = (method, target, headers, body) => exchange(request(method, target, headers, body));

const MESSAGES = ['Transport unknown', 'Session ID unknown', 'Bad handshake method', 'Bad request', 'Forbidden',
    'Unsupported protocol version'];

function isError(response, code) {
    assert.equal(response?.status, code === 4 ? 403 : 400);
    assert.equal(response.headers['content-type'], 'application/json');
    assert.equal(response.body.toString(), JSON.stringify({ code, message: MESSAGES[code] }));
}

function isEmpty(response, ...statuses) {
    assert.ok(statuses.includes(response?.status), `${response?.status}, not one of ${statuses}`);
    assert.equal(response.body.length, 0);
}

describe('errors have the codes, statuses and bodies of the reference', () => {
    const table = [
        [0, 'no query', 'GET', path], [0, 'no transport', 'GET', path + '?EIO=4'],
        [0, 'an unknown transport', 'GET', path + '?EIO=4&transport=abc'],
        [0, 'an unknown transport, before the sid', 'GET', path + '?EIO=4&transport=abc&sid=x'],
        [1, 'an unknown sid', 'GET', poll('x')], [1, 'an unknown sid, before the method', 'PUT', poll('x')],
        [1, 'an unknown sid for a POST', 'POST', poll('x')],
        [2, 'a POST without a sid', 'POST', poll()], [2, 'a PUT without a sid', 'PUT', poll()],
        [2, 'a POST without a sid, before EIO', 'POST', path + '?transport=polling'],
        [3, 'websocket without an Upgrade', 'GET', path + '?EIO=4&transport=websocket'],
        [5, 'no EIO', 'GET', path + '?transport=polling'], [5, 'EIO=3', 'GET', path + '?EIO=3&transport=polling'],
        [5, 'EIO=4 with something behind it', 'GET', path + '?EIO=4x&transport=polling'],
    ];
    for (const [code, name, method, target] of table)
        it(`${code} for ${name}`, async () => isError(await send(method, target), code));

    it('3 for a transport that is not the session\'s', async () => {
        const { sid } = await Polling.open(path);
        isError(await get(query(path, { transport: 'websocket', sid })), 3);
    });
    it('3 for JSONP, which the reference still serves', async () => {
        const response = await get(query(path, { transport: 'polling', j: '0' }));
        if (expected(true, false)) isError(response, 3);
        else assert.equal(response.status, 200);
    });
    it('400 for an Origin with a control byte', async () => {
        assert.equal((await get(poll(), { Origin: 'http://a\x01b' }))?.status, 400);
    });
    for (const method of ['PUT', 'DELETE', 'PATCH'])
        it(`an empty answer for ${method} on a session`, async () => {
            const { sid } = await Polling.open(path);
            isEmpty(await send(method, poll(sid)), ...expected([400, 405, 500], [500]));
        });
    it('an empty 400, and the end of the session, for a body of octets', async () => {
        const session = await Polling.open(path);
        isEmpty(await send('POST', poll(session.sid), { 'Content-Type': 'application/octet-stream' }, '4x'), 400);
        isError(await get(poll(session.sid)), 1);
    });
    it('an empty 400 for a second poll', async () => {
        const session = await Polling.open(path);
        const first = session.poll();
        await arrival();
        isEmpty(await get(poll(session.sid)), 400);
        await first;
    });
    it('an empty 400, and the end of the session, for a second POST while one is read', async () => {
        const { sid } = await Polling.open(path);
        const slow = await Wire.connect();
        slow.write(request('POST', poll(sid), { 'Content-Length': 10 }) + '4x');
        await arrival();
        isEmpty(await send('POST', poll(sid), {}, '4y'), 400);
        isError(await get(poll(sid)), 1);
        slow.close();
    });
    it('the end of the session when a POST is cut off in the middle', async () => {
        const { sid } = await Polling.open(path);
        const slow = await Wire.connect();
        slow.write(request('POST', poll(sid), { 'Content-Length': 10 }) + '4x');
        await arrival();
        slow.close();
        await arrival();
        isError(await get(poll(sid)), 1);
    });
    it('1 for every request after the session ended', async () => {
        const session = await Polling.open(path);
        await session.post('1');
        await session.get();
        isError(await get(poll(session.sid)), 1);
        isError(await send('POST', poll(session.sid), {}, '4x'), 1);
    });
    const upgrades = [
        [0, 'an unknown transport', { transport: 'abc' }], [1, 'an unknown sid', { sid: 'nobody' }],
    ];
    for (const [code, name, parameters] of upgrades)
        it(`a 400 with the message alone for an upgrade with ${name}`, async () => {
            const answer = await tryUpgrade(path, parameters);
            assert.equal(answer.status, 400);
            assert.equal(answer.body, MESSAGES[code]);
        });
});

describe('answers', () => {
    it('to a handshake are text that nobody stores, without a cookie', async () => {
        const { status, headers } = await get(poll());
        assert.equal(status, 200);
        assert.equal(headers['content-type'], 'text/plain; charset=UTF-8');
        assert.equal(headers['cache-control'], 'no-store');
        assert.equal(headers['set-cookie'], undefined);
    });
    it('to a POST are ok as text/html', async () => {
        const { sid } = await Polling.open(path);
        const response = await send('POST', poll(sid), { 'Content-Type': 'text/plain;charset=UTF-8' }, '4x');
        assert.equal(response.status, 200);
        assert.equal(response.headers['content-type'], 'text/html');
        assert.equal(response.body.toString(), 'ok');
    });
    it('are exact about the path', async () => {
        const status = async (p) => (await get(p + '?EIO=4&transport=polling'))?.status;
        assert.equal(await status('/engine.iox/'), 404);
        assert.equal(await status('/ENGINE.IO/'), 404);
        assert.equal(await status('/engine.io/more'), expected(404, 200));
        assert.equal(await status('/engine.io'), expected(200, 404));
        assert.equal(await status('/socket.io'), expected(200, 404));
    });
});

describe('CORS', () => {
    const preflight = (origin) => send('OPTIONS', poll(), {
        Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-one,content-type',
    });
    const isAllowed = ({ headers }) => {
        assert.equal(headers['access-control-allow-origin'], allowedOrigin);
        assert.equal(headers['access-control-allow-credentials'], 'true');
        assert.match(headers.vary, /origin/i);
    };

    it('answers the preflight of a listed origin', async () => {
        const response = await preflight(allowedOrigin);
        assert.ok([200, 204].includes(response.status));
        assert.equal(response.body.length, 0);
        isAllowed(response);
        for (const method of ['GET', 'POST'])
            assert.ok(response.headers['access-control-allow-methods'].split(',').map((m) => m.trim()).includes(method));
        assert.equal(response.headers['access-control-allow-headers'], 'x-one,content-type');
    });
    it('allows nothing to an origin that is not listed', async () => {
        for (const response of [await preflight(foreignOrigin), await get(poll(), { Origin: foreignOrigin })])
            assert.equal(response.headers['access-control-allow-origin'], undefined);
    });
    for (const origin of ['null', `${allowedOrigin}.evil.example`, allowedOrigin.toUpperCase().replace('HTTPS', 'https') + ':1'])
        it(`is not fooled by ${origin}`, async () => {
            const { headers } = await get(poll(), { Origin: origin });
            assert.equal(headers['access-control-allow-origin'], undefined);
        });
    it('marks handshakes, polls, posts and errors alike', async () => {
        const headers = { Origin: allowedOrigin };
        isAllowed(await get(poll(), headers));
        const { sid } = await Polling.open(path);
        isAllowed(await send('POST', poll(sid), headers, '4x'));
        isAllowed(await get(poll(sid), headers));
        isAllowed(await get(poll('x'), headers));
    });
    it('lets the upgrade of a listed origin through', async () => {
        const answer = await tryUpgrade(path, {}, { origin: allowedOrigin });
        assert.equal(answer.status, 101);
        answer.channel.close();
    });
    it('refuses the upgrade of a foreign origin, which the reference lets through', async () => {
        const answer = await tryUpgrade(path, {}, { origin: foreignOrigin });
        assert.ok(expected([400, 403], [101]).includes(answer.status), `${answer.status}`);
        if (answer.channel) answer.channel.close();
        else assert.equal(answer.body, 'Forbidden');
    });
});

describe('connections', () => {
    it('are kept alive over handshake, post, poll and an error', async () => {
        const wire = await Wire.connect();
        const ask = async (...args) => {
            wire.write(request(...args));
            return wire.response();
        };
        const { sid } = JSON.parse((await ask('GET', poll())).body.toString().slice(1));
        assert.equal((await ask('POST', poll(sid), {}, '4x')).body.toString(), 'ok');
        assert.equal((await ask('GET', poll(sid))).body.toString(), '4x');
        isError(await ask('GET', poll('x')), 1);
        assert.equal((await ask('GET', poll(sid))).body.toString(), '2', 'a poll that was held');
        assert.equal((await ask('POST', poll(sid), {}, '3')).status, 200);
        wire.close();
    });
    it('answer pipelined requests in order', async () => {
        const wire = await Wire.connect();
        wire.write(request('GET', poll()) + request('GET', poll('x')) + request('POST', poll()));
        assert.equal((await wire.response()).status, 200);
        isError(await wire.response(), 1);
        isError(await wire.response(), 2);
        wire.close();
    });
    it('give each path its own form of refusal', { skip: expected(false, true) && 'the reference has one form' }, async () => {
        const wire = await Wire.connect();
        wire.write(request('GET', poll('x')) + request('POST', '/api/v1/rooms', { 'Content-Length': String(1e10) }));
        isError(await wire.response(), 1);
        const refusal = await wire.response();
        assert.equal(refusal.status, 404, 'before its size is looked at');
        assert.equal(JSON.parse(refusal.body).error.code, 'no_route');
    });
    it('end after the answer when the client says close', async () => {
        const wire = await Wire.connect();
        wire.write(request('GET', poll(), { Connection: 'close' }));
        assert.equal((await wire.response()).status, 200);
        assert.ok(await wire.gone());
    });
    it('never switch to HTTP/2 or to what nobody knows', async () => {
        for (const protocol of ['h2c', 'foo', 'h2', 'TLS/1.0', 'websocket2'])
            for (const target of [poll(), query(path, { transport: 'websocket' }), '/', '/healthz']) {
                const settings = protocol === 'h2c' ? 'AAMAAABkAAQAoAAAAAIAAAAA' : undefined;
                const response = await exchange(request('GET', target, { Connection: 'Upgrade, HTTP2-Settings', Upgrade: protocol, 'HTTP2-Settings': settings }));
                assert.ok(response && response.status !== 101, `${protocol} at ${target}`);
            }
        const response = await exchange('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
        assert.ok(response === undefined || response.status >= 400);
    });
    it('take requests byte by byte', async () => {
        const wire = await Wire.connect();
        for (const byte of request('GET', poll())) {
            wire.write(byte);
            await new Promise(setImmediate);
        }
        assert.equal((await wire.response()).status, 200);
        wire.close();
    });
    it('take a POST in chunks', async () => {
        const { sid } = await Polling.open(path);
        const wire = await Wire.connect();
        wire.write(request('POST', poll(sid), { 'Transfer-Encoding': 'chunked' }) + '3\r\n4ab\r\n2\r\ncd\r\n0\r\n\r\n');
        assert.equal((await wire.response()).body.toString(), 'ok');
        assert.equal((await get(poll(sid))).body.toString(), '4abcd');
        wire.close();
    });
    it('hold a poll until there is something, and not longer', async () => {
        const session = await Polling.open(path);
        let posted;
        arrival().then(() => { posted = true; return session.post('4x'); });
        assert.equal((await session.poll()).text, '4x', 'before the next ping');
        assert.ok(posted);
    });
});

describe('limits', () => {
    it('a body of exactly maxPayload bytes is taken', async () => {
        const { sid } = await Polling.open(path);
        const response = await send('POST', poll(sid), {}, '4' + 'x'.repeat(maxPayload - 1));
        assert.equal(response.status, 200);
        assert.equal((await get(poll(sid))).body.length, maxPayload);
    });
    it('one byte more gets an empty 413', async () => {
        const { sid } = await Polling.open(path);
        isEmpty(await send('POST', poll(sid), {}, '4' + 'x'.repeat(maxPayload)), 413);
    });
    it('a body that is only announced as too large gets 413', async () => {
        const { sid } = await Polling.open(path);
        const response = await send('POST', poll(sid), { 'Content-Length': String(maxPayload + 1) });
        if (expected(true, false)) isEmpty(response, 413);
    });
    it('chunks are counted', async () => {
        const { sid } = await Polling.open(path);
        const wire = await Wire.connect();
        wire.write(request('POST', poll(sid), { 'Transfer-Encoding': 'chunked' }));
        const chunk = '40000\r\n' + 'x'.repeat(0x40000) + '\r\n';
        for (let i = 0; i < 5; i++) wire.write(chunk);
        wire.write('0\r\n\r\n');
        isEmpty(await wire.response(), 413);
        wire.close();
    });
    it('headers of 64 KiB get 431', async () => {
        assert.equal((await get(poll(), { 'X-Large': 'x'.repeat(65536) }))?.status, 431);
    });
    it('many headers of together 64 KiB get 431', async () => {
        const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`X-${i}`, 'y'.repeat(64)]));
        assert.equal((await get(poll(), many))?.status, 431);
    });
    it('a URL of 64 KiB gets 414 or 431', async () => {
        const response = await get(poll() + '&x=' + 'x'.repeat(65536));
        assert.ok([414, 431].includes(response?.status), `${response?.status}`);
    });
    it('a token of 3,000 characters in the query or a header fits', async () => {
        const long = 'x'.repeat(3000);
        assert.equal((await get(poll() + '&token=' + long)).status, 200);
        assert.equal((await get(poll(), { Authorization: `Bearer ${long}` })).status, 200);
    });
});

describe('compression', () => {
    async function polled(length, encoding) {
        const session = await Polling.open(path);
        const text = '4' + 'z'.repeat(length - 1);
        await session.post(text);
        const response = await get(poll(session.sid), { 'Accept-Encoding': encoding });
        assert.equal(response.status, 200);
        return { ...response, text };
    }
    it('is used from 1,024 bytes on, if the client accepts gzip', async () => {
        const { headers, body, text } = await polled(1024, 'gzip, deflate, br');
        assert.equal(headers['content-encoding'], 'gzip');
        assert.ok(body.length < text.length);
        assert.equal(gunzipSync(body).toString(), text);
    });
    for (const [length, encoding] of [[1023, 'gzip'], [5000, undefined], [5000, 'identity'], [5000, 'gzip;q=0']])
        it(`is not used for ${length} bytes with Accept-Encoding: ${encoding}`, async () => {
            const { headers, body, text } = await polled(length, encoding);
            assert.equal(headers['content-encoding'], undefined);
            assert.equal(body.toString(), text);
        });
});

describe('hostile queries', () => {
    const sids = ['__proto__', 'constructor', 'toString', '%00', 'x%00', 'y'.repeat(500), '%ff%fe', '%', '%zz', '..%2f',
        '%F0%9F%8E%89', "'%20OR%201=1--"];
    for (const sid of sids)
        it(`the sid ${sid.slice(0, 20)} is unknown`, async () => {
            isError(await get(`${path}?EIO=4&transport=polling&sid=${sid}`), 1);
        });
    it('a session\'s sid with a NUL behind it is another one', async () => {
        const { sid } = await Polling.open(path);
        isError(await get(poll(sid) + '%00'), 1);
    });
    for (const name of ['__proto__', 'constructor', '__proto__[sid]', 'hasOwnProperty', '%00', '', '&&&&'])
        it(`a parameter named ${name || 'nothing'} harms nobody`, async () => {
            assert.equal((await get(`${poll()}&${name}=x`)).status, 200);
        });
    it('the last of several values counts', async () => {
        const last = await get(`${path}?EIO=4&transport=abc&transport=polling`);
        assert.equal(last.status, 200);
        isError(await get(`${path}?EIO=4&transport=polling&transport=abc`), 0);
    });
    it('percent-encoded names and values are decoded', async () => {
        assert.equal((await get(`${path}?%45IO=%34&transport=poll%69ng`)).status, 200);
    });
    it('two hundred parameters are served or refused, not fatal', async () => {
        const many = Array.from({ length: 200 }, (_, i) => `p${i}=${i}`).join('&');
        assert.ok([200, 400, 414, 431].includes((await get(`${poll()}&${many}`))?.status));
        assert.equal((await get(poll())).status, 200);
    });
    for (const sid of sids)
        it(`an upgrade with the sid ${sid.slice(0, 20)} is refused`, async () => {
            const response = await get(`${path}?EIO=4&transport=websocket&sid=${sid}`, UPGRADE);
            assert.equal(response.status, 400);
        });
});
