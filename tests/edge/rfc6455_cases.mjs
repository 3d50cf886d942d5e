// rfc6455_cases.mjs - the table of RFC 6455 cases: what is sent, and what must come of it.
// SPDX-License-Identifier: Apache-2.0

import { OP, binary, close, frame, more, ping, pong, text } from './frames.mjs';

/*
 * A case is [name, frames to send, what must come]:
 *   echo: ['4..' or Buffer]   messages that come back, in order
 *   pong: ['..']              pongs that come back, in order, before or between the echoes
 *   end:  [codes]             how it ends: the close codes that are right, 1006 = dropped.  Absent: it stays alive
 *   split: n                  write the bytes in pieces of n
 */
const all = (...frames) => frames;
const bytes = (hex) => Buffer.from(hex.replace(/\s/g, ''), 'hex');
const FAIL = [1002, 1006];
const BAD_UTF8 = [1007, 1006];

function* sizes() {
    for (const n of [0, 1, 124, 125, 126, 127, 128, 65534, 65535, 65536, 999999]) {
        const string = '4' + 'x'.repeat(Math.max(0, n - 1));
        if (n > 0) yield [`1 text of ${n} bytes`, all(text(string)), { echo: [string] }];
        yield [`1 binary of ${n} bytes`, all(binary(Buffer.alloc(n, 7))), { echo: [Buffer.alloc(n, 7)] }];
    }
    for (const [n, split] of [[300, 1], [65536, 997]]) {
        const string = '4' + 'y'.repeat(n - 1);
        yield [`1 text of ${n} bytes in pieces of ${split}`, all(text(string)), { echo: [string], split }];
    }
}

function* limits() {
    const whole = Buffer.alloc(1000000, 65);
    whole[0] = 0x34;
    yield ['9 a message of exactly maxPayload bytes', all(text(whole)), { echo: [whole.toString()] }];
    yield ['9 one byte more', all(binary(Buffer.alloc(1000001))), { end: [1009] }];
    yield ['9 one byte more, in two fragments',
        all(binary(Buffer.alloc(900000), { fin: false }), more(Buffer.alloc(100001))), { end: [1009] }];
    yield ['9 a length of 2^40 that is only claimed', all(binary('x', { claim: 2 ** 40 })), { end: [1009] }];
    for (const [name, length] of [['2^63-1', '7fffffffffffffff'], ['2^63', '8000000000000000'], ['2^64-1', 'ffffffffffffffff']])
        for (const opcode of ['81', '82', '01', '02'])
            for (const mask of ['00000000', 'a1b2c3d4'])
                yield [`9 a frame ${opcode} that claims ${name} bytes, mask ${mask}`, all(bytes(`${opcode} ff ${length} ${mask} 34`)), { end: [1002, 1009] }];
    for (const length of ['7fffffffffffffff', 'fffffffffffffffe', 'ffffffffffffffff'])
        yield [`9 a fragment of one byte, and one more that claims ${length}`,
            all(binary('x', { fin: false }), bytes(`80 ff ${length} a1b2c3d4 34`)), { end: [1002, 1009] }];
    yield ['9 a ping that claims 2^64-1 bytes', all(bytes('89 ff ffffffffffffffff a1b2c3d4 34')), { end: [1002] }];
    yield ['9 a length with the top bit set', all(bytes('82 ff ffffffffffffffff 00000000')), { end: [1002, 1009, 1006] }];
}

function* pings() {
    const echo = ['4after'];
    const after = text('4after');
    for (const payload of ['', 'hello', Buffer.alloc(125, 0xfe)])
        yield [`2 a ping of ${payload.length} bytes`, all(ping(payload), after), { pong: [payload], echo }];
    yield ['2 a ping of 126 bytes', all(ping(Buffer.alloc(126))), { end: FAIL }];
    yield ['2 a ping byte by byte', all(ping('hello'), after), { pong: ['hello'], echo, split: 1 }];
    yield ['2 an unsolicited pong', all(pong('x'), after), { echo }];
    yield ['2 a pong of 126 bytes', all(pong(Buffer.alloc(126))), { end: FAIL }];
    yield ['2 a burst of ten pings', all(...[...'0123456789'].map((c) => ping(c)), after),
        { pong: [...'0123456789'], echo }];
    yield ['2 a ping in two fragments', all(ping('a', { fin: false }), more('b')), { end: FAIL }];
}

function* reserved() {
    for (const rsv of [1, 2, 3, 4, 5, 6, 7])
        yield [`3 text with reserved bits ${rsv}`, all(text('4x', { rsv })), { end: FAIL }];
    yield ['3 a ping with reserved bits', all(ping('x', { rsv: 2 })), { end: FAIL }];
    yield ['3 a close with reserved bits', all(close(1000, '', { rsv: 2 })), { end: FAIL }];
    for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
        yield [`4 reserved opcode ${opcode}`, all(frame(opcode, 'x')), { end: FAIL }];
    yield ['4 reserved opcode 11 after a message', all(text('4a'), frame(11, '')), { echo: ['4a'], end: FAIL }];
    yield ['4 a text frame that is not masked', all(text('4x', { mask: false })), { end: FAIL }];
    yield ['4 a ping that is not masked', all(ping('x', { mask: false })), { end: FAIL }];
    yield ['4 a length longer than need be is tolerated (16 bits for 5)',
        all(text('4tiny', { lengthBytes: 2 })), { echo: ['4tiny'] }];
    yield ['4 a length longer than need be is tolerated (64 bits for 5)',
        all(text('4tiny', { lengthBytes: 8 })), { echo: ['4tiny'] }];
}

function* fragments() {
    const start = (s) => text(s, { fin: false });
    yield ['5 text in two fragments', all(start('4ab'), more('cd')), { echo: ['4abcd'] }];
    yield ['5 binary in three fragments',
        all(binary('a', { fin: false }), more('b', { fin: false }), more('c')), { echo: [Buffer.from('abc')] }];
    yield ['5 empty fragments around the text',
        all(start(''), more('4x', { fin: false }), more('')), { echo: ['4x'] }];
    yield ['5 a thousand fragments of one byte',
        all(start('4'), ...Array.from({ length: 999 }, () => more('z', { fin: false })), more('')),
        { echo: ['4' + 'z'.repeat(999)] }];
    yield ['5 a ping between fragments', all(start('4ab'), ping('p'), more('cd')), { pong: ['p'], echo: ['4abcd'] }];
    yield ['5 two messages in fragments',
        all(start('4a'), more('b'), start('4c'), more('d')), { echo: ['4ab', '4cd'] }];
    yield ['5 in fragments, byte by byte', all(start('4ab'), ping(''), more('cd')),
        { pong: [''], echo: ['4abcd'], split: 1 }];
    yield ['5 a continuation of nothing', all(more('4x')), { end: FAIL }];
    yield ['5 an unfinished continuation of nothing', all(more('4x', { fin: false }), text('4y')), { end: FAIL }];
    yield ['5 a continuation after a whole message', all(text('4x'), more('y')), { echo: ['4x'], end: FAIL }];
    yield ['5 text begun inside text', all(start('4ab'), text('4cd')), { end: FAIL }];
    yield ['5 binary begun inside text', all(start('4ab'), binary('cd')), { end: FAIL }];
    yield ['5 text begun inside text, in fragments', all(start('4ab'), start('4cd'), more('e')), { end: FAIL }];
}

const GOOD_UTF8 = {
    'kosme': 'ceba e1bdb9 cf83 cebc ceb5', 'first of 2 bytes': 'c280', 'first of 3 bytes': 'e0a080',
    'first of 4 bytes': 'f0908080', 'last of 1 byte': '7f', 'last of 2 bytes': 'dfbf', 'last of 3 bytes': 'efbfbf',
    'U+10FFFF': 'f48fbfbf', 'U+D7FF': 'ed9fbf', 'U+E000': 'ee8080', 'U+FFFD': 'efbfbd', 'U+FFFE': 'efbfbe',
    'U+0000': '00', 'a noncharacter': 'f09fbfbe', 'U+FEFF': 'efbbbf',
};

const WRONG_UTF8 = {
    'U+110000': 'f4908080', 'lead f5': 'f5808080', '5 bytes': 'f888808080', '6 bytes': 'fc8480808080',
    'lead fe': 'fe', 'lead ff': 'ff', 'a lone 80': '80', 'a lone bf': 'bf', 'two continuations': '80bf',
    'lead c0 and a space': 'c020', 'lead e0 and a space': 'e020', 'overlong / in 2': 'c0af',
    'overlong / in 3': 'e080af', 'overlong / in 4': 'f08080af', 'overlong U+007F': 'c1bf', 'overlong U+07FF': 'e09fbf',
    'overlong U+FFFF': 'f08fbfbf', 'overlong NUL': 'c080', 'U+D800': 'eda080', 'U+DBFF': 'edafbf',
    'U+DFFF': 'edbfbf', 'a surrogate pair': 'eda080edb080', 'cut short in 2': 'c2', 'cut short in 3': 'e0a0',
    'cut short in 4': 'f09080', 'cut short, then ASCII': 'e282 41', 'kosme with a surrogate': 'cebae1bdb9eda080656469',
};

function* utf8() {
    for (const [name, hex] of Object.entries(GOOD_UTF8)) {
        const data = Buffer.concat([Buffer.from('4'), bytes(hex)]);
        yield [`6 good UTF-8: ${name}`, all(text(data)), { echo: [data.toString()] }];
        yield [`6 good UTF-8 in fragments of a byte: ${name}`,
            all(text('4', { fin: false }), ...[...bytes(hex)].map((b) => more([b], { fin: false })), more('')),
            { echo: [data.toString()] }];
    }
    for (const [name, hex] of Object.entries(WRONG_UTF8)) {
        const data = Buffer.concat([Buffer.from('4'), bytes(hex)]);
        yield [`6 bad UTF-8: ${name}`, all(text(data)), { end: BAD_UTF8 }];
        yield [`6 bad UTF-8 in the last fragment: ${name}`,
            all(text('4ok', { fin: false }), more(bytes(hex))), { end: BAD_UTF8 }];
        yield [`6 fine as binary: ${name}`, all(binary(bytes(hex))), { echo: [bytes(hex)] }];
    }
}

function* closes() {
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
        yield [`7 close ${code}`, all(close(code)), { end: [code, 1000, 1005] }];
    yield ['7 close without a code', all(close()), { end: [1005, 1000] }];
    yield ['7 close with a reason of 123 bytes', all(close(1000, 'r'.repeat(123))), { end: [1000] }];
    yield ['7 close, then a message that nobody answers', all(close(1000), text('4x')), { end: [1000] }];
    yield ['7 close, then a ping that nobody answers', all(close(1000), ping('x')), { end: [1000] }];
    yield ['7 close between fragments', all(text('4a', { fin: false }), close(1000)), { end: [1000] }];
    yield ['7 close with a payload of 126 bytes', all(close(1000, 'r'.repeat(124))), { end: FAIL }];
    yield ['7 close with one byte', all(frame(OP.close, 'x')), { end: FAIL }];
    yield ['7 close with a reason in bad UTF-8', all(close(1000, bytes('cebae1bdb9eda080'))), { end: [1007, 1002, 1006] }];
    for (const code of [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535])
        yield [`7 close with the invalid code ${code}`, all(close(code)), { end: FAIL }];
}

export const cases = [sizes, limits, pings, reserved, fragments, utf8, closes].flatMap((part) => [...part()]);
