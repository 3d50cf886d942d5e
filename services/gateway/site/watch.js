// watch.js - the page of a link hears that what it shows has changed, and that the link has ended.
// SPDX-License-Identifier: Apache-2.0
import { io } from "./socket.io.esm.min.js"

const ENDED = ["not_found", "credentials_invalid"], LATER_MS = 60000
const news = document.querySelector("[data-watch]")
const socket = io("/link", { auth: { watch: news.dataset.watch }, reconnectionDelay: 500, reconnectionDelayMax: 30000 })

/** Nothing of it stays; what there is in its place the server says. */
function end() {
  socket.disconnect()
  document.title = ""
  document.querySelector("main").replaceChildren()
  location.replace(location.pathname + location.search)
}

socket.on("link:ended", end)
socket.on("link:changed", () => {
  const again = Object.assign(document.createElement("a"), { href: news.dataset.path, textContent: news.dataset.look })
  news.replaceChildren(Object.assign(document.createElement("span"), { textContent: news.dataset.changed }), again)
})
socket.on("connect_error", error => {
  if (!error.data) return // it tries again by itself
  if (ENDED.includes(error.data.code)) end()
  else setTimeout(() => socket.connect(), Math.max(error.data.retry_after_ms ?? 0, LATER_MS * (0.5 + Math.random())))
})
