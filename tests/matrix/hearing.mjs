// hearing.mjs - the scenarios in which HEAR rows are heard: each is played, and counted is what each socket hears of it.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { Person, request, tokenFor } from '../lib/people.mjs'
import { until } from '../lib/wait.mjs'
import { RECOVERY_ROOMS_MAX, over } from './callers.mjs'
import { words } from './rows.mjs'

const times = (person, from, matches) => [...person.events.slice(from.events), ...person.own.slice(from.own), ...person.receipts.slice(from.receipts).map(change => ['receipts', change])].filter(matches).length
const sinceNow = person => ({ events: person.events.length, own: person.own.length, receipts: person.receipts.length })
const EVER = { events: 0, own: 0, receipts: 0 }

export class Hearing {
  constructor(stack, made, sockets) { Object.assign(this, { stack, made, sockets }) }

  /** { caller: { path: how often it was heard } } */
  plays(row, scenario, who) { return scenarios[row][scenario].call(this, new Set(words(who.hears))) }

  /** The callers' sockets that there are: [caller, path, person]. */
  get all() {
    return Object.entries(this.sockets).flatMap(([caller, paths]) => Object.entries(paths).flatMap(([path, { person }]) => person ? [[caller, path, person]] : []))
  }

  /**
   * Do something, and wait for those who shall hear of it. Then each socket asks and is answered: what was on its way before
   * has arrived.
   */
  async count(hears, matches, act, list = this.all) {
    const from = new Map(list.map(([, , person]) => [person, sinceNow(person)]))
    await act()
    for (const [caller, path, person] of list)
      if (hears.has(caller)) await until(`${caller} hears it, over ${path}`, () => times(person, from.get(person), matches))
    await Promise.all(list.filter(([, , person]) => person.socket.connected).map(([, , person]) => person.emits('no:such', {})))
    const heard = {}
    for (const [caller, path, person] of list) (heard[caller] ??= {})[path] = times(person, from.get(person), matches)
    return heard
  }

  /** A room's maker, who is none of the callers. */
  async host() {
    this.founder ??= await new Person(this.stack, 'the founder', await tokenFor(this.stack, this.made.owner.key, 'founder')).connects(over('websocket'))
    return this.founder
  }

  /** Everybody who is a member somewhere is one; and all have tried to join, when `removed` is put out of it. */
  async room({ open = false, joins = true } = {}) {
    const host = await this.host(), { removed } = this.made
    const subjects = ['owner', 'member', 'removed', 'acting', 'user'].map(name => this.made[name].subject)
    const { id: room } = await host.makesRoom({ open, members: [...subjects, 'vic'] })
    if (joins) await Promise.all(this.all.map(([, , person]) => person.emits('room:join', { room })))
    await host.calls('room:remove', { room, member: removed.subject })
    if (joins)
      for (const { person } of Object.values(this.sockets.removed))
        await until(`${person.name} is put out`, () => person.events.some(([event, change]) => event === 'room:removed' && change.room === room))
    await host.joins(room)
    return room
  }

  async message(hears, how) {
    const room = await this.room(how)
    return this.count(hears, ([event, message]) => event === 'message' && message.room === room, async () => {
      await this.founder.says(room, 'for the members')
      await until('the founder hears it', () => this.founder.heard.some(message => message.room === room))
    })
  }

  async entry(hears, how) {
    const room = await this.room(how)
    const { seq } = await this.founder.says(room, 'for the members')
    return this.count(hears, ([event, entry]) => event === 'entry' && entry.room === room, async () => {
      await this.founder.calls('reaction:add', { room, seq, emoji: '👍' })
      await until('the founder hears it', () => this.founder.events.some(([event, entry]) => event === 'entry' && entry.room === room))
    })
  }

  /** A member comes, whom the founder sees come, and goes. */
  async presence(hears, watches) {
    const room = await this.room(), isOf = ([event, change]) => event === 'presence' && change.rooms.some(one => one.room === room)
    if (watches) await Promise.all(this.all.map(([, , person]) => person.emits('presence:watch', { room })))
    await this.founder.calls('presence:watch', { room })
    await until('the founder sees who is there', () => this.founder.events.some(isOf))
    const name = `newcomer ${randomUUID()}`, isOfThem = one => isOf(one) && one[1].rooms.some(({ people = [] }) => people.some(({ subject }) => subject === name))
    await this.founder.calls('room:invite', { room, members: [name] })
    let newcomer
    const heard = await this.count(hears, isOfThem, async () => {
      newcomer = await new Person(this.stack, name, await tokenFor(this.stack, this.made.owner.key, name)).connects(over('websocket'))
      await until('the founder sees them come', () => this.founder.events.some(isOfThem))
    })
    newcomer.leaves()
    return heard
  }

  /** Vic, who is no caller, reads a message of the founder's. */
  async reading(hears, how) {
    const room = await this.room(how), isOf = ([event, change]) => event === 'receipts' && change.room === room
    const { seq } = await this.founder.says(room, 'for the members')
    const vic = await new Person(this.stack, 'vic', await tokenFor(this.stack, this.made.owner.key, 'vic')).connects(over('websocket'))
    const heard = await this.count(hears, isOf, async () => {
      await vic.calls('read:mark', { room, seq })
      await until('the founder hears it', () => this.founder.receipts.some(change => change.room === room))
    })
    vic.leaves()
    return heard
  }

  async removal(hears, subjects) {
    const room = await this.room()
    return this.count(hears, ([event, change]) => event === 'room:removed' && change.room === room, async () => {
      for (const member of subjects) await this.founder.calls('room:remove', { room, member })
    })
  }

  /** A room whose members all know that they are. */
  async ownRoom() {
    const host = await this.host(), subjects = ['owner', 'member', 'acting', 'user'].map(name => this.made[name].subject)
    const { id: room } = await host.makesRoom({ open: false, members: subjects })
    for (const name of ['owner', 'member', 'acting', 'user'])
      for (const { person } of Object.values(this.sockets[name]))
        await until(`${name} knows of it`, () => person.own.some(([, one]) => one.id === room))
    return room
  }

  /** Each of its members, but for its maker, schedules a message: [person, id]. */
  async schedule(room) {
    const made = []
    for (const name of ['owner', 'member', 'acting', 'user']) {
      const { person } = Object.values(this.sockets[name]).find(({ person }) => person)
      made.push([person, (await person.calls('message:schedule', { room, id: randomUUID(), body: 'later', send_at: Date.now() + 86400000 })).id])
    }
    return made
  }

  /** Each of its members, but for its maker, emits this there. */
  async eachEmits(room, event, more) {
    for (const name of ['owner', 'member', 'acting', 'user'])
      await Object.values(this.sockets[name]).find(({ person }) => person).person.calls(event, { room, ...more })
  }

  /** A link that somebody listens to, who hears what is done to it; everybody else has their own sockets. */
  async link(hears, event, act) {
    const token = await tokenFor(this.stack, this.made.owner.key, 'the founder'), asks = async (method, path, body) => (await request(this.stack, method, `/api/v1${path}`, { token, body })).json.data
    const { id: talk } = await asks('POST', '/conversations', { name: 'a talk', data: {} }), link = await asks('POST', `/conversations/${talk}/share`, {})
    const { share_watch: watch } = (await request(this.stack, 'GET', `/api/v1/share/${link.code}`)).json.data, viewer = new Person(this.stack, 'a viewer', '')
    await viewer.connects({ ...over('websocket'), namespace: '/link', auth: { watch } })
    for (const name of new Set(this.all.map(([caller]) => caller)))
      await assert.rejects(new Person(this.stack, name, this.made[name].token).connects({ ...over('websocket'), namespace: '/link' }), name)
    const heard = await this.count(hears, ([name]) => name === event, async () => {
      await act({ token, talk, link })
      await viewer.hearsEvent(event)
    })
    viewer.leaves()
    return heard
  }

  /** Another socket of each caller, in /system or another namespace. */
  inSystem(namespace = '/system') {
    return Promise.all([...new Set(this.all.map(([caller]) => caller))].map(async caller =>
      [caller, 'a new one', await new Person(this.stack, caller, this.made[caller].token).connects({ ...over('websocket'), namespace })]))
  }

  /** A room is made with those who are members elsewhere, and deleted: what each hears of one of the two. */
  async told(hears, event) {
    const host = await this.host(), sockets = await this.inSystem('/notification'), subjects = ['owner', 'member', 'acting', 'user'].map(name => this.made[name].subject)
    const makes = async () => this.told.room = (await host.makesRoom({ open: false, members: subjects })).id
    const isOf = name => ([one, is]) => one === name && is.collapse === `invitation:${this.told.room}`
    const first = await this.count(hears, isOf('notification'), makes, sockets)
    const heard = event === 'notification' ? first : await this.count(hears, isOf(event), () => host.calls('room:delete', { room: this.told.room }), sockets)
    sockets.forEach(([, , person]) => person.leaves())
    return heard
  }

  /** Of those whose token or key ended at the beginning there is a socket from before. */
  earlier(matches) {
    const heard = {}
    for (const [caller, path, person] of this.all) (heard[caller] ??= {})[path] = times(person, EVER, matches)
    for (const { name, earlier } of Object.values(this.made)) if (earlier) heard[name] = { earlier: times(earlier, EVER, matches) }
    return heard
  }
}

const scenarios = {
  '/notification notification': { 'when a room is made with them'(hears) { return this.told(hears, 'notification') } },
  '/notification notification:changed': { 'when that room is deleted'(hears) { return this.told(hears, 'notification:changed') } },

  '/chat message': {
    'in a closed room that everybody tries to join'(hears) { return this.message(hears) },
    'in an open room that everybody tries to join'(hears) { return this.message(hears, { open: true }) },
    'in a room that nobody joined'(hears) { return this.message(hears, { open: true, joins: false }) },
  },

  '/chat entry': {
    'in a closed room that everybody tries to join'(hears) { return this.entry(hears) },
    'in a room that nobody joined'(hears) { return this.entry(hears, { open: true, joins: false }) },
  },

  '/chat room:removed': {
    async 'when another is removed'(hears) {
      const vic = await new Person(this.stack, 'vic', await tokenFor(this.stack, this.made.owner.key, 'vic')).connects(over('websocket'))
      const heard = await this.removal(hears, ['vic'])
      vic.leaves()
      return heard
    },
    async 'when its subject is removed from a room that nobody joined'(hears) {
      const room = await this.ownRoom()
      return this.count(hears, ([event, change]) => event === 'room:removed' && change.room === room, async () => {
        for (const name of ['owner', 'member', 'acting', 'user']) await this.founder.calls('room:remove', { room, member: this.made[name].subject })
      })
    },
    'when its subject is removed'(hears) {
      return this.removal(hears, ['owner', 'member', 'acting', 'user'].map(name => this.made[name].subject))
    },
  },

  '/chat presence': {
    'when another comes into a closed room that everybody tries to join and to watch'(hears) { return this.presence(hears, true) },
    'in a closed room that everybody joins and nobody watches'(hears) { return this.presence(hears, false) },
  },

  '/chat receipts': {
    'when another has read on in a closed room that everybody tries to join'(hears) { return this.reading(hears) },
    'when another has read on in a room that nobody joined'(hears) { return this.reading(hears, { joins: false }) },
  },

  '/chat room:added': {
    'when a room is made with them, and nobody joins it'(hears) {
      const name = `a room ${Date.now()}`, subjects = ['owner', 'member', 'acting', 'user'].map(caller => this.made[caller].subject)
      return this.count(hears, ([event, room]) => event === 'room:added' && room.name === name, async () => {
        await (await this.host()).makesRoom({ name, open: false, members: subjects })
      })
    },
  },

  '/chat room:changed': {
    async 'when somebody says something in a room that nobody joined'(hears) {
      const room = await this.ownRoom()
      return this.count(hears, ([event, change]) => event === 'room:changed' && change.id === room && change.last?.seq === 1,
        () => this.founder.says(room, 'for the members'))
    },
  },

  '/chat read:changed': {
    async 'when each of them has read on in a room that nobody joined'(hears) {
      const room = await this.ownRoom()
      return this.count(hears, ([event, state]) => event === 'read:changed' && state.room === room, async () => {
        for (const name of ['owner', 'member', 'acting', 'user'])
          await Object.values(this.sockets[name]).find(({ person }) => person).person.calls('read:mark', { room, seq: 1 })
      })
    },
  },

  '/chat scheduled:changed': {
    async 'when each of them schedules a message'(hears) {
      const room = await this.ownRoom()
      return this.count(hears, ([event, one]) => event === 'scheduled:changed' && one.room === room, () => this.schedule(room))
    },
  },

  '/chat scheduled:removed': {
    async 'when each of them cancels it'(hears) {
      const room = await this.ownRoom(), made = await this.schedule(room)
      return this.count(hears, ([event, end]) => event === 'scheduled:removed' && end.room === room, async () => {
        for (const [person, id] of made) await person.calls('scheduled:cancel', { room, id })
      })
    },
  },

  '/chat draft:changed': {
    async 'when each of them begins to write'(hears) {
      const room = await this.ownRoom()
      return this.count(hears, ([event, draft]) => event === 'draft:changed' && draft.room === room, () => this.eachEmits(room, 'draft:set', { body: 'begun' }))
    },
  },

  '/chat draft:cleared': {
    async 'when each of them clears it'(hears) {
      const room = await this.ownRoom()
      await this.eachEmits(room, 'draft:set', { body: 'begun' })
      return this.count(hears, ([event, end]) => event === 'draft:cleared' && end.room === room, () => this.eachEmits(room, 'draft:clear'))
    },
  },

  '/chat user:changed': {
    async 'when a user who is in two rooms with others has another name'(hears) {
      const { user } = this.made, name = `Uma ${Date.now()}`
      await this.room()
      await this.room({ open: true })
      return this.count(hears, ([event, change]) => event === 'user:changed' && change.id === user.subject && change.name === name,
        () => request(this.stack, 'PATCH', '/api/v1/users/me', { body: { name }, token: user.token }))
    },
  },

  '/chat recovery:off': {
    async 'who joins more rooms than can be put on record'(hears) {
      const rooms = []
      for (let i = 0; i <= RECOVERY_ROOMS_MAX; i++) rooms.push(await this.room({ joins: false }))
      const list = await Promise.all([...new Set(this.all.map(([caller]) => caller))].map(async caller =>
        [caller, 'a new one', await new Person(this.stack, caller, this.made[caller].token).connects(over('websocket'))]))
      const heard = await this.count(hears, ([event]) => event === 'recovery:off', () =>
        Promise.all(list.map(async ([, , person]) => { for (const room of rooms) await person.emits('room:join', { room }) })), list)
      for (const [, , person] of list) person.leaves()
      return heard
    },
  },

  '* token:expiring': {
    'while a token ends'() { return this.earlier(([event]) => event === 'token:expiring') },
  },

  '* error': {
    'when a token ends, a key is revoked, bound, or loses a right'() {
      const codes = ['token_expired', 'key_revoked', 'address_refused', 'session_ended']
      return this.earlier(([event, failure]) => event === 'error' && codes.includes(failure.code))
    },
  },

  /** In /system everybody has a socket that came before, and for what is said to who comes another one. */
  '/system notice': {
    async 'when an administrator says something, and when they come while it holds'(hears) {
      const list = await this.inSystem()
      const isIt = ([event, notice]) => event === 'notice' && notice.text === 'for everybody'
      const heard = await this.count(hears, isIt, async () => { this.notice = await this.stack.authctl('notice', 'for everybody') }, list)
      const later = await this.inSystem()
      for (const [caller, path, person] of later) {
        await until(`${caller} hears it when it comes`, () => person.events.some(isIt))
        heard[caller][`later, ${path}`] = times(person, 0, isIt)
      }
      await this.stack.authctl('notice', 'withdraw', this.notice.id)
      for (const [, , person] of [...list, ...later]) person.leaves()
      return heard
    },
  },

  '/system notice:end': {
    async 'when it is withdrawn'(hears) {
      const { id } = await this.stack.authctl('notice', 'for a while')
      const list = await this.inSystem()
      const heard = await this.count(hears, ([event, ref]) => event === 'notice:end' && ref.notice === id, () => this.stack.authctl('notice', 'withdraw', id), list)
      for (const [, , person] of list) person.leaves()
      return heard
    },
  },

  '/system alert': {
    async 'when a key is used from a new network'(hears) {
      const { id, key } = await this.stack.authctl('key', 'issue', '--name', 'seen', '--policy', 'chat-client')
      await this.stack.sql('auth', `INSERT INTO key_network VALUES ('${id}', '192.0.2.0/24', now())`)
      const list = await this.inSystem()
      const heard = await this.count(hears, ([event, alert]) => event === 'alert' && alert.key === id, () => tokenFor(this.stack, key, 'somebody'), list)
      for (const [, , person] of list) person.leaves()
      return heard
    },
  },

  /** Nobody's token lets them into /link: l_share_viewers has who hears there. */
  '/link link:changed': {
    'when what a link shows changes, that somebody without an identity listens to'(hears) {
      return this.link(hears, 'link:changed', ({ token, talk }) => request(this.stack, 'PATCH', `/api/v1/conversations/${talk}`, { token, body: { name: 'another' } }))
    },
  },
  '/link link:ended': {
    'when a link is revoked that somebody without an identity listens to'(hears) {
      return this.link(hears, 'link:ended', ({ token, link }) => request(this.stack, 'DELETE', `/api/v1/share-links/${link.id}`, { token }))
    },
  },

  /** Each connection has a socket in /error, and what it hears there is its own. */
  '/error error': {
    async 'who emits what nothing answers, without an acknowledgement'() {
      const ears = await Promise.all(this.all.map(async ([caller, path, { socket, token }]) => {
        const ear = socket.io.socket('/error', { auth: { token } }), heard = []
        ear.onAny((event, failure) => heard.push(failure))
        await new Promise((resolve, reject) => ear.once('connect', resolve).once('connect_error', reject))
        return { caller, path, socket, ear, heard }
      }))
      const counts = {}
      for (const { caller, path, socket, heard } of ears) {
        socket.emit(`${caller}:${path}`, {})
        await until(`${caller} hears of it, over ${path}`, () => heard.length)
      }
      for (const { caller, path, ear, heard } of ears) {
        (counts[caller] ??= {})[path] = heard.filter(failure => failure.code === 'no_event').length
        ear.disconnect()
      }
      return counts
    },
  },

  '* server:closing': {
    // A client between two polls finds the door closed when it comes again: it is told nothing, and connects anew.
    'when the gateway leaves'(hears) {
      const connected = this.all.filter(([, path]) => path !== 'polling')
      return this.count(hears, ([event]) => event === 'server:closing', () => this.stack.kill('gateway-1', 15), connected)
    },
  },
}
