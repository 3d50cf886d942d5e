// rfc6455_known.mjs - what libwebsockets 4.1.6 does otherwise than RFC 6455 asks, by name.  The suite asserts each
// as it is listed here; one that begins to pass the strict way must be taken off the list.
// SPDX-License-Identifier: Apache-2.0

export const known = {
    '4 a text frame that is not masked': { echo: ['4x'], why: 'unmasked frames are accepted' },
    '4 a ping that is not masked': { pong: ['x'], why: 'unmasked frames are accepted' },
    '2 a burst of ten pings': { pong: ['0'], echo: ['4after'], why: 'only the first ping of a burst is answered' },
};
