// million.mjs - a million sessions that have ended, beside none: what signs in, goes on, asks, ends and starts as fast as before.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/million.mjs [--rows 1000000] [--tries 100]
//
// Three states of one stack: an empty table; so many sessions of whose tokens all are over; as many whose tokens gateways have to
// remember, which is a million logouts within the quarter of an hour that a token lives. Medians of each, in turn; then the plans.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Person, request } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'

const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' }, tries: { type: 'string', default: '100' } } })
const rows = Number(values.rows), tries = Number(values.tries)
const password = 'a heron at the weir'

const stack = await startStack({ env: { MADANG_AUTH_REGISTRATION: 'open', MADANG_LOG_LEVEL: 'warn' } })
const post = (path, body, token) => request(stack, 'POST', `/api/v1/auth/${path}`, { body, token })
const median = list => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]
async function took(work) {
  const began = performance.now()
  const answer = await work()
  return { ms: performance.now() - began, answer }
}
const good = answer => { if (answer.status >= 300) throw new Error(answer.text); return answer.json?.data }
const memory = pid => Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024

async function measure() {
  const times = { login: [], refresh: [], 'token check': [], logout: [], 'socket gone': [] }
  for (let i = 0; i < tries; i++) {
    const login = await took(() => post('login', { email: 'ada@example.org', password }).then(good))
    const refresh = await took(() => post('refresh', { refresh_token: login.answer.refresh_token }).then(good))
    const token = refresh.answer.access_token
    const check = await took(() => request(stack, 'GET', '/api/v1/auth/sessions/none', { token }))
    const person = await new Person(stack, 'ada', token).connects({ transports: ['websocket'], reconnection: false })
    const gone = new Promise(resolve => person.socket.once('disconnect', resolve)), began = performance.now()
    const logout = await took(() => post('logout', undefined, token).then(good))
    await gone
    for (const [name, ms] of Object.entries({ login: login.ms, refresh: refresh.ms, 'token check': check.ms, logout: logout.ms, 'socket gone': performance.now() - began })) times[name].push(ms)
  }
  const figures = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]))
  const start = await took(async () => { await stack.kill('gateway-1'); await stack.ready() })
  return { ...figures, 'gateway start': start.ms, 'gateway MB': memory(stack.pid('gateway-1')), 'auth MB': memory(stack.pid('auth')) }
}

const ended = until => `INSERT INTO trust_change (kind, name, position, ended_at, until, at)
    SELECT 'session', gen_random_uuid(), (SELECT position FROM trust_position) + n, now(), ${until}, now() FROM generate_series(1, ${rows}) n;
  UPDATE trust_position SET position = position + ${rows}; ANALYZE trust_change`
const idle = `INSERT INTO session (id, account_id, secret, created_at, refreshed_at, expires_at, ends_at, methods, authenticated_at)
    SELECT gen_random_uuid(), id, sha256('x'), now(), now() - interval '8 days', now() - interval '1 day', now(), '{pwd}', now()
    FROM generate_series(1, ${rows}) n, LATERAL (SELECT id FROM account WHERE nickname = 'of-old') a; ANALYZE session`

try {
  for (const nickname of ['ada', 'of-old']) good(await post('register', { email: `${nickname}@example.org`, password, nickname }))
  const states = [['none', () => {}], ['over', () => stack.sql('auth', `${idle}; ${ended("now() - interval '1 minute'")}`)], ['within a token\'s life', () => stack.sql('auth', ended("now() + interval '16 minutes'"))]]
  const all = []
  for (const [name, prepare] of states) {
    await prepare()
    all.push([name, await measure()])
  }
  console.log(`${'medians, ms'.padEnd(16)}${all.map(([name]) => name.padStart(22)).join('')}`)
  for (const what of Object.keys(all[0][1]))
    console.log(`${what.padEnd(16)}${all.map(([, figures]) => `${figures[what].toFixed(1)} (${(figures[what] / all[0][1][what]).toFixed(2)})`.padStart(22)).join('')}`)
  const position = Number(await stack.sql('auth', 'SELECT position FROM trust_position'))
  for (const [what, sql] of [
    ['a change is announced', `SELECT max(position), count(*) FROM (SELECT position FROM trust_change WHERE position > ${position - 1} AND (until IS NULL OR until > now()) ORDER BY position LIMIT 1000) p`],
    ['a gateway asks for all', 'SELECT max(position), count(*) FROM (SELECT position FROM trust_change WHERE position > 0 AND (until IS NULL OR until > now()) ORDER BY position LIMIT 1000) p'],
    ['a session goes on', "SELECT counter FROM session WHERE id = '01a00000-0000-7000-8000-000000000000' AND NOT pending FOR UPDATE"],
    ['sessions are swept', "SELECT id FROM session WHERE expires_at < now() ORDER BY expires_at LIMIT 5000"],
  ]) console.log(`\n${what}:\n${await stack.sql('auth', `EXPLAIN (ANALYZE, COSTS off, TIMING off) ${sql}`)}`)
} finally {
  await stack.stop()
}
