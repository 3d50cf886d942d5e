// python.test.mjs - runs python_client.py (python3-socketio of Debian) over each transport.
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { base } from './target.mjs';

const script = fileURLToPath(new URL('python_client.py', import.meta.url));
const CASES = ['connects_with_auth', 'emits_with_ack', 'receives_events', 'lives_through_heartbeats',
    'is_refused_an_unknown_namespace', 'reconnects'];

function python(mode) {
    const env = { ...process.env, SSL_CERT_FILE: process.env.NODE_EXTRA_CA_CERTS };
    if (!env.SSL_CERT_FILE) delete env.SSL_CERT_FILE;
    else env.REQUESTS_CA_BUNDLE = env.SSL_CERT_FILE;
    const child = spawn('/usr/bin/python3', ['-B', script, base, mode], { env, timeout: 40000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output += chunk; });
    return new Promise((resolve) => child.on('close', () => resolve(output)));
}

for (const mode of ['polling', 'websocket', 'upgrade'])
    describe(`python3-socketio, ${mode}`, () => {
        let output;
        it('runs', async () => {
            output = await python(mode);
            assert.ok(output.includes('ok '), output);
        });
        for (const name of CASES)
            it(name.replaceAll('_', ' '), () => {
                assert.ok(output.split('\n').includes(`ok ${name}`), output);
            });
    });
