// prove.mjs - proves the suites: they pass on the reference server, and fail on each broken one.
//   node prove.mjs             all suites on the reference, then every mutant
//   node prove.mjs http        one suite and its mutants
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import bcrypt from 'bcryptjs';
import { freePorts } from '../lib/ports.mjs';
import { mutants } from './mutants.mjs';

const here = new URL('.', import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'prove-'));
const only = process.argv[2];

function run(command, args, env = {}) {
    const child = spawn(command, args, { cwd: here, env: { ...process.env, ...env } });
    child.output = '';
    child.stdout.on('data', (chunk) => { child.output += chunk; });
    child.stderr.on('data', (chunk) => { child.output += chunk; });
    child.ended = new Promise((resolve) => child.on('close', resolve));
    return child;
}

async function says(child, words) {
    for (let i = 0; i < 500 && child.exitCode === null; i++) {
        if (child.output.includes(words)) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${child.spawnfile} does not start: ${child.output}`);
}

const redisPort = await freePorts();
const REDIS_URL = `redis://127.0.0.1:${redisPort}`;
const redis = run('redis-server', ['--port', `${redisPort}`, '--bind', '127.0.0.1', '--save', '', '--dir', scratch]);
await says(redis, 'Ready to accept');

const port = await freePorts();
const server = { PORT: `${port}`, REDIS_URL, ADMIN_HASH: bcrypt.hashSync('admin-password', 4) };
const suites = {
    MADANG_URL: `http://127.0.0.1:${port}`, MADANG_SERVER: 'reference', MADANG_REQUEST_TIMEOUT: '2000', REDIS_URL,
    MADANG_AUTH_NSP: '/chat', MADANG_TOKEN: 'secret', MADANG_REFUSED_CODE: 'unauthenticated',
    MADANG_MSGPACK_PATH: '/msgpack/', MADANG_ADMIN_USER: 'admin', MADANG_ADMIN_PASSWORD: 'admin-password',
};

/** The TAP of one suite against the reference, broken or not. */
async function tap(suite, MUTANT = '') {
    const reference = run('node', ['reference.mjs'], { ...server, MUTANT });
    await says(reference, `${port}`);
    const tests = run('node', ['--test', '--test-reporter=tap', `${suite}.test.mjs`], suites);
    const tooLong = setTimeout(() => tests.kill(), 60000);
    await tests.ended;
    clearTimeout(tooLong);
    reference.kill();
    await reference.ended;
    return tests.output;
}

const count = (output, what) => Number(new RegExp(`^# ${what} (\\d+)`, 'm').exec(output)?.[1] ?? 0);
const failures = (output) => output.split('\n').filter((line) => /^ *not ok/.test(line));
let wrong = 0;

const names = readdirSync(here).filter((f) => f.endsWith('.test.mjs')).map((f) => f.slice(0, -9));
for (const suite of names.filter((name) => !only || name === only)) {
    const output = await tap(suite);
    const [pass, fail, skipped] = ['pass', 'fail', 'skipped'].map((what) => count(output, what));
    console.log(`${fail || !pass ? 'WRONG' : 'ok'}    ${suite}: ${pass} passed, ${fail} failed, ${skipped} skipped`);
    if (fail || !pass) {
        wrong++;
        console.log(failures(output).join('\n'));
    }
}
for (const [name, { suite, caught }] of Object.entries(mutants).filter(([, m]) => !only || m.suite === only)) {
    const failed = failures(await tap(suite, name));
    const noticed = failed.some((line) => line.includes(caught));
    console.log(`${noticed ? 'caught' : 'MISSED'} ${name}: ${failed.length} failures in ${suite}`);
    if (!noticed) wrong++;
}

redis.kill();
await redis.ended;
rmSync(scratch, { recursive: true });
process.exitCode = wrong ? 1 : 0;
