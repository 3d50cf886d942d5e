// target.mjs - which server the suites talk to, and who they are there.  All of it from the environment.
// SPDX-License-Identifier: Apache-2.0

const env = process.env;

if (!env.MADANG_URL)
    throw new Error('MADANG_URL is not set, e.g. MADANG_URL=http://127.0.0.1:18080 (see tests/edge/README.md)');

/** The server under test, without a trailing slash. */
export const base = env.MADANG_URL.replace(/\/+$/, '');

/** True when the reference Node server is the target: then its own answers are the right ones. */
export const isReference = env.MADANG_SERVER === 'reference';

/** What to expect where the gateway is deliberately better than the reference. */
export const expected = (ours, reference) => (isReference ? reference : ours);

/** The timings and limits of the conformance configuration. */
export const pingInterval = Number(env.MADANG_PING_INTERVAL ?? 300);
export const pingTimeout = Number(env.MADANG_PING_TIMEOUT ?? 200);
export const connectTimeout = Number(env.MADANG_CONNECT_TIMEOUT ?? 1000);
/** A session without a pong ends after this. */
export const wholeBeat = pingInterval + pingTimeout;
/** Sooner than anything happens by itself: what is over by then was ended for what the test did. */
export const atOnce = wholeBeat * 0.6;
export const maxPayload = Number(env.MADANG_MAX_PAYLOAD ?? 1000000);

/** A token that the secured namespace accepts, and a room its owner is allowed to use. */
export const token = () => env.MADANG_TOKEN;
export const room = () => env.MADANG_ROOM ?? 'room1';

/** An origin on the server's allowlist, and one that is not. */
export const allowedOrigin = env.MADANG_ORIGIN ?? 'https://app.example';
export const foreignOrigin = 'https://evil.example';

/** Where a token is demanded: a base URL and a namespace.  Undefined: not offered by this target. */
export const secured = env.MADANG_AUTH_NSP
    ? { base: env.MADANG_AUTH_URL ?? base, nsp: env.MADANG_AUTH_NSP } : undefined;

/** What tests with a precondition give to node:test as `skip`: false, or the reason. */
export const without = (...names) => {
    const missing = names.filter((name) => !env[name]);
    return missing.length ? `${missing.join(', ')} not set` : false;
};

export const setting = (name) => env[name];

/** PATH?EIO=4&transport=... with more query parameters; an undefined one is left out. */
export function query(path, parameters) {
    const all = Object.entries({ EIO: '4', ...parameters }).filter(([, value]) => value !== undefined);
    return path + '?' + all.map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join('&');
}

/** What is waited for comes at once where nothing else runs; the reference's mutants never bring it. */
export const patience = expected(30000, 5000);

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Nothing tells that a request which is not answered yet has arrived, so it has some time for that. */
export const arrival = () => sleep(pingInterval / 3);

/** The promise's value, or an error that names what was waited for. */
export async function within(ms, what, promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: nothing in ${ms} ms`)), ms);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}
