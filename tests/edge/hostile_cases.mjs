// hostile_cases.mjs - the table of hostile input and its documented answers.  `node hostile_cases.mjs` prints it for
// the docs (MADANG_URL has to be set to anything).
// SPDX-License-Identifier: Apache-2.0

import { pathToFileURL } from 'node:url';
import { http, polled, posted, socketio, websocket } from './hostile_attacks.mjs';
import { binary, frame, more, ping, pong, text } from './frames.mjs';
import { query } from './target.mjs';
import { request } from './wire.mjs';

/*
 * A row: [what is sent, the gateway's answers, the reference's answers (absent: the same), the attack].
 * An answer: a status with the JSON error code if it has one, `close N` (a WebSocket's close code; 1005: empty),
 * `dropped` (the connection, without a word), `ok` (taken, and the attacker's connection still works),
 * `late` (no answer at all).
 */
const eio = (parameters) => query('/engine.io/', { transport: 'polling', ...parameters });
const REFUSED = ['close 1002', 'close 1008'];
const EMPTY_CLOSE = ['close 1005'];
const BAD_REQUEST = ['400', 'dropped'];
const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));

const requests = [
    ['EIO=3', ['400 code 5'], , http(request('GET', eio({ EIO: '3' })))],
    ['no query at all', ['400 code 0'], , http(request('GET', '/engine.io/'))],
    ['an unknown sid', ['400 code 1'], , http(request('GET', eio({ sid: 'A'.repeat(20) })))],
    ['a TLS hello on a plain port', BAD_REQUEST, , http(Buffer.from('16030100ff010000fb0303' + '00'.repeat(250), 'hex'))],
    ['bytes that are not HTTP', BAD_REQUEST, , http('\x00\x01\x02\xff nothing like it\r\n\r\n')],
    ['a request line without a version', [...BAD_REQUEST, '400 code 0'], , http('GET /engine.io/\r\n\r\n')],
    ['a header without a colon', BAD_REQUEST, , http(`GET ${eio()} HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n`)],
    ['a NUL in a header', BAD_REQUEST, , http(request('GET', eio(), { 'X-A': 'a\0b' }))],
    ['a negative Content-Length', BAD_REQUEST, , http(request('POST', eio(), { 'Content-Length': '-1' }))],
    ['a Content-Length that is no number', BAD_REQUEST, , http(request('POST', eio(), { 'Content-Length': '3x' }) + 'abc')],
    ['two Content-Lengths that differ', BAD_REQUEST, ,
        http(request('POST', eio(), { 'Content-Length': '3', 'content-length': '4' }) + 'abcd')],
    ['Content-Length beside chunks', BAD_REQUEST, ,
        http(request('POST', eio(), { 'Content-Length': '4', 'Transfer-Encoding': 'chunked' }) + '0\r\n\r\n')],
];

const posts = [
    ['a POST that announces 10 GB', ['413'], ['late'],
        posted((sid) => request('POST', eio({ sid }), { 'Content-Length': String(1e10) }))],
    ['a POST of a wrong type digit', ['400', 'dropped'], ['200', '400', 'dropped'],
        posted((sid) => request('POST', eio({ sid }), {}, 'x'))],
    ['a POST of 100,000 empty packets', ['400', 'dropped'], ['200', '400', 'dropped'],
        posted((sid) => request('POST', eio({ sid }), {}, '\x1e'.repeat(100000)))],
    ['a POST that is not UTF-8', ['400', 'dropped'], ['200'],
        posted((sid) => Buffer.concat([Buffer.from(request('POST', eio({ sid }), { 'Content-Length': 3 })), Buffer.from([0x34, 0xff, 0xfe])]))],
    ['a POST of base64 that is none', ['400', 'dropped'], ['200'],
        posted((sid) => request('POST', eio({ sid }), {}, 'b!!!!'))],
    ['30,000 events with ten empty attachments each', ['200'], ['200', '400'],
        polled(times(30000, () => `4510-["a"]${'\x1eb'.repeat(10)}`).join('\x1e'))],
    ['chunks whose size is no number', BAD_REQUEST, ['400', 'dropped', '200'],
        posted((sid) => request('POST', eio({ sid }), { 'Transfer-Encoding': 'chunked' }) + 'zz\r\n4x\r\n0\r\n\r\n')],
];

const frames = [
    ['an unmasked frame', ['close 1002'], , websocket(text('4x', { mask: false }))],
    ['a reserved opcode', ['close 1002'], , websocket(frame(3, 'x'))],
    ['a reserved bit', ['close 1002'], , websocket(text('4x', { rsv: 4 }))],
    ['an unknown packet type', REFUSED, EMPTY_CLOSE, websocket(text('xyz'))],
    ['text that is not UTF-8', ['close 1007'], , websocket(text([0x34, 0xff]))],
    ['a message of one byte too many', ['close 1009'], , websocket(binary(Buffer.alloc(1000001)))],
    ['fragments that together are too many bytes', ['close 1009'], ,
        websocket(binary('x', { fin: false }), ...times(1100, () => more(Buffer.alloc(1000), { fin: false })))],
    ['a frame that claims 2^62 bytes', ['close 1009', 'close 1002'], , websocket(binary('x', { claim: 2 ** 62 }))],
    ['a flood of 5,000 pings', ['ok'], , websocket(...times(5000, () => ping('x')))],
    ['a flood of 5,000 pongs', ['ok'], , websocket(...times(5000, () => pong('x')))],
    ['a flood of 5,000 Engine.IO pongs', ['ok'], , websocket(...times(5000, () => text('3')))],
    ['an Engine.IO ping', REFUSED, EMPTY_CLOSE, websocket(text('2'))],
    ['10,000 fragments of one byte', ['ok'], , websocket(text('4', { fin: false }),
        ...times(10000, () => more('x', { fin: false })), more(''))],
    ['10,000 empty fragments', ['ok', ...REFUSED], , websocket(text('4', { fin: false }),
        ...times(10000, () => more('', { fin: false })), more(''))],
];

const PLACEHOLDER = '{"_placeholder":true,"num":0}';
const packets = [
    ['JSON cut short', REFUSED, EMPTY_CLOSE, socketio('42["a",{')],
    ['JSON with a trailing comma', REFUSED, EMPTY_CLOSE, socketio('42["a",]')],
    ['JSON 100,000 levels deep', REFUSED, ['ok'], socketio('42["nobody",' + '['.repeat(1e5) + ']'.repeat(1e5) + ']')],
    ['JSON 100,000 levels deep, never closed', REFUSED, EMPTY_CLOSE, socketio('42["nobody",' + '['.repeat(1e5))],
    ['an event with 100,000 arguments', ['ok', ...REFUSED], ['its process dies'],
        socketio('42["nobody"' + ',{}'.repeat(1e5) + ']')],
    ['an argument of 100,000 empty objects', ['ok', ...REFUSED], ['ok'],
        socketio('42["nobody",[0' + ',{}'.repeat(1e5) + ']]')],
    ['a number of 100,000 digits', ['ok', ...REFUSED], ['ok'], socketio('42["nobody",' + '9'.repeat(1e5) + ']')],
    ['an event name of 100,000 letters', ['ok', ...REFUSED], ['ok'], socketio(`42["${'n'.repeat(1e5)}"]`)],
    ['an ack id beyond 2^53', REFUSED, ['ok'], socketio('42' + '9'.repeat(20) + '["nobody"]')],
    ['an ack id of 100,000 digits', REFUSED, ['ok'], socketio('42' + '9'.repeat(1e5) + '["nobody"]')],
    ['a namespace of 100,000 letters', ['ok', ...REFUSED], ['ok'], socketio('40/' + 'n'.repeat(1e5))],
    ['30 unknown namespaces', ['ok'], , socketio(...times(30, (i) => `40/x${i},`))],
    ['2,000 unknown namespaces', REFUSED, ['ok'], socketio(...times(2000, (i) => `40/x${i},`))],
    ['500 connects and disconnects', ['ok'], EMPTY_CLOSE,
        socketio(...times(500, () => ['40/custom,', '41/custom,']).flat())],
    ['eleven attachments', REFUSED, EMPTY_CLOSE, socketio(`4511-["a",${PLACEHOLDER}]`)],
    ['4 billion attachments', REFUSED, EMPTY_CLOSE, socketio(`454294967296-["a",${PLACEHOLDER}]`)],
    ['an attachment count of 100,000 digits', REFUSED, EMPTY_CLOSE, socketio(`45${'9'.repeat(1e5)}-["a"]`)],
    ['attachments that nobody announced', REFUSED, EMPTY_CLOSE, socketio(...times(50, () => Buffer.from('x')))],
    ['more attachments than announced', REFUSED, EMPTY_CLOSE,
        socketio(`451-["nobody",${PLACEHOLDER}]`, ...times(50, () => Buffer.from('x')))],
    ['a placeholder out of range', REFUSED, EMPTY_CLOSE,
        socketio('451-["nobody",{"_placeholder":true,"num":7}]', Buffer.from('x'))],
    ['a CONNECT_ERROR from a client', REFUSED, EMPTY_CLOSE, socketio('44"x"')],
    ['100 acknowledgements nobody waits for', ['ok'], , socketio(...times(100, (i) => `43${i}["x"]`))],
    ['keys named __proto__', ['ok'], , socketio('42["nobody",{"__proto__":{"x":1},"constructor":null}]')],
    ['lone surrogates as escapes', ['ok'], , socketio('42["nobody","\\ud800"]', '42["\\ud800"]', '421["\\udc00",{"\\udfff":1}]')],
    ['a NUL as an escape', ['ok'], , socketio('42["nobody","\\u0000"]', '42["\\u0000"]')],
    ['keys given twice', ['ok'], , socketio('42["nobody",{"a":1,"\\u0061":2}]')],
    ['one key 100,000 times', ['ok', ...REFUSED], , socketio('42["nobody",{"a":1' + ',"a":1'.repeat(1e5) + '}]')],
    ['70,000 keys', ['ok', ...REFUSED], , socketio('42["nobody",{' + times(7e4, (i) => `"k${i}":1`).join() + '}]')],
    ['numbers beyond a double', ['ok'], , socketio('42["nobody",1e999,-1e999,1e-999]', '42[1e3]')],
];

/** [group, rows]: what hostile.test.mjs runs. */
export const groups = [
    ['HTTP requests', requests], ['polling bodies', posts], ['WebSocket frames', frames], ['Socket.IO packets', packets],
];

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
    console.log('| sent | the gateway | the reference |\n|---|---|---|');
    for (const [, rows] of groups)
        for (const [name, ours, reference] of rows)
            console.log(`| ${name} | ${ours.join(' or ')} | ${(reference ?? ours).join(' or ')} |`);
}
