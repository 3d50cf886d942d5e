// rest.mjs - one JSON request to a server whose certificate is its own.
// SPDX-License-Identifier: Apache-2.0
import http from "node:http"
import https from "node:https"

const agents = {
  true: new https.Agent({ keepAlive: true, rejectUnauthorized: false }),
  false: new http.Agent({ keepAlive: true }),
}

// Resolves to the decoded body of a 2xx answer; anything else is an error that quotes it.
export function post(server, path, token, body) {
  const headers = {
    "content-type": "application/json",
    ...(token && { authorization: `Bearer ${token}` }),
  }
  const options = {
    host: "127.0.0.1",
    port: server.port,
    path,
    method: "POST",
    headers,
    agent: agents[!!server.tls],
  }

  return new Promise((resolve, reject) => {
    const ask = (server.tls ? https : http).request(options, async (answer) => {
      let text = ""
      for await (const piece of answer.setEncoding("utf8")) text += piece
      if (answer.statusCode < 200 || answer.statusCode > 299)
        reject(new Error(`POST ${path}: ${answer.statusCode} ${text}`))
      else resolve(JSON.parse(text))
    })
    ask.on("error", reject)
    ask.end(JSON.stringify(body))
  })
}

export async function makeRooms(server, count) {
  const ids = []
  for (let i = 0; i < count; i++) {
    const made = await post(server, "/api/v1/rooms", server.tokens[0], {
      name: "bench",
      open: true,
    })
    ids.push(made.data.id)
  }
  return ids
}
