// admin.test.mjs - connects to /admin as the page of @socket.io/admin-ui does, in its production mode.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { client, closeClientsAfterEach, connected, heard } from './client.mjs';
import { base, patience, setting, without } from './target.mjs';

const from = setting('MADANG_ADMIN_URL') ?? base;
const login = { username: setting('MADANG_ADMIN_USER'), password: setting('MADANG_ADMIN_PASSWORD') };

closeClientsAfterEach();

function admin(auth, options = {}) {
    return client('/admin', { auth, transports: ['websocket'], ...options }, from);
}

async function refused(auth) {
    const error = await heard(admin(auth), 'connect_error');
    assert.equal(error.message, 'invalid credentials');
}

describe('@socket.io/admin-ui', { skip: without('MADANG_ADMIN_USER', 'MADANG_ADMIN_PASSWORD') }, () => {
    it('logs in with a password and hears its session, the configuration and statistics', async () => {
        const socket = admin(login);
        const events = ['session', 'config', 'server_stats'].map((event) => heard(socket, event));
        await heard(socket, 'connect');
        const [session, config, stats] = await Promise.all(events);
        assert.equal(typeof session, 'string');
        assert.ok(session.length >= 16);
        assert.ok(config.supportedFeatures.includes('AGGREGATED_EVENTS'));
        assert.ok(!config.supportedFeatures.includes('ALL_EVENTS'), 'production mode');
        checkStats(stats);
    });
    it('comes back with its session, over polling as well', async () => {
        const socket = admin(login);
        const sessionId = await heard(socket, 'session');
        for (const transports of [['websocket'], ['polling']]) {
            const again = admin({ sessionId }, { transports });
            again.on('session', () => assert.fail('no new session is needed'));
            const config = heard(again, 'config');
            await heard(again, 'connect');
            await config;
        }
    });
    it('is refused a wrong password, user, session or none', async () => {
        await refused({ ...login, password: 'wrong' });
        await refused({ ...login, username: 'wrong' });
        await refused({ sessionId: 'wrong' });
        await refused({});
        await refused({ username: { $ne: 1 }, password: ['x'] });
    });
    it('sees clients and traffic counted', async () => {
        const socket = admin(login);
        const before = await next(socket, ({ clientsCount }) => clientsCount === 1); // who was here before is gone
        const others = await Promise.all([1, 2, 3].map(() => connected('/', { transports: ['websocket'] }, from)));
        others.forEach((other) => other.emit('message', 'x'));
        const later = await next(socket, (stats) => stats.clientsCount >= before.clientsCount + 3);
        assert.ok(later.uptime > before.uptime);
        const main = later.namespaces.find(({ name }) => name === '/');
        assert.ok(main.socketsCount >= 3);
        const kinds = new Set(later.aggregatedEvents.map(({ type }) => type));
        for (const kind of ['rawConnection', 'packetsIn', 'packetsOut', 'bytesIn', 'bytesOut']) assert.ok(kinds.has(kind), kind);
    });
});

/** The first statistics that the condition likes. */
async function next(socket, condition) {
    for (const end = Date.now() + patience; Date.now() < end;) {
        const stats = await heard(socket, 'server_stats');
        if (condition(stats)) return stats;
    }
    throw new Error('no statistics met the condition');
}

function checkStats(stats) {
    for (const name of ['serverId', 'hostname']) assert.equal(typeof stats[name], 'string', name);
    for (const name of ['pid', 'uptime', 'clientsCount', 'pollingClientsCount'])
        assert.equal(typeof stats[name], 'number', name);
    assert.ok(stats.namespaces.every(({ name, socketsCount }) => name.startsWith('/') && socketsCount >= 0));
    for (const { timestamp, type, count } of stats.aggregatedEvents) {
        assert.equal(timestamp % 1000, 0, 'a whole second');
        assert.equal(typeof type, 'string');
        assert.ok(count > 0);
    }
}
