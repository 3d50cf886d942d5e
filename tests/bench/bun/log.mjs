// log.mjs - the message log with group commit: one INSERT for all that waits, stored once
// however often it is sent.
// SPDX-License-Identifier: Apache-2.0
import pg from "pg"

import { openLog } from "../peer/log.mjs"

// What is returned are the rows that are new. What is not was stored before, or earlier in the
// same arrays, and is looked up.
const INSERT_MESSAGES = {
  name: "messages",
  text: `INSERT INTO messages (room, id, sender, body)
         SELECT room, id, sender, body
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
                WITH ORDINALITY AS waiting (room, id, sender, body, nth)
          ORDER BY nth
         ON CONFLICT (room, id) DO NOTHING RETURNING seq, room, id, created_at`,
}
const MESSAGES_BY_ID = {
  name: "messages_by_id",
  text: `SELECT seq, room, id, created_at FROM messages
          WHERE (room, id) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))`,
}
const MOST_AT_ONCE = 1000

const keyOf = ({ room, id }) => `${room} ${id}`

export async function openGroupedLog(settings) {
  const rooms = openLog(settings) // rooms come one by one
  const client = new pg.Client({ connectionString: settings.database })
  let waiting = []
  let busy = false

  await client.connect()
  client.on("error", (error) => {
    console.error("postgres", error.message)
    process.exit(1)
  })

  const ask = (query, ...values) =>
    client.query({ ...query, values }).then((result) => result.rows)

  function settle(batch, made, found) {
    const rows = new Map(found.map((row) => [keyOf(row), row]))
    const fresh = new Set()
    for (const row of made) {
      rows.set(keyOf(row), row)
      fresh.add(keyOf(row))
    }
    for (const message of batch) {
      const key = keyOf(message)
      const row = rows.get(key)
      const again = !fresh.delete(key) // of two in one batch the first is the message
      message.resolve({ seq: Number(row.seq), at: row.created_at.getTime(), again })
    }
  }

  async function store(batch) {
    const column = (name) => batch.map((message) => message[name])
    try {
      const made = await ask(
        INSERT_MESSAGES,
        column("room"),
        column("id"),
        column("sender"),
        column("body"),
      )
      const found =
        made.length < batch.length
          ? await ask(MESSAGES_BY_ID, column("room"), column("id"))
          : []
      settle(batch, made, found)
    } catch (error) {
      for (const message of batch) message.reject(error)
    }
  }

  // One INSERT is under way at a time, so a room's messages are committed and told in their order.
  async function storeAll() {
    busy = true
    while (waiting.length > 0) await store(waiting.splice(0, MOST_AT_ONCE))
    busy = false
  }

  return {
    ...rooms,

    // Resolves when the message is committed. `again` tells a repetition.
    append(room, id, sender, body) {
      return new Promise((resolve, reject) => {
        waiting.push({ room, id, sender, body, resolve, reject })
        if (!busy) storeAll()
      })
    },
  }
}
