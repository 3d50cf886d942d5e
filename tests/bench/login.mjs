// login.mjs - logins in a second, beside what bcrypt alone does on this machine; how alike in time refusals are; what a flood of logins
// costs messages; tokens in a second.
// SPDX-License-Identifier: Apache-2.0
//
//     node tests/bench/login.mjs [--cost 12] [--seconds 10] [--tries 100]
//
// Both use as many threads as there are cores. Refusals come in turn, each for an account of its own: one that there is none of, one
// with another password, one that is disabled, each of the three first, second and third as often. The exit code is 1 if their medians
// differ by more than a tenth. A lone sender's messages are timed in turns of a second, with nobody who signs in and with 24 who do.
import { execFileSync } from 'node:child_process'
import https from 'node:https'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { bin, startStack } from '../lib/stack.mjs'
import { Person, request, tokenFor } from '../lib/people.mjs'

const { values } = parseArgs({ options: { cost: { type: 'string', default: '12' }, seconds: { type: 'string', default: '10' }, tries: { type: 'string', default: '100' } } })
const cores = availableParallelism(), seconds = Number(values.seconds), tries = Number(values.tries)
const password = 'correct horse battery'

const hashes = Number(execFileSync(join(dirname(bin), 'bench/hash_cost'), [values.cost, String(cores), String(seconds)], { encoding: 'utf8' }))
const stack = await startStack({ env: { MADANG_AUTH_PASSWORD_COST: values.cost, MADANG_AUTH_BLOCKING_THREADS: String(cores), MADANG_LOG_LEVEL: 'warn', MADANG_CALL_BUDGET_MS: '60000' } })
const agent = new https.Agent({ ca: stack.ca, keepAlive: true })

function login(email, secret = password) {
  const body = JSON.stringify({ email, password: secret })
  return new Promise((resolve, reject) => {
    const req = https.request(`${stack.url}/api/v1/auth/login`, { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } },
      res => { res.resume(); res.on('end', () => resolve(res.statusCode)) })
    req.on('error', reject)
    req.end(body)
  })
}

async function measureRate() {
  const until = performance.now() + seconds * 1000
  let done = 0
  await Promise.all(Array.from({ length: 2 * cores }, async (_, i) => {
    while (performance.now() < until) {
      const status = await login(`good${i}@example.org`)
      if (status !== 200) throw new Error(`a login was answered ${status}`)
      done++
    }
  }))
  return done / seconds
}

const median = list => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]

async function measureRefusals() {
  const ways = { unknown: i => login(`nobody${i}@example.org`), wrong: i => login(`good${100 + i}@example.org`, 'another password here'), disabled: i => login(`off${i}@example.org`) }
  const took = { unknown: [], wrong: [], disabled: [] }
  const turn = Object.entries(ways)
  for (let i = 0; i < tries; i++, turn.push(turn.shift()))
    for (const [way, attempt] of turn) {
      const began = performance.now()
      const status = await attempt(i)
      took[way].push(performance.now() - began)
      if (status !== 401) throw new Error(`${way} was answered ${status}`)
    }
  return Object.fromEntries(Object.entries(took).map(([way, list]) => [way, median(list)]))
}

/** How long messages of a lone sender took in a while. */
async function say(person, room, ms) {
  const took = [], end = performance.now() + ms
  while (performance.now() < end) {
    const began = performance.now()
    await person.says(room, 'how long does this take?')
    took.push(performance.now() - began)
  }
  return took
}

async function measureFlood(key) {
  const person = await Person.arrives(stack, key, 'talker'), { id: room } = await person.makesRoom()
  const alone = [], beside = []
  let turns = Math.max(3, seconds / 2), flooding
  await say(person, room, 500)
  while (turns-- > 0) {
    alone.push(...await say(person, room, 1000))
    flooding = true
    const flood = Promise.all(Array.from({ length: 24 }, async (_, i) => { while (flooding) await login(`flood${i}@example.org`) }))
    beside.push(...await say(person, room, 1000))
    flooding = false
    await flood
  }
  person.leaves()
  return { alone, beside }
}

/** Of 16 who ask at a time. */
async function measureTokens(key) {
  const end = performance.now() + seconds * 1000
  let got = 0
  await Promise.all(Array.from({ length: 16 }, async (_, i) => {
    while (performance.now() < end) { await tokenFor(stack, key, `somebody-${i}`); got++ }
  }))
  return got / seconds
}

const at = (list, part) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))]

try {
  await request(stack, 'POST', '/api/v1/auth/register', { body: { email: 'first@example.org', password, nickname: 'first' } })
  await stack.sql('auth', `INSERT INTO account (id, email, email_key, nickname, nickname_key, password, state, created_at, changed_at)
    SELECT gen_random_uuid(), kind || n || '@example.org', kind || n || '@example.org', kind || n, kind || n, password,
      CASE kind WHEN 'off' THEN 'disabled' ELSE 'active' END, now(), now()
    FROM account, generate_series(0, ${100 + tries}) n, unnest(ARRAY['good', 'off']) kind WHERE nickname = 'first'`)
  const logins = await measureRate()
  console.log(`bcrypt alone, cost ${values.cost}, ${cores} threads  ${hashes.toFixed(1)} hashes/s`)
  console.log(`logins                          ${logins.toFixed(1)} /s, ${(100 * logins / hashes).toFixed(0)} % of it: ${logins >= 0.9 * hashes ? 'as wanted, 90 % or more' : 'less than the 90 % that are wanted'}`)
  const refusals = await measureRefusals()
  const [least, most] = [Math.min(...Object.values(refusals)), Math.max(...Object.values(refusals))]
  console.log(`refusals, medians of ${tries}         ${Object.entries(refusals).map(([way, ms]) => `${way} ${ms.toFixed(1)} ms`).join(', ')}`)
  console.log(`                                the slowest is ${(most / least).toFixed(2)} x the fastest: ${most > 1.1 * least ? 'they can be told apart' : 'alike, within a tenth'}`)
  if (most > 1.1 * least) process.exitCode = 1
  const key = await stack.issueKey(), { alone, beside } = await measureFlood(key)
  const ratio = part => `${at(alone, part).toFixed(1)} -> ${at(beside, part).toFixed(1)} ms (${(at(beside, part) / at(alone, part)).toFixed(2)})`
  console.log(`messages beside a flood         median ${ratio(0.5)}, 99 % ${ratio(0.99)}`)
  console.log(`POST /auth/token                ${(await measureTokens(key)).toFixed(0)} /s, a connection for each`)
} finally {
  agent.destroy()
  await stack.stop()
}
