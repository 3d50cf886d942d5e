// token.mjs - ES256 tokens with what Node has: no dependency, one verification per handshake.
// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, verify } from "node:crypto"

export function tokenVerifier(pem) {
  const key = { key: createPublicKey(pem), dsaEncoding: "ieee-p1363" }

  return (token) => {
    const parts = typeof token === "string" && token.length < 8192 ? token.split(".") : []
    if (parts.length !== 3) throw new Error("token_malformed")
    const [head, claims, signature] = parts

    if (decode(head).alg !== "ES256") throw new Error("token_malformed")
    if (
      !verify(
        "sha256",
        Buffer.from(`${head}.${claims}`),
        key,
        Buffer.from(signature, "base64url"),
      )
    )
      throw new Error("token_invalid")
    const found = decode(claims)
    if (typeof found.sub !== "string" || !(found.exp > Date.now() / 1000))
      throw new Error("token_expired")
    return found
  }
}

function decode(part) {
  return JSON.parse(Buffer.from(part, "base64url").toString())
}
