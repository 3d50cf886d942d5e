// log_fold.mjs - what a client makes of a room's log: its messages as they are now, entry by entry.  A page of the history is the same, for
// who folds what comes behind its `head` into it.

const after = {
  'message:edit': (message, entry) => Object.assign(message, { body: entry.body, edited_at: entry.at }),
  'pin:add': message => { message.pinned = true },
  'pin:remove': message => { message.pinned = false },
  'reaction:add': (message, { body: emoji, sender }) => message.fans.add(`${emoji} ${sender}`),
  'reaction:remove': (message, { body: emoji, sender }) => message.fans.delete(`${emoji} ${sender}`),
  'message:delete': (message, { at, sender }) => {
    Object.assign(message, { body: '', pinned: false, deleted_at: at, deleted_by: sender })
    delete message.meta
    message.fans.clear()
  },
}

/** The messages of a whole log, in its order: who reacted with what is in `fans`. */
export function foldLog(log) {
  const messages = new Map()
  for (const entry of log) {
    const message = messages.get(entry.target)
    if (message) {
      if (!message.deleted_at) after[entry.kind](message, entry)
      continue
    }
    const { room, seq, id, sender, body, meta, at, kind, thread } = entry
    messages.set(seq, { room, seq, id, sender, body, ...(meta === undefined ? {} : { meta }), at, ...(kind ? { kind } : {}),
      ...(thread ? { thread } : {}), pinned: false, replies: 0, fans: new Set() })
    const root = messages.get(thread)
    if (root) Object.assign(root, { replies: root.replies + 1, last_reply: seq })
  }
  return [...messages.values()]
}

const counted = (fans, reader) => [...new Set(fans.map(fan => fan.split(' ')[0]))].sort().map(emoji => {
  const of = fans.filter(fan => fan.startsWith(`${emoji} `))
  return { emoji, count: of.length, mine: of.includes(`${emoji} ${reader}`) }
})

/** The same as the history shows it to a reader. */
export const shownTo = (reader, messages) => messages.map(({ fans, ...message }) =>
  fans.size ? { ...message, reactions: counted([...fans], reader) } : message)

/** A message of the history, with its reactions in the order in which shownTo has them. */
export const inOrder = ({ reactions, ...message }) =>
  reactions?.length ? { ...message, reactions: [...reactions].sort((a, b) => (a.emoji < b.emoji ? -1 : 1)) } : message
