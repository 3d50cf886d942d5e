// hostile_attacks.mjs - the ways to send hostile input, and to say in a word or two what came of it.
// SPDX-License-Identifier: Apache-2.0

import { FrameWire, OP, binary, text } from './frames.mjs';
import { Polling } from './session.mjs';
import { expected } from './target.mjs';
import { Wire } from './wire.mjs';

/** The reference leaves one request unanswered until it gives it up. */
const WAIT = expected(5000, 400);

function describe(response) {
    if (response === undefined) return 'dropped';
    if (response === 'late') return 'late';
    const { code } = response.headers['content-type'] === 'application/json' ? JSON.parse(response.body) : {};
    return code === undefined ? `${response.status}` : `${response.status} code ${code}`;
}

async function written(bytes) {
    const wire = await Wire.connect();
    try {
        wire.write(bytes);
        return describe(await wire.response(WAIT));
    } finally {
        wire.close();
    }
}

/** Bytes on a new connection. */
export const http = (bytes) => () => written(bytes);

/** A request made for a session of its own. */
export const posted = (make) => async () => written(make((await Polling.open('/engine.io/')).sid));

/** A POST of packets by a client that is connected to the main namespace. */
export const polled = (body) => async () => {
    const session = await Polling.open('/socket.io/');
    await session.post('40');
    return `${await session.post(body).then((response) => response.status, () => 'dropped')}`;
};

async function outcome(peer, mark) {
    for (;;) {
        const got = await peer.message();
        if (got === undefined) return 'dropped';
        if (got === 'late') return 'late';
        if (got.opcode === OP.close) return `close ${got.payload.length < 2 ? 1005 : got.payload.readUInt16BE(0)}`;
        if (got.payload.toString() === mark) return 'ok';
    }
}

/** Frames on the raw echo path, then an echo to see whether the connection works. */
export const websocket = (...frames) => async () => {
    const peer = await FrameWire.open();
    try {
        peer.write(Buffer.concat([...frames, text('4mark')]));
        return await outcome(peer, '4mark');
    } finally {
        peer.end();
    }
};

/** Packets of a client that is connected to the main namespace, then an echo. */
export const socketio = (...packets) => async () => {
    const peer = await FrameWire.open('/socket.io/?EIO=4&transport=websocket');
    try {
        peer.write(text('40'));
        await peer.message(); // the CONNECT reply
        await peer.message(); // the auth event
        const all = packets.map((packet) => (typeof packet === 'string' ? text(packet) : binary(packet)));
        peer.write(Buffer.concat([...all, text('42["message","mark"]')]));
        return await outcome(peer, '42["message-back","mark"]');
    } finally {
        peer.end();
    }
};
