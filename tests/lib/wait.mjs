// wait.mjs - waiting for a condition, never for a while.

/** Until `condition` gives something true; its last value.  Throws with `what` after `ms`, which a busy machine does not need. */
export async function until(what, condition, ms = 30000) {
  const end = Date.now() + ms
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

export const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
