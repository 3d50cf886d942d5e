// adminpage.test.mjs - the real page of @socket.io/admin-ui in a real browser: it logs in and shows this server.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { createReadStream, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { closeClientsAfterEach, connected } from './client.mjs';
import { base, setting, without } from './target.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const files = join(here, '../node_modules/@socket.io/admin-ui/ui/dist');
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.png': 'image/png' };
const from = setting('MADANG_ADMIN_URL') ?? base;
const address = setting('MADANG_ADMIN_PAGE');
const executablePath = setting('CHROMIUM') ?? '/usr/bin/chromium';
const skip = without('MADANG_ADMIN_USER', 'MADANG_ADMIN_PASSWORD', 'MADANG_ADMIN_PAGE') ||
    (!existsSync(executablePath) && `no ${executablePath}`);

closeClientsAfterEach();

/** The page's files, at an origin that the server under test lets in. */
function servePage() {
    const server = createServer(({ url }, response) => {
        const { pathname } = new URL(url, address);
        const file = join(files, pathname === '/' ? 'index.html' : pathname);
        if (!existsSync(file)) return response.writeHead(404).end();
        response.setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream');
        createReadStream(file).pipe(response);
    });
    const { hostname, port } = new URL(address);
    return new Promise((resolve) => server.listen(Number(port), hostname, () => resolve(server)));
}

async function logIn(tab, password) {
    await tab.getByLabel('Server URL').fill(from);
    await tab.getByLabel('Username').fill(setting('MADANG_ADMIN_USER'));
    await tab.getByLabel('Password').fill(password);
    await tab.getByRole('button', { name: 'Connect' }).click();
}

/** Waits until the page says so. */
const says = (tab, pattern) => tab.waitForFunction(
    ([source]) => new RegExp(source).test(document.body.innerText), [pattern.source], { timeout: 30000 });

describe('the page of @socket.io/admin-ui in Chromium', { skip }, () => {
    let browser;
    let server;
    before(async () => {
        server = await servePage();
        browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-background-networking'] });
    });
    after(async () => {
        await browser?.close();
        server?.closeAllConnections();
        server?.close();
    });

    it('is refused a wrong password, logs in with the right one, shows the server, and comes back by itself', async () => {
        const problems = [];
        const tab = await browser.newPage({ viewport: { width: 1280, height: 900 } });
        tab.on('pageerror', (error) => problems.push(error.message));
        await Promise.all([1, 2, 3].map(() => connected('/', { transports: ['websocket'] }, from)));

        await tab.goto(address);
        await logIn(tab, 'wrong');
        await says(tab, /Invalid credentials/);
        await logIn(tab, setting('MADANG_ADMIN_PASSWORD'));
        await says(tab, /HEALTHY\s+1\s+100\.0 %/);
        await says(tab, /\/\s+3\s[^]*\/admin\s+1/); // namespaces and their sockets
        mkdirSync(join(here, '../../build'), { recursive: true });
        await tab.screenshot({ path: join(here, '../../build/admin-ui.png') });

        await tab.reload(); // by its session, without the password
        await says(tab, /CONNECTED[^]*HEALTHY\s+1\s+100\.0 %/);
        assert.deepEqual(problems, []);
    });
});
