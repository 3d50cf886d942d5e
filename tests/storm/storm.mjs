// storm.mjs - random kills and stops of every process under senders that retry and listeners that recover.
//
// Entries of every kind that a client makes are sent. What was acknowledged is compared with the log and with what every listener heard,
// entry by entry, and the messages as they are read then with what the log makes of them; what the spared
// processes hold in memory and descriptors is compared before and after. Nobody may die but those who were killed.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import parser from 'socket.io-msgpack-parser'
import { Person } from '../lib/people.mjs'
import { startStack } from '../lib/stack.mjs'
import { foldLog, inOrder, shownTo } from '../lib/log_fold.mjs'
import { pause, until } from '../lib/wait.mjs'

const run = promisify(execFile)

/** Codes that a sender answers with a repeat; any other refusal is a finding. */
const REPEATABLE = new Set(['unavailable', 'overloaded', 'deadline', 'shutting_down'])
const CALM_MS = 60000
const SETTLED_MS = 5000 // after its start a process dies of nothing but us: before, a database may be missing
const ABSENT = 600      // members of the large room who are never there
const MSGPACK = '/msgpack/'
/** A worker of a service connects to the database when it is first asked, which for some is during the storm. */
const LATE_CONNECTIONS = 4

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
function randomFrom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** One deed at a time, each repeated until it is acknowledged: the order within a lane is the order in the log. */
class Lane {
  constructor(person, rooms, name, random) {
    Object.assign(this, { person, rooms, name, random, acknowledged: [], repeats: 0, findings: [], talking: true, own: new Map(rooms.map(room => [room, []])) })
    this.done = this.talk()
  }

  /** What may be done to a message of the lane's own that is there, as nobody else does anything to it: so it is never refused. */
  deedTo(message, i) {
    const dice = this.random()
    if (dice < 0.4 && message.edits++ < 50) return ['message:edit', { body: `${this.name} corrects ${i}` }]
    if (dice < 0.65) return [(message.liked = !message.liked) ? 'reaction:add' : 'reaction:remove', { emoji: '👍' }]
    if (dice < 0.9) return [(message.pinned = !message.pinned) ? 'pin:add' : 'pin:remove', {}]
    message.gone = true
    return ['message:delete', {}]
  }

  deed(room, i) {
    const own = this.own.get(room).filter(message => !message.gone).slice(-5), id = `${this.name}-${i}`.padEnd(8, '.')
    const about = own[Math.floor(this.random() * own.length)]
    if (!about || this.random() < 0.5)
      return ['message:send', { room, id, body: `${this.name} says ${i}`, ...(about && !about.thread && this.random() < 0.3 ? { thread: about.seq } : {}) }]
    const [event, more] = this.deedTo(about, i)
    return [event, { room, id, seq: about.seq, ...more }]
  }

  async talk() {
    for (let i = 0; this.talking; i++) {
      const room = this.rooms[Math.floor(this.random() * this.rooms.length)]
      const [event, args] = this.deed(room, i), seq = await this.send(event, args)
      if (seq !== undefined) this.acknowledged.push({ event, room, id: args.id, seq })
      if (seq !== undefined && event === 'message:send') this.own.get(room).push({ seq, thread: args.thread, edits: 0 })
      await pause(this.random() * 8)
    }
  }

  async send(event, args) {
    for (const end = Date.now() + CALM_MS * 2; Date.now() < end; this.repeats++) {
      const answer = await this.person.socket.timeout(2000).emitWithAck(event, args).catch(() => undefined)
      if (answer?.seq) return answer.seq
      if (answer?.error && !REPEATABLE.has(answer.error.code)) {
        this.findings.push(`${event} ${args.id} was refused: ${JSON.stringify(answer.error)}`)
        return undefined
      }
      await pause(20 + this.random() * 80)
    }
    this.findings.push(`${event} ${args.id} was never acknowledged`)
    return undefined
  }

  stop() {
    this.talking = false
    return this.done
  }
}

/**
 * Joins every room: again with what it has whenever a connection is not taken up, and where a join was not answered before
 * it was lost. Notes what comes out of order.
 */
class Listener {
  constructor(person, rooms) {
    Object.assign(this, { person, rooms, findings: [], taken_up: 0, begun_anew: 0, connection: 0, joined: new Set() })
    this.heard = new Map(rooms.map(room => [room, []]))
    for (const event of ['message', 'entry']) person.socket.on(event, entry => this.take(entry))
    // The client keeps what it had read of a connection and not handed over when that was lost, and hands it over with the
    // next one, though it brings an offset that knows nothing of it: a listener would hear that twice.
    person.socket.on('disconnect', () => setTimeout(() => { person.socket.receiveBuffer = [] }, 0))
    person.socket.on('connect', () => {
      this.connection++
      if (person.socket.recovered) {
        this.taken_up++
      } else {
        this.begun_anew++
        this.joined.clear()
      }
      this.joinAll()
    })
  }

  take(message) {
    const heard = this.heard.get(message.room)
    if (message.seq !== heard.length + 1) {
      this.findings.push(`${this.person.name} heard ${message.seq} of ${message.room} after ${heard.length}`)
      return
    }
    heard.push(message)
  }

  joinAll() {
    return Promise.all(this.rooms.filter(room => !this.joined.has(room)).map(room => this.join(room, this.connection)))
  }

  /** Until it is joined, or the connection is another one, which joins for itself. */
  async join(room, connection) {
    while (this.connection === connection && this.person.socket.active) {
      const since = this.heard.get(room).length
      const answer = await this.person.socket.timeout(5000).emitWithAck('room:join', { room, since }).catch(() => undefined)
      if (answer && !answer.error) {
        this.joined.add(room)
        return
      }
      if (answer?.error && !REPEATABLE.has(answer.error.code)) {
        this.findings.push(`${this.person.name} may not join ${room}: ${JSON.stringify(answer.error)}`)
        return
      }
      await pause(50)
    }
  }
}

async function recovers(stack, acknowledged) {
  await until('all is ready again', () => stack.ready().then(() => true, () => false), CALM_MS * 2)
  const calm = acknowledged()
  await until('messages flow again', () => acknowledged() > calm + 100, CALM_MS)
}

const late = name => name.startsWith('gateway') ? 0 : LATE_CONNECTIONS

/** What a process holds now, as it says itself: nobody else of its user may look at its descriptors. */
async function holdings(stack, name) {
  const address = readFileSync(`${stack.dir}/env/${name}/MADANG_${name.split('-')[0].toUpperCase()}_HEALTH`, 'utf8').trim()
  const { stdout: text } = await run('curl', ['-fsS', `http://${address}/metrics`])
  const value = metric => Number(new RegExp(`^${metric} (\\S+)$`, 'm').exec(text)[1])
  return { pid: stack.pid(name), resident: value('process_resident_memory_bytes'), descriptors: value('process_open_fds') }
}

/** Notices processes that are others than before, and not because of us. */
class Roll {
  #seen = new Map() // name -> { pid, since }
  #excused = new Set()

  constructor(stack, names) { Object.assign(this, { stack, names: [...new Set(names)], deaths: [] }) }

  /** How often it ended itself, as it should: a chat that cannot reach the database for long may not answer for its rooms. */
  givenUp(name) { return (this.stack.log(name).match(/"claim\.lost"/g) ?? []).length }

  /** Deaths that neither we nor the process itself stand for; asked at the end, for a log may be behind. */
  get findings() {
    return this.names.flatMap(name => this.deaths.filter(death => death.name === name).slice(this.givenUp(name))).map(({ text }) => text)
  }

  pid(name) { try { return this.stack.pid(name) } catch { return 0 } }

  call() {
    for (const name of this.names) {
      const pid = this.pid(name)
      const before = this.#seen.get(name)
      if (before?.pid === pid) continue
      const age = before ? Date.now() - before.since : 0
      if (age > SETTLED_MS && !this.#excused.has(before.pid)) this.deaths.push({ name, text: `${name} died, and nobody killed it (it was ${before.pid}, for ${age} ms)` })
      if (pid) this.#seen.set(name, { pid, since: Date.now() }); else this.#seen.delete(name)
    }
  }

  /** It goes now, or when it has finished what it is about; the next one is another. */
  excuse(pid) { this.#excused.add(pid) }
}

/** What happens next: mostly short stops and kills; now and then a stop beyond the peers' patience, which is 10 s. */
function lot(name, random, { isSpared, patient }) {
  const dice = isSpared ? 0.65 + random() * 0.35 : random()
  if (dice < 0.5) return { what: 'kill', signal: 'SIGKILL' }
  if (dice < 0.65) return { what: 'end', signal: name === 'postgres' ? 'SIGINT' : 'SIGTERM' } // which would wait for our connections
  if (dice > 0.96 && patient) return { what: 'long_stop', signal: 'SIGSTOP', ms: 11000 + random() * 2000 }
  return { what: 'stop', signal: 'SIGSTOP', ms: 100 + random() * 2400 }
}

/** Resolves when it is over: a stopped process goes on after its time. */
async function strike(roll, name, { what, signal, ms }, done) {
  const pid = roll.pid(name)
  if (!pid) return
  try {
    if (signal !== 'SIGSTOP') roll.excuse(pid)
    process.kill(pid, signal)
    done[what]++
    if (signal !== 'SIGSTOP') return
    await pause(ms)
    process.kill(pid, 'SIGCONT')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** Kills, ends and stops one process after the other, now and then two at once, and cuts connections, until the time is over. */
async function blow({ roll, victims, spared, listeners, seconds, random, log }) {
  const done = { kill: 0, end: 0, stop: 0, long_stop: 0, at_once: 0, cut: 0 }
  const standing = new Map() // name -> until it goes on
  const oneOf = list => list[Math.floor(random() * list.length)]
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    const names = random() < 0.2 ? [...new Set([oneOf(victims), oneOf(victims)])] : [oneOf(victims)]
    const patient = end - Date.now() > 15000
    const lots = names.map(name => [name, lot(name, random, { isSpared: spared.has(name), patient })]).filter(([name]) => !standing.has(name))
    if (lots.length > 1) done.at_once++
    log(lots.map(([name, { what }]) => `${what} ${name}`).join(' and '))
    await Promise.all(lots.map(([name, fate]) => {
      const over = strike(roll, name, fate, done)
      if (fate.what !== 'long_stop') return over
      standing.set(name, over.then(() => standing.delete(name)))
      return undefined // the others go on meanwhile
    }))
    for (let i = 0; i < 2; i++) {
      await pause(50 + random() * 950)
      const { io } = oneOf(listeners).person.socket
      io.engine.close() // it comes back by itself, and has missed something
      done.cut++
      await pause(random() * 200)
      if (random() < 0.5 && io._readyState === 'open') {
        io.engine.close() // perhaps while it is taken up
        done.cut++
      }
    }
    roll.call()
  }
  await Promise.all(standing.values())
  return done
}

/** The whole log of a room, as it is on disk. */
async function logOf(stack, room) {
  const log = []
  for (let page = [{}]; page.length > 0; log.push(...page))
    page = JSON.parse(await stack.sql('store', `SELECT coalesce(json_agg(e ORDER BY e.seq), '[]') FROM (SELECT * FROM (
      SELECT room_id AS room, seq, id, sender, body, (extract(epoch FROM at) * 1000)::bigint AS at, kind, NULL::bigint AS target, thread FROM message UNION ALL
      SELECT room_id, seq, id, sender, body, (extract(epoch FROM at) * 1000)::bigint, kind, target, NULL FROM change) all_of
      WHERE room = '${room}' AND seq > ${log.length ? log.at(-1).seq : 0} ORDER BY seq LIMIT 1000) e`))
  return log
}

/** Messages as they are read are what the log makes of them. */
function compareViews(room, log, views) {
  const made = shownTo('host', foldLog(log.map(entry => Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null)))))
  const plain = list => list.map(each => JSON.stringify(Object.entries(each).filter(([, value]) => value !== 0 && value !== null).sort()))
  const [read, expected] = [plain(views.map(inOrder)), plain(made)]
  if (read.length !== expected.length) return [`${read.length} messages of ${room} are read, of ${expected.length}`]
  return read.flatMap((view, i) => view === expected[i] ? [] : [`${room} ${views[i].seq} is read as ${view}, and the log makes of it ${expected[i]}`])
}

function compare({ rooms, histories, lanes, listeners }) {
  const findings = [...lanes, ...listeners].flatMap(each => each.findings)
  for (const room of rooms) {
    const history = histories.get(room)
    const ids = new Set(history.map(entry => `${entry.target > 0} ${entry.id}`))
    const deleted = new Set(history.filter(({ kind }) => kind === 'message:delete').map(({ target }) => target)) // heard with its text, or later without
    history.forEach((message, i) => { if (message.seq !== i + 1) findings.push(`${room} has ${message.seq} at place ${i + 1}`) })
    if (ids.size !== history.length) findings.push(`${room} has ${history.length - ids.size} messages twice`)
    for (const { person, heard } of listeners) {
      const own = heard.get(room)
      if (own.length !== history.length) findings.push(`${person.name} heard ${own.length} of ${history.length} in ${room}`)
      own.forEach((message, i) => {
        for (const field of ['id', 'sender', 'body', 'at', 'kind', 'target', 'thread'])
          if ((message[field] || null) !== (history[i]?.[field] || null) && !(field === 'body' && deleted.has(message.target || message.seq))) findings.push(`${person.name} heard another ${field} of ${room} ${message.seq}`)
      })
    }
  }
  for (const lane of lanes) {
    const last = new Map()
    for (const { event, room, id, seq } of lane.acknowledged) {
      const stored = histories.get(room)[seq - 1]
      if (stored?.id !== id || (stored?.kind ?? 'message:send') !== event) findings.push(`${id} was acknowledged as ${seq} of ${room}, where ${stored?.id} is`)
      if (seq <= (last.get(room) ?? 0)) findings.push(`${id} came before the one that ${lane.name} sent before it`)
      last.set(room, seq)
    }
  }
  return findings
}

/** A room of many more than are there: chat has to read them again after each death. */
async function enlarge(host, room) {
  const names = Array.from({ length: ABSENT }, (_, i) => `absent-${i}`)
  for (let i = 0; i < ABSENT; i += 50) {
    const answer = await host.rest('POST', `/api/v1/rooms/${room}/members`, { members: names.slice(i, i + 50) })
    if (answer.status !== 200 && answer.status !== 201) throw new Error(`no large room: ${answer.text}`)
  }
}

/**
 * One storm.
 * @returns counts of what happened, `findings` (sentences; none is what should be) and `held`: what each spared process
 *   held before and after.
 */
export async function storm({ seconds, seed, gateways = 2, rooms: roomCount = 3, people = 4, lanes: laneCount = 2, log = () => {} }) {
  const random = randomFrom(seed) // what happens to whom; the senders have numbers of their own, or it would depend on their pace
  const edges = Array.from({ length: gateways }, (_, i) => `gateway-${i + 1}`)
  const services = ['auth', 'chat', 'store', 'share']
  const victims = [...edges, ...edges, ...services, 'chat', 'store', 'postgres', 'redis']  // what messages go through dies most often
  const oneOf = list => list[Math.floor(random() * list.length)]
  const spared = new Set([oneOf(edges), oneOf(services)])
  const stack = await startStack({ gateways, env: { MADANG_GATEWAY_MSGPACK_PATH: MSGPACK } })
  const roll = new Roll(stack, victims)
  try {
    const key = await stack.issueKey()

    const kinds = [{ transports: ['websocket'] }, { transports: ['polling'] }, { transports: ['polling', 'websocket'] }, { path: MSGPACK, parser }]
    const arrive = (kind, i) => Person.arrives(stack, key, `${kind}-${i}`, kinds[i % kinds.length])
    const host = await Person.arrives(stack, key, 'host')
    const rooms = []
    for (let i = 0; i < roomCount; i++) rooms.push((await host.makesRoom()).id)
    await enlarge(host, rooms[0])
    const quiet = await Promise.all([...spared].map(name => holdingsAtRest(stack, name)))
    const senders = await Promise.all(Array.from({ length: people }, (_, i) => arrive('sender', i)))
    for (const person of senders) for (const room of rooms) await person.calls('room:join', { room })
    for (const { name } of senders) for (const room of rooms) await host.calls('member:role', { room, member: name, role: 'moderator' }) // who pins
    host.leaves()
    const listeners = []
    for (let i = 0; i < people; i++) {
      const listener = new Listener(await arrive('listener', i), rooms)
      await listener.joinAll()
      listeners.push(listener)
    }

    const lanes = senders.flatMap((person, i) => Array.from({ length: laneCount }, (_, n) => new Lane(person, rooms, `${seed}-${i}-${n}`, randomFrom(seed ^ (i << 8 | n + 1)))))
    const acknowledged = () => lanes.reduce((sum, lane) => sum + lane.acknowledged.length, 0)
    await until('messages flow', () => acknowledged() > 100, CALM_MS)
    const before = {}
    for (const [i, name] of [...spared].entries()) {
      before[name] = await holdings(stack, name)
      if (edges.includes(name)) before[name].descriptors = quiet[i].descriptors // clients have some, too
    }

    const blown = await blow({ roll, victims, spared, listeners, seconds, random, log })
    const calm = await recovers(stack, acknowledged).then(() => [], error => [error.message])
    await Promise.all(lanes.map(lane => lane.stop()))

    const reader = await Person.arrives(stack, key, 'host')
    const histories = new Map()
    for (const room of rooms) histories.set(room, await until(`the log of ${room} is read`, () => logOf(stack, room).catch(() => undefined), CALM_MS))
    const views = new Map()
    for (const room of rooms) views.set(room, await until(`the messages of ${room} are read`, () => reader.reads(room).catch(() => undefined), CALM_MS))
    const isHeard = listener => rooms.every(room => listener.heard.get(room).length >= histories.get(room).length)
    await until('everybody has heard all', () => listeners.every(isHeard), CALM_MS).catch(() => {})  // compare() says who has not

    roll.call()
    const findings = [...calm, ...roll.findings, ...compare({ rooms, histories, lanes, listeners }),
      ...rooms.flatMap(room => compareViews(room, histories.get(room), views.get(room)))]
    for (const person of [reader, ...senders, ...listeners.map(listener => listener.person)]) person.leaves()
    const held = await Promise.all([...spared].map(async name => ({ name, before: before[name], after: await settled(stack, name, before[name]) })))
    for (const { name, before: was, after } of held) {
      if (was.pid !== after.pid && !roll.givenUp(name)) findings.push(`${name} was spared, and is another process now`)
      if (after.descriptors > was.descriptors + late(name)) findings.push(`${name} has ${after.descriptors} descriptors, after ${was.descriptors}`)
      if (after.resident > was.resident * 1.25 + 16e6) findings.push(`${name} has ${after.resident} bytes in memory, after ${was.resident}`)
    }
    const sum = (list, field) => list.reduce((total, each) => total + each[field], 0)
    return {
      seed, ...blown, held, findings, acknowledged: acknowledged(), repeats: sum(lanes, 'repeats'),
      heard: listeners.reduce((total, { heard }) => total + sum([...heard.values()], 'length'), 0),
      taken_up: sum(listeners, 'taken_up'), begun_anew: sum(listeners, 'begun_anew'),
    }
  } finally {
    await stack.stop()
  }
}

/** What a process holds once its descriptors are no fewer a moment later: clients that left are closed within a while. */
async function holdingsAtRest(stack, name) {
  let least = await holdings(stack, name)
  for (let same = 0; same < 10; same++) {
    await pause(100)
    const now = await holdings(stack, name)
    if (now.descriptors < least.descriptors) [least, same] = [now, 0]
  }
  return least
}

/** What a process holds once nobody is connected. */
async function settled(stack, name, before) {
  const enough = before.descriptors + late(name)
  await until(`${name} lets go of what it held`, async () => (await holdings(stack, name)).descriptors <= enough, CALM_MS / 3).catch(() => {})
  return holdings(stack, name)
}
