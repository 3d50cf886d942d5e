// site.test.mjs - what browsers get besides the interfaces: an operator's files, pages of our own, proofs for an authority.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { until } from '../lib/wait.mjs';
import { base as withoutSite, setting, without } from './target.mjs';

const skip = without('MADANG_SITE_URL', 'MADANG_SITE_DIR', 'MADANG_ACME_DIR', 'MADANG_AUTH_URL', 'MADANG_THREE_URL');
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const agent = new http.Agent({ keepAlive: false });

/** The path as it is: no client of ours tidies it. */
function ask(path, headers = {}, { method = 'GET', base = setting('MADANG_SITE_URL') } = {}) {
    const { hostname, port } = new URL(base);
    return new Promise((resolve, reject) => {
        const request = http.request({ hostname, port, path, method, headers, agent }, (response) => {
            const parts = [];
            response.on('data', (part) => parts.push(part));
            response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
            response.on('error', reject);
        });
        request.on('error', reject).end();
    });
}

const text = `${'body { color: #123456; margin: 0 }\n'.repeat(200)}`;
const script = `${'console.log("one line of many");\n'.repeat(300)}`;
const large = Buffer.alloc(6 << 20, 'abcdefghij');

/** Whole at once, as a deployment has it. */
function put(name, bytes) {
    const path = join(setting('MADANG_SITE_DIR'), name);
    writeFileSync(`${path}.part`, bytes);
    renameSync(`${path}.part`, path);
}

describe('files of a directory', { skip }, () => {
    before(async () => {
        const dir = setting('MADANG_SITE_DIR');
        for (const each of ['assets', 'guide', '.git', '.well-known']) mkdirSync(join(dir, each), { recursive: true });
        put('assets/index-BqT3k2aX.js', script);
        put('assets/index-BqT3k2aX.js.br', brotliCompressSync(script));
        put('assets/index-BqT3k2aX.js.gz', gzipSync(script));
        put('assets/stale.js', script);
        put('assets/stale.js.br', brotliCompressSync('old'));
        utimesSync(join(dir, 'assets/stale.js.br'), 1000, 1000);
        put('assets/logo.png', 'png');
        put('main-BqT3k2aX.js', script);
        put('style.css', text);
        put('large.bin', large);
        put('guide/index.html', '<!doctype html><title>guide</title>');
        put('.git/config', 'secret');
        put('.env', 'secret');
        put('.well-known/apple-app-site-association', '{}');
        symlinkSync('/etc/passwd', join(dir, 'passwd'));
        symlinkSync('/etc', join(dir, 'etc'));
        put('한글 이름.txt', 'named');
        put('last.txt', 'all is there');
        await until('the gateway has read the directory', async () => (await ask('/last.txt')).status === 200);
    });
    after(() => agent.destroy());

    it('has types, tags and headers of its own', async () => {
        const page = await ask('/', BROWSER);
        assert.equal(page.status, 200);
        assert.equal(page.body.toString(), '<!doctype html><title>app</title>');
        assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
        assert.equal(page.headers['cache-control'], 'no-cache');
        assert.match(page.headers['content-security-policy'], /default-src 'self'.*frame-ancestors 'none'/);
        assert.equal(page.headers['x-content-type-options'], 'nosniff');
        assert.equal(page.headers['referrer-policy'], 'strict-origin-when-cross-origin');
        assert.equal(page.headers['cross-origin-opener-policy'], 'same-origin');
        assert.equal(page.headers['cross-origin-resource-policy'], 'same-site');
        assert.match(page.headers['permissions-policy'], /payment=\(\)/);
        assert.equal((await ask('/assets/logo.png')).headers['content-type'], 'image/png');
        assert.equal((await ask('/large.bin')).headers['content-type'], 'application/octet-stream');
        assert.equal((await ask(encodeURI('/한글 이름.txt'))).body.toString(), 'named');
        assert.equal((await ask('/.well-known/apple-app-site-association')).body.toString(), '{}');
    });

    it('is kept for a year where the name has a hash, below the directory for that', async () => {
        assert.equal((await ask('/assets/index-BqT3k2aX.js')).headers['cache-control'], 'public, max-age=31536000, immutable');
        for (const path of ['/assets/logo.png', '/main-BqT3k2aX.js', '/assets/stale.js'])
            assert.equal((await ask(path)).headers['cache-control'], 'no-cache', path);
    });

    it('is sent packed to whom takes it, as it was packed or as we did it', async () => {
        const path = '/assets/index-BqT3k2aX.js';
        const cases = [
            ['br, gzip', 'br'], ['gzip, deflate', 'gzip'], ['br;q=0, gzip;q=0.5', 'gzip'], ['*', 'br'], ['identity', undefined],
            ['gzip;q=0', undefined], [undefined, undefined], ['GZIP', 'gzip'], ['br;q=0.1, gzip;q=1', 'gzip'], ['gzip;q=0, *', 'br'],
            ['br;q=0, *', 'gzip'], ['*;q=0', undefined], ['gzip;q=0.5, br;q=0.5', 'br'], ['identity, br;q=0.9', undefined],
        ];
        const tags = new Set();
        for (const [accept, coding] of cases) {
            const answer = await ask(path, accept === undefined ? {} : { 'accept-encoding': accept });
            assert.equal(answer.headers['content-encoding'], coding, accept);
            assert.match(answer.headers.vary, /Accept-Encoding/);
            const plain = coding === 'br' ? brotliDecompressSync(answer.body) : coding ? gunzipSync(answer.body) : answer.body;
            assert.equal(plain.toString(), script);
            tags.add(answer.headers.etag);
        }
        assert.equal(tags.size, 3, 'each coding has a tag of its own');
        const style = await ask('/style.css', { 'accept-encoding': 'br, gzip' });
        assert.equal(style.headers['content-encoding'], 'gzip');
        assert.equal(gunzipSync(style.body).toString(), text);
        const stale = await ask('/assets/stale.js', { 'accept-encoding': 'br' });
        assert.equal(stale.body.toString(), script, 'what was packed before the file changed is not sent');
        assert.equal((await ask(`${path}.br`)).status, 404, 'a packed file is no file of its own');
    });

    it('is not sent again to whom has it', async () => {
        for (const coding of ['br', 'gzip', 'identity']) {
            const has = await ask('/assets/index-BqT3k2aX.js', { 'accept-encoding': coding });
            const again = await ask('/assets/index-BqT3k2aX.js', { 'accept-encoding': coding, 'if-none-match': `"x", W/${has.headers.etag}` });
            assert.deepEqual([again.status, again.body.length, again.headers.etag], [304, 0, has.headers.etag]);
            assert.match(again.headers.vary, /Accept-Encoding/);
        }
        const { headers } = await ask('/style.css');
        const since = (date, more) => ask('/style.css', { 'if-modified-since': date, ...more });
        assert.equal((await since(headers['last-modified'])).status, 304);
        assert.equal((await since('Thu, 01 Jan 1970 00:00:01 GMT')).status, 200);
        assert.equal((await since('yesterday')).status, 200);
        assert.equal((await since(headers['last-modified'], { 'if-none-match': '"other"' })).status, 200, 'the tag decides');
        assert.equal((await ask('/style.css', { 'if-match': '"other"' })).status, 412);
        assert.equal((await ask('/style.css', { 'if-match': headers.etag })).status, 200);
        assert.equal((await ask('/style.css', { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:01 GMT' })).status, 412);
    });

    it('is sent in part', async () => {
        const part = async (range, more) => {
            const answer = await ask('/large.bin', { range, ...more });
            return [answer.status, answer.headers['content-range'], answer.body.toString()];
        };
        const size = large.length;
        assert.deepEqual(await part('bytes=0-3'), [206, `bytes 0-3/${size}`, 'abcd']);
        assert.deepEqual(await part(`bytes=${size - 2}-`), [206, `bytes ${size - 2}-${size - 1}/${size}`, large.subarray(-2).toString()]);
        assert.deepEqual(await part('bytes=-3'), [206, `bytes ${size - 3}-${size - 1}/${size}`, large.subarray(-3).toString()]);
        assert.deepEqual(await part(`bytes=${size}-`), [416, `bytes */${size}`, '']);
        const { etag } = (await ask('/large.bin', {}, { method: 'HEAD' })).headers;
        assert.equal((await part('bytes=0-3', { 'if-range': etag }))[0], 206);
        assert.equal((await part('bytes=0-3', { 'if-range': '"other"' }))[0], 200);
        const coded = await ask('/assets/index-BqT3k2aX.js', { range: 'bytes=0-6', 'accept-encoding': 'br' });
        assert.deepEqual([coded.status, coded.headers['content-encoding'], coded.body.toString()], [206, undefined, 'console']);
        for (const odd of ['bytes=2-1', 'bytes=a-b', 'lines=0-1', 'bytes=0-1,4-5'])
            assert.equal((await part(odd))[0], 200, odd);
    });

    it('is read, and nothing else is done with it', async () => {
        const get = await ask('/style.css'), head = await ask('/style.css', {}, { method: 'HEAD' });
        assert.equal(head.body.length, 0);
        for (const name of ['content-length', 'content-type', 'etag', 'last-modified', 'cache-control'])
            assert.equal(head.headers[name], get.headers[name], name);
        for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE']) {
            const refused = await ask('/style.css', {}, { method });
            assert.deepEqual([refused.status, refused.headers.allow], [405, 'GET, HEAD'], method);
            assert.equal(JSON.parse(refused.body).error.code, 'method_not_allowed');
        }
        assert.equal((await ask('/style.css', {}, { method: 'OPTIONS' })).status, 204);
        assert.equal((await ask('/nothing', BROWSER, { method: 'POST' })).status, 404);
    });

    it('has no path that leads out of it, nor to what is hidden', async () => {
        const paths = ['/../run', '/%2e%2e/run', '/assets/..%2f..%2frun', '/assets/../../run', '/./.env', '/.env', '/.git/config', '/%2egit/config',
            '/passwd', '/etc/passwd', '/etc/', '/style.css%00', '/style.css/', '//style.css', '/assets\\logo.png', '/%', '/%zz', '/assets/../style.css'];
        for (const path of paths) {
            const answer = await ask(path);
            assert.equal(answer.status, 404, path);
            assert.equal(JSON.parse(answer.body).error.code, 'no_route');
        }
    });

    it('has the pages of its directories, at the address that their links are meant from', async () => {
        const answer = await ask('/guide?a=b', BROWSER);
        assert.deepEqual([answer.status, answer.headers.location], [308, '/guide/?a=b']);
        assert.match((await ask('/guide/', BROWSER)).body.toString(), /guide/);
    });

    it('has the app for a browser at a path of its own, and 404 for a program', async () => {
        const page = await ask('/rooms/42', BROWSER);
        assert.equal(page.status, 200);
        assert.match(page.body.toString(), /<title>app/);
        assert.equal(page.headers['cache-control'], 'no-cache');
        assert.equal((await ask('/rooms/42', { accept: '*/*' })).status, 404);
        assert.equal((await ask('/rooms/42', { accept: 'application/json' })).status, 404);
    });

    it('is what is there now, and whoever reads it already goes on with what there was', async () => {
        const { hostname, port } = new URL(setting('MADANG_SITE_URL'));
        const reader = await new Promise((resolve) => http.get({ hostname, port, path: '/large.bin', agent }, resolve));
        reader.pause();
        put('large.bin', 'small now');
        await until('the new one is served', async () => (await ask('/large.bin')).body.toString() === 'small now');
        const parts = [];
        for await (const part of reader) parts.push(part);
        assert.ok(Buffer.concat(parts).equals(large));
        put('large.bin', large);
        await until('the old one is back', async () => (await ask('/large.bin', {}, { method: 'HEAD' })).headers['content-length'] === `${large.length}`);
    });
});

describe('pages of our own', { skip }, () => {
    it('tell robots, browsers and finders of holes', async () => {
        assert.match((await ask('/robots.txt')).body.toString(), /Disallow: \/\n/);
        assert.equal((await ask('/favicon.ico')).headers['content-type'], 'image/svg+xml');
        const contact = (await ask('/.well-known/security.txt')).body.toString();
        assert.match(contact, /^Contact: mailto:security@app.example\nExpires: \d{4}-/);
        const expires = Date.parse(contact.match(/Expires: (.*)/)[1]) - Date.now();
        assert.ok(expires > 86400e3 && expires < 366 * 86400e3);
        assert.equal((await ask('/.well-known/security.txt', {}, { base: withoutSite })).status, 404);
    });

    const ours = (path, headers, more) => ask(path, { ...BROWSER, ...headers }, { base: withoutSite, ...more });

    it('say at / what this is, in the reader\'s language', async () => {
        const home = await ours('/');
        assert.equal(home.status, 200);
        assert.match(home.headers['content-security-policy'], /^default-src 'none'; style-src 'self'; script-src 'self';.*frame-ancestors 'none'$/);
        assert.match(home.headers.vary, /Accept-Language/);
        assert.match(home.body.toString(), /<html lang="en">[^]*messaging back end/);
        assert.ok(home.body.includes(`io("${withoutSite}/chat"`), 'programs on it have our address');
        for (const [path, headers] of [['/', { 'accept-language': 'ko-KR,en;q=0.5' }], ['/?lang=ko', {}]])
            assert.match((await ours(path, headers)).body.toString(), /<html lang="ko">[^]*메시징 백엔드/, path);
        assert.match((await ours('/?lang=xx', { 'accept-language': 'en' })).body.toString(), /<html lang="en">/);
        const again = await ours('/', { 'if-none-match': home.headers.etag });
        assert.deepEqual([again.status, again.body.length], [304, 0]);
        assert.equal((await ours('/', {}, { method: 'POST' })).status, 405);
        assert.equal((await ask('/', BROWSER)).body.toString(), '<!doctype html><title>app</title>', 'an operator\'s own has its place');
    });

    it('lead elsewhere, where a setting says so, and are nowhere then', async () => {
        const at = (path) => ask(path, BROWSER, { base: setting('MADANG_AUTH_URL') });
        const home = await at('/');
        assert.deepEqual([home.status, home.headers.location, home.headers['cache-control']], [302, 'https://elsewhere.example/', 'no-cache']);
        for (const path of ['/welcome/front.css', '/welcome/live.js']) assert.equal((await at(path)).status, 404, path);
    });

    it('are nowhere, where a setting says so, but for what finders and robots ask for', async () => {
        const at = (path, headers = {}) => ask(path, headers, { base: setting('MADANG_THREE_URL') });
        for (const path of ['/', '/welcome/front.css', '/welcome/live.js']) {
            assert.equal((await at(path)).status, 404, path);
            assert.match((await at(path, BROWSER)).body.toString(), /data-code="no_route">404 ·/, path);
        }
        assert.equal((await at('/robots.txt')).status, 200);
    });

    it('have their style and nothing of other origins', async () => {
        const html = (await ours('/')).body.toString();
        const loaded = [...html.matchAll(/<(?:link|script|img)[^>]*(?:href|src)="([^"]*)"/g)].map(([, url]) => url);
        assert.ok(loaded.length > 0 && loaded.every((url) => /^\/\w/.test(url)), loaded.join());
        for (const url of loaded) {
            const file = await ours(url, { 'accept-encoding': 'gzip' });
            assert.deepEqual([file.status, file.headers['x-content-type-options']], [200, 'nosniff'], url);
        }
        assert.doesNotMatch(html, /<style|<script>| style=| on\w+=/);
    });

    it('have the same parts in both languages', async () => {
        const parts = async (language) => (await ours('/', { 'accept-language': language })).body.toString().match(/<[a-z/][^\s>]*|class="[^"]*"|href="[^"]*"/g)
            .filter((part) => !/lang=/.test(part));
        assert.deepEqual(await parts('ko'), await parts('en'));
    });
});

/** What only a raw socket sends: the bytes of the whole answer. */
function sendRaw(bytes, base = setting('MADANG_SITE_URL')) {
    const { hostname, port } = new URL(base);
    return new Promise((resolve, reject) => {
        let answer = '';
        const socket = net.connect(port, hostname, () => socket.write(bytes));
        socket.setEncoding('utf8').on('data', (text) => { answer += text; }).on('end', () => resolve(answer)).on('error', reject);
    });
}

describe('refusals', { skip }, () => {
    const NASTY = '"><script>alert(1)</script>';
    const lines = (...more) => ['GET / HTTP/1.1', 'Host: app.example', ...more, '', ''].join('\r\n');
    const HTML = 'Accept: text/html,*/*;q=0.8';
    const cases = {
        404: { program: 'no_route', base: withoutSite, raw: (accept) => lines(...accept, 'Connection: close').replace('GET /', `GET /nothing/${encodeURI(NASTY)}`) },
        405: { program: 'method_not_allowed', raw: (accept) => lines(...accept, 'Connection: close').replace('GET /', 'DELETE /style.css') },
        400: { program: 'malformed', raw: (accept) => lines(...accept, `Content-Length: ${NASTY}`) },
        421: { program: 'malformed', raw: (accept) => lines(...accept).replace('app.example', 'evil.example') },
        431: { program: 'headers_too_large', raw: (accept) => lines(...accept, `Cookie: ${NASTY}${'x'.repeat(20000)}`) },
        414: { program: 'headers_too_large', raw: (accept) => lines(...accept).replace('GET /', `GET /${'x'.repeat(13000)}`) },
    };

    it('are a page for people, in their language, and an object for programs', async () => {
        for (const [status, { program, raw, base }] of Object.entries(cases)) {
            const object = await sendRaw(raw([]), base);
            assert.match(object, new RegExp(`^HTTP/1.1 ${status} `), status);
            assert.match(object, /\r\nContent-Type: application\/json\r\n/, status);
            assert.equal(JSON.parse(object.split('\r\n\r\n')[1]).error.code, program, status);
            const titles = new Set();
            for (const language of ['en', 'ko']) {
                const page = await sendRaw(raw([HTML, `Accept-Language: ${language}`]), base);
                assert.match(page, new RegExp(`^HTTP/1.1 ${status} `), status);
                assert.match(page, /\r\nContent-Type: text\/html; charset=utf-8\r\n/, status);
                assert.match(page, /\r\nContent-Security-Policy: default-src 'none'; style-src( 'sha256-[^']+')+; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n/, status);
                assert.match(page, /\r\nX-Content-Type-Options: nosniff\r\n/, status);
                assert.match(page, new RegExp(`<html lang="${language}">[^]*data-code="${program}">${status} · ${program}<`), status);
                assert.doesNotMatch(page, /alert|evil|xxxx|nothing\//, 'nothing of what was sent is in it');
                titles.add(/<h1>([^<]+)<\/h1>/.exec(page)[1]);
            }
            assert.equal(titles.size, 2, status);
        }
    });

    it('that nobody reads have no body', async () => {
        const page = await ask('/nothing', BROWSER, { method: 'HEAD', base: withoutSite });
        assert.deepEqual([page.status, page.body.length, page.headers['content-type']], [404, 0, 'text/html; charset=utf-8']);
    });
});

describe('proofs for a certificate authority', { skip }, () => {
    const proof = (token, headers) => ask(`/.well-known/acme-challenge/${token}`, headers);

    it('are there as soon as they are written, and nothing beside them', async () => {
        assert.equal((await proof('token-1_A')).status, 404);
        writeFileSync(join(setting('MADANG_ACME_DIR'), 'token-1_A'), 'token-1_A.thumbprint');
        const answer = await proof('token-1_A');
        assert.deepEqual([answer.status, answer.body.toString()], [200, 'token-1_A.thumbprint']);
        assert.equal((await proof('token-1_A', { host: 'new.example' })).status, 200, 'the host\'s name is what is being proved');
        symlinkSync('/etc/passwd', join(setting('MADANG_ACME_DIR'), 'link'));
        for (const token of ['', '..', '../site-files/index.html', '%2e%2e', 'a'.repeat(200), 'token-1_A%00', 'link'])
            assert.equal((await proof(token)).status, 404, token);
    });

    it('are answered to many at once, or later', async () => {
        writeFileSync(join(setting('MADANG_ACME_DIR'), 'many'), 'x');
        const answers = await Promise.all(Array.from({ length: 200 }, () => proof('many')));
        for (const { status, headers } of answers)
            assert.ok(status === 200 || (status === 503 && headers['retry-after'] === '1'), `${status}`);
        assert.equal((await proof('many')).status, 200);
    });
});

describe('hosts', { skip }, () => {
    it('that are not ours are refused, whatever they ask for', async () => {
        for (const host of ['app.example', 'APP.EXAMPLE:8443', 'other.example'])
            assert.equal((await ask('/style.css', { host })).status, 200, host);
        for (const host of ['evil.example', 'app.example.evil', 'xapp.example', '127.0.0.2', '[::1]:1'])
            assert.equal((await ask('/style.css', { host })).status, 421, host);
        const upgrade = { host: 'evil.example', connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
        assert.equal((await ask('/socket.io/?EIO=4&transport=websocket', upgrade)).status, 421);
        assert.equal((await ask('/healthz', { host: '10.0.0.7' })).status, 200, 'balancers ask by address');
        assert.equal((await ask('/', { host: 'evil.example' }, { base: withoutSite })).status !== 421, true, 'without names every name is ours');
    });
});
