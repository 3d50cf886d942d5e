// share.mjs - somebody who keeps files and conversations, and shares them by links.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { request, tokenFor } from './people.mjs'

/** A file as a form sends it. */
export const aForm = (content, name = 'words.txt') => ({
  raw: Buffer.concat([Buffer.from(`--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n--b--\r\n')]),
  headers: { 'content-type': 'multipart/form-data; boundary=b' },
})

/** `asks` is answered whatever comes; `gets` has the data of an answer with this status. */
export async function sharer(stack, key, name, subject = `${name} ${randomUUID()}`) {
  const token = await tokenFor(stack, key, subject)
  const asks = (method, path, body, more = {}) => request(stack, method, `/api/v1${path}`, { token, body, ...more })
  const gets = async (status, ...words) => {
    const answer = await asks(...words)
    assert.equal(answer.status, status, answer.text)
    return answer.json?.data
  }
  return {
    subject, token, asks, gets,
    shares: (talk, settings = {}) => gets(201, 'POST', `/conversations/${talk.id}/share`, settings),
    edits: (link, changes) => gets(200, 'PATCH', `/share-links/${link.id}`, changes),
    resets: link => gets(200, 'POST', `/share-links/${link.id}/reset`, {}),
    revokes: link => gets(204, 'DELETE', `/share-links/${link.id}`),
  }
}
