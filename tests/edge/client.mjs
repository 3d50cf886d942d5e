// client.mjs - real socket.io-clients that are closed after each test.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { afterEach } from 'node:test';
import { Manager } from 'socket.io-client';
import { base, patience, within } from './target.mjs';

const managers = [];

/** Call once at the top of a suite. */
export function closeClientsAfterEach() {
    afterEach(() => managers.splice(0).forEach((manager) => manager._close()));
}

export function newManager(from, options) {
    managers.push(new Manager(from, { reconnectionDelay: 50, reconnectionDelayMax: 100, ...options }));
    return managers.at(-1);
}

/** A socket on a connection of its own. */
export function client(nsp, { auth, ...options } = {}, from = base) {
    return newManager(from, options).socket(nsp, { auth });
}

/** The event's first argument, or all of them if there are several. */
export function heard(emitter, event, ms = patience) {
    const arrival = new Promise((resolve) => {
        emitter.once(event, (...args) => resolve(args.length > 1 ? args : args[0]));
    });
    return within(ms, event, arrival);
}

/** A binary value as a list of numbers; what only looks like one is refused. */
export function bytesOf(value) {
    assert.ok(value instanceof ArrayBuffer || ArrayBuffer.isView(value), `binary, not ${JSON.stringify(value)}`);
    return [...new Uint8Array(value)];
}

export async function connected(...args) {
    const socket = client(...args);
    await heard(socket, 'connect');
    return socket;
}
