// log.mjs - the message log: one INSERT a message, stored once however often it is sent.
// SPDX-License-Identifier: Apache-2.0
import pg from "pg"

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS rooms (
    id uuid PRIMARY KEY, name text NOT NULL, open boolean NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS messages (
    seq bigint GENERATED ALWAYS AS IDENTITY, room uuid NOT NULL, id text NOT NULL,
    sender text NOT NULL, body text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (room, seq), UNIQUE (room, id));`

// Named, so that each connection prepares them once.
const INSERT_ROOM = {
  name: "room",
  text: "INSERT INTO rooms (id, name, open) VALUES ($1, $2, $3)",
}
const ROOM_BY_ID = { name: "room_by_id", text: "SELECT 1 FROM rooms WHERE id = $1" }
const INSERT_MESSAGE = {
  name: "message",
  text: `INSERT INTO messages (room, id, sender, body) VALUES ($1, $2, $3, $4)
         ON CONFLICT (room, id) DO NOTHING RETURNING seq, created_at`,
}
const MESSAGE_BY_ID = {
  name: "message_by_id",
  text: "SELECT seq, created_at FROM messages WHERE room = $1 AND id = $2",
}

export function openLog({ database, poolSize }) {
  const pool = new pg.Pool({ connectionString: database, max: poolSize })
  const known = new Set() // rooms are never deleted here
  const ask = (query, ...values) =>
    pool.query({ ...query, values }).then((result) => result.rows)

  return {
    migrate: () => pool.query(SCHEMA),

    async makeRoom(id, name, open) {
      await ask(INSERT_ROOM, id, name, open)
      known.add(id)
    },

    async hasRoom(id) {
      if (!known.has(id) && (await ask(ROOM_BY_ID, id)).length === 1) known.add(id)
      return known.has(id)
    },

    // Resolves when the message is committed. `again` tells a repetition.
    async append(room, id, sender, body) {
      const [made] = await ask(INSERT_MESSAGE, room, id, sender, body)
      const [row] = made ? [made] : await ask(MESSAGE_BY_ID, room, id)
      return { seq: Number(row.seq), at: row.created_at.getTime(), again: !made }
    },
  }
}
