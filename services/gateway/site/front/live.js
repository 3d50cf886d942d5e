// live.js - the demo: two people in one room, each with a connection of its own, and what goes over both wires.
// SPDX-License-Identifier: Apache-2.0
import { io } from "./socket.io.esm.min.js"

const KEPT = "madang-demo", FRAMES_MAX = 200, FRAME_CHARS = 600
const live = document.getElementById("live")
const say = name => live.dataset[name]
const at = (root, name) => root.querySelector(`[data-part="${name}"]`)
const part = name => at(live, name)
const made = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text })

function show(name) {
  for (const each of live.querySelectorAll("[data-view]")) each.hidden = each.dataset.view !== name
  live.hidden = false
  document.body.classList.toggle("talking", name === "two")
}

/* --- the wire --- */

const secrets = []
const masked = text => secrets.reduce((all, secret) => all.replaceAll(secret, "•••"), text)

/** What an Engine.IO packet carries: its kind, and of Socket.IO's the id of its acknowledgement. */
function kindOf(text) {
  const named = { 0: "open", 1: "close", 2: "ping", 3: "pong", 5: "upgrade", 6: "noop" }
  if (text[0] !== "4") return { kind: named[text[0]] ?? "" }
  const kind = { 0: "CONNECT", 1: "DISCONNECT", 2: "EVENT", 3: "ACK", 4: "CONNECT_ERROR", 5: "BINARY_EVENT", 6: "BINARY_ACK" }[text[1]] ?? ""
  const [, id] = /^4[2356](?:\d+-)?(?:\/[^,]*,)?(\d+)?/.exec(text) ?? []
  return { kind, id: kind === "CONNECT" ? undefined : id }
}

function addFrame(person, direction, text) {
  const { kind, id } = kindOf(text), now = performance.now()
  let label = kind
  if (direction === "out" && id !== undefined) person.waiting.set(id, now)
  if (direction === "in" && kind === "ACK" && person.waiting.has(id)) {
    label = `${kind} ${(now - person.waiting.get(id)).toFixed(1)} ms`
    person.waiting.delete(id)
  }
  const line = made("div", `frame ${person.side} ${direction}`), plain = masked(text)
  line.append(made("b", "", `${person.name} ${direction === "out" ? "→" : "←"}`), made("span", "kind", label),
    made("code", "", plain.length > FRAME_CHARS ? `${plain.slice(0, FRAME_CHARS)}…` : plain))
  addLine(line)
}

function addNote(person, text) {
  const line = made("div", `frame note ${person.side}`)
  line.append(made("b", "", person.name), made("span", "kind", text))
  addLine(line)
}

function addLine(line) {
  const wire = part("wire"), wasAtEnd = wire.scrollHeight - wire.scrollTop - wire.clientHeight < 40
  wire.append(line)
  while (wire.childElementCount > FRAMES_MAX) wire.firstElementChild.remove()
  if (wasAtEnd) wire.scrollTop = wire.scrollHeight
}

const DIGITS = { open: 0, close: 1, ping: 2, pong: 3, message: 4, upgrade: 5, noop: 6 }

/** Each connection has an engine of its own. */
function watchWire(person, engine) {
  const text = packet => `${DIGITS[packet.type]}${packet.data ?? ""}`
  engine.on("packet", packet => addFrame(person, "in", text(packet)))
  engine.on("packetCreate", packet => addFrame(person, "out", text(packet)))
  engine.on("upgrade", transport => addNote(person, transport.name))
  addNote(person, engine.transport.name)
}

/* --- one of the two --- */

class Person {
  constructor(side, demo, { id, token }) {
    Object.assign(this, { side, room: demo.room, id, seq: 0, waiting: new Map(), bubbles: new Map(), root: part(side), name: say(side) })
    secrets.push(token)
    at(this.root, "send").addEventListener("submit", event => { event.preventDefault(); this.send() })
    at(this.root, "text").addEventListener("input", () => this.type())
    at(this.root, "cut").addEventListener("click", () => this.isCut ? this.goOn() : this.cut())
    this.socket = io("/chat", { auth: { token }, forceNew: true, reconnection: false, autoConnect: false })
    this.socket.on("connect", () => this.arrive())
    this.socket.on("disconnect", reason => this.lose(reason))
    this.socket.on("connect_error", error => this.fail(error))
    this.socket.on("message", message => this.hear(message))
    this.socket.on("typing", () => this.seeTyping())
    this.connect()
  }

  connect() {
    this.setState("connecting")
    this.socket.connect()
    watchWire(this, this.socket.io.engine)
  }

  setState(state) {
    this.root.dataset.state = state
    at(this.root, "state").textContent = say(state)
  }

  async arrive() {
    this.setState("connected")
    if (this.socket.recovered) return addNote(this, say("recovered"))
    const joined = await this.socket.emitWithAck("room:join", { room: this.room, since: this.seq })
    if (joined.error) this.fail(joined.error)
  }

  /** The transport is closed without a word of Socket.IO, as when a phone loses its network. */
  cut() {
    this.isCut = true
    at(this.root, "cut").textContent = say("reconnect")
    this.socket.io.engine.close()
  }

  goOn() {
    this.isCut = false
    at(this.root, "cut").textContent = say("cut")
    this.connect()
  }

  leave() {
    this.isCut = true
    this.socket.disconnect()
  }

  lose(reason) {
    addNote(this, reason)
    this.waiting.clear()
    this.setState(reason === "io server disconnect" ? "over" : "away")
    if (!this.isCut && reason !== "io server disconnect") setTimeout(() => this.connect(), 1000)
  }

  fail(error) {
    const code = error.data?.code ?? error.code
    if (/^(token|session)_/.test(code ?? "")) return end()
    addNote(this, code ?? error.message)
    if (!this.isCut) setTimeout(() => this.connect(), 2000)
  }

  async send() {
    const field = at(this.root, "text"), body = field.value.trim(), id = crypto.randomUUID(), began = performance.now()
    if (!body || !this.socket.connected) return
    field.value = ""
    const mark = this.addMessage({ id, sender: this.id, body }, say("sending"))
    const answer = await this.socket.emitWithAck("message:send", { room: this.room, id, body })
    mark.textContent = answer.error ? answer.error.message : `#${answer.seq} · ${say("ondisk")} · ${(performance.now() - began).toFixed(1)} ms`
  }

  type() {
    if (!this.socket.connected || this.typedAt > performance.now() - 2000) return
    this.typedAt = performance.now()
    this.socket.emit("typing", { room: this.room })
  }

  seeTyping() {
    const note = at(this.root, "typing")
    note.textContent = say("typing")
    clearTimeout(this.typing)
    this.typing = setTimeout(() => { note.textContent = "" }, 3000)
  }

  /** One's own is there already; its acknowledgement may have been lost with a connection. */
  hear(message) {
    if (message.seq <= this.seq) return
    this.seq = message.seq
    at(this.root, "typing").textContent = ""
    const own = this.bubbles.get(message.id)
    if (!own) this.addMessage(message, `#${message.seq}`)
    else if (own.textContent === say("sending")) own.textContent = `#${message.seq}`
  }

  /** What is said below it, which may become another. */
  addMessage({ id, sender, body }, text) {
    const talk = at(this.root, "talk"), bubble = made("div", sender === this.id ? "mine" : "theirs"), mark = made("small", "", text)
    bubble.append(made("p", "", body), mark)
    talk.append(bubble)
    talk.scrollTop = talk.scrollHeight
    if (sender === this.id) this.bubbles.set(id, mark)
    return mark
  }
}

/* --- the whole --- */

const people = []

function end() {
  sessionStorage.removeItem(KEPT)
  for (const person of people) person.leave()
  show("over")
}

function begin(demo) {
  if (demo.expires_at <= Date.now()) return end()
  show("two")
  setTimeout(end, demo.expires_at - Date.now())
  const [first, second] = demo.people
  people.push(new Person("one", demo, first), new Person("two", demo, second))
  at(part("one"), "text").focus({ preventScroll: true })
}

async function openDemo(secret) {
  show("opening")
  history.replaceState(null, "", location.pathname + location.search)
  try {
    const answer = await fetch("/demo", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ secret }) })
    const { data, error } = await answer.json()
    if (error) return show(answer.status === 410 || answer.status === 400 || answer.status === 404 ? "gone" : "busy")
    sessionStorage.setItem(KEPT, JSON.stringify(data))
    begin(data)
  } catch {
    show("busy")
  }
}

const secret = new URLSearchParams(location.hash.slice(1)).get("demo"), kept = sessionStorage.getItem(KEPT)
if (secret) {
  part("begin").addEventListener("click", () => openDemo(secret), { once: true })
  show("begin")
} else if (kept) {
  begin(JSON.parse(kept))
}
