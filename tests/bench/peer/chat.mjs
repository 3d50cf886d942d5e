// chat.mjs - the namespace /chat, as the load knows it: room:join, room:leave,
// message:send, message.
// SPDX-License-Identifier: Apache-2.0
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const MAX_BODY = 4000

export function serveChat(io, log, verify) {
  const chat = io.of("/chat")

  chat.use((socket, next) => {
    try {
      socket.data.sub = verify(socket.handshake.auth.token).sub
      next()
    } catch (error) {
      next(Object.assign(new Error("unauthenticated"), { data: { code: error.message } }))
    }
  })

  chat.on("connection", (socket) => {
    socket.on("room:join", (ask, ack) => answer(ack, () => move(socket, log, ask, "join")))
    socket.on("room:leave", (ask, ack) => answer(ack, () => move(socket, log, ask, "leave")))
    socket.on("message:send", async (ask, ack) => {
      const message = await answer(ack, () => store(socket, log, ask))
      if (message && !message.again) {
        const { seq, id, sender, created_at } = message
        chat
          .to(ask.room)
          .emit("message", { room: ask.room, seq, id, sender, body: ask.body, created_at })
      }
    })
  })
}

async function move(socket, log, ask, how) {
  await requireRoom(log, ask)
  socket[how](ask.room)
  return { room: ask.room }
}

async function store(socket, log, ask) {
  await requireRoom(log, ask)
  const { id, room, body } = ask
  if (typeof id !== "string" || id.length > 64) throw refusal("invalid_argument", "id")
  if (typeof body !== "string" || body.length > MAX_BODY)
    throw refusal("invalid_argument", "body")

  const sender = socket.data.sub
  const { seq, at, again } = await log.append(room, id, sender, body)
  return { seq, id, sender, created_at: at, again }
}

async function requireRoom(log, ask) {
  if (typeof ask?.room !== "string" || !UUID.test(ask.room))
    throw refusal("invalid_argument", "room")
  if (!(await log.hasRoom(ask.room))) throw refusal("not_found", "room")
}

function refusal(code, field) {
  return Object.assign(new Error(code), { code, details: { field } })
}

// Acknowledge with what `act` resolves to, or with the error; answers the former.
async function answer(ack, act) {
  const reply = typeof ack === "function" ? ack : () => {}
  try {
    const done = await act()
    reply(done)
    return done
  } catch (error) {
    if (!error.details) console.error(error)
    reply({ code: error.details ? error.code : "internal", message: error.message })
  }
}
