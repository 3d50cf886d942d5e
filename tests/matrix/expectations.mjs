// expectations.mjs - what each row of proto/ answers each caller, and who hears what. A row without an expectation for every
// caller fails the build (scripts/lint/expectations.sh), and so does an expectation without a row.

/** Who asks, always with the strongest membership that leaves one reason for a refusal. callers.mjs makes them. */
export const callers = {
  owner: 'made the room; a token for a name, policy chat-client',
  member: 'is in the room; policy chat-client',
  stranger: 'was never in the room; policy chat-client',
  removed: 'was a member, joined it, and was removed meanwhile',
  another_key: 'the member, with a token that another key of the same policy got',
  acting: 'made the room; a token for a registered user from a back end\'s key that has act_as_users',
  ungranted: 'made the room; the same from a key that has lost act_as_users since: its tokens ended with that',
  user: 'made the room; a registered user with a session of its own',
  backend: 'a back end\'s key itself, policy chat-backend, no member',
  admin: 'policy admin, no member',
  read_only: 'is in the room; policy read-only',
  listener: 'is in the room; a cap lets it connect and hear, and not read the log',
  capped: 'made the room; a cap lets it connect and nothing else',
  anonymous: 'brings no credential',
  expired: 'made the room; its token has ended',
  revoked: 'made the room; its key was revoked',
  elsewhere: 'made the room; its key, which binds tokens, is bound to other networks',
  forged: 'made the room; another\'s signature under its token',
}

/** Who has no credential that holds is told so whatever it asks: over REST, at CONNECT, and when it renews a token. */
const UNKNOWN = {
  unauthenticated: 'anonymous',
  token_expired: 'expired',
  key_revoked: 'revoked',
  address_refused: 'elsewhere',
  session_ended: 'ungranted',
  token_invalid: 'forged',
}
const KNOWN = 'owner member stranger removed another_key acting user backend admin read_only listener capped'
const others = than => KNOWN.split(' ').filter(name => !than.split(' ').includes(name)).join(' ')
const UNNAMED = 'read_only listener capped' // their policy or cap allows no `emit`
const INSIDE = 'owner member another_key acting user'
const OUTSIDE = 'stranger removed backend admin'
const OWNERS = 'owner acting user'

const OF_KEYS = `owner member stranger removed another_key acting backend ${UNNAMED}` // keys open nothing of an account's
const FOR_ADMINS = { any: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN } }
const EVERYBODY = `${KNOWN} ${Object.values(UNKNOWN).join(' ')}`

/*
 * A deed is what one or more rows do: those of the same meaning over REST and Socket.IO answer alike. `states` says, for each
 * state of what it is done to, which code (proto/errors.def, or ok) is answered to whom. `recent`: a registered user does it
 * soon after signing in. deeds.mjs does them.
 */
export const deeds = {
  'room:create': {
    rows: ['POST /api/v1/rooms', '/chat room:create'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'room:list': {
    rows: ['GET /api/v1/rooms', 'POST /account/export/rooms', '/chat room:list'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'sync': {
    rows: ['GET /api/v1/sync', '/chat sync'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'mention:list': {
    rows: ['GET /api/v1/mentions', '/chat mention:list'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'notification:list': {
    rows: ['GET /api/v1/notifications', 'POST /account/export/notifications', '/notification notification:list'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'notification:read': {
    rows: ['POST /api/v1/notifications/read', '/notification notification:read'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'quiet:get': {
    rows: ['GET /api/v1/notifications/quiet', '/notification quiet:get'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'quiet:set': {
    rows: ['PUT /api/v1/notifications/quiet', '/notification quiet:set'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'push:key': {
    rows: ['GET /api/v1/push/key', '/notification push:key'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'push:subscribe': {
    rows: ['POST /api/v1/push/subscriptions', '/notification push:subscribe'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'push:list': {
    rows: ['GET /api/v1/push/subscriptions', '/notification push:list'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'push:unsubscribe': {
    rows: ['DELETE /api/v1/push/subscriptions/{subscription}', '/notification push:unsubscribe'],
    states: { any: { not_found: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'presence:get': {
    rows: ['GET /api/v1/presence', '/chat presence:get'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'receipt:list': {
    rows: ['GET /api/v1/rooms/{room}/receipts', '/chat receipt:list'],
    states: {
      open: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'receipt:mine': {
    rows: ['GET /api/v1/receipts/me', '/chat receipt:mine'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'receipt:set': {
    rows: ['PUT /api/v1/receipts/me', '/chat receipt:set'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'presence:mine': {
    rows: ['GET /api/v1/presence/me', '/chat presence:mine'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'presence:set': {
    rows: ['PUT /api/v1/presence/me', '/chat presence:set'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'presence:watch': {
    rows: ['/chat presence:watch'],
    states: {
      'open, joined': { ok: `${INSIDE} stranger backend admin read_only listener`, not_joined: 'removed', forbidden: 'capped', ...UNKNOWN },
      'closed, joined': { ok: `${INSIDE} read_only listener`, not_joined: OUTSIDE, forbidden: 'capped', ...UNKNOWN },
      'open, not joined': { not_joined: `${INSIDE} ${OUTSIDE} read_only listener`, forbidden: 'capped', ...UNKNOWN },
      missing: { not_joined: `${INSIDE} ${OUTSIDE} read_only listener`, forbidden: 'capped', ...UNKNOWN },
    },
  },
  // What is watched, and then is not, is in r_presence.test.mjs.
  'presence:unwatch': {
    rows: ['/chat presence:unwatch'],
    states: {
      'open, joined': { not_joined: `${INSIDE} ${OUTSIDE} read_only listener`, forbidden: 'capped', ...UNKNOWN },
      missing: { not_joined: `${INSIDE} ${OUTSIDE} read_only listener`, forbidden: 'capped', ...UNKNOWN },
    },
  },
  'room:find': {
    rows: ['GET /api/v1/rooms/find', '/chat room:find'],
    states: { any: { ok: 'owner member stranger removed another_key acting user backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'room:join': {
    rows: ['/chat room:join'],
    states: {
      open: { ok: `${INSIDE} ${OUTSIDE} read_only listener`, forbidden: 'capped', ...UNKNOWN },
      closed: { ok: `${INSIDE} read_only listener`, forbidden: `${OUTSIDE} capped`, ...UNKNOWN },
      'closed, from a seq on': { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE} read_only listener`, forbidden: 'capped', ...UNKNOWN },
    },
  },
  'room:leave': {
    rows: ['/chat room:leave'],
    states: {
      'open, joined': { ok: `${INSIDE} stranger backend admin read_only listener`, not_joined: 'removed', forbidden: 'capped', ...UNKNOWN },
      'closed, joined': { ok: `${INSIDE} read_only listener`, not_joined: OUTSIDE, forbidden: 'capped', ...UNKNOWN },
      'open, not joined': { not_joined: `${INSIDE} ${OUTSIDE} read_only listener`, forbidden: 'capped', ...UNKNOWN },
      missing: { not_joined: `${INSIDE} ${OUTSIDE} read_only listener`, forbidden: 'capped', ...UNKNOWN },
    },
  },
  'room:invite': {
    rows: ['POST /api/v1/rooms/{room}/members', '/chat room:invite'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'webhook:create': {
    rows: ['POST /api/v1/rooms/{room}/webhooks'],
    states: {
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'webhook:list': {
    rows: ['GET /api/v1/rooms/{room}/webhooks'],
    states: {
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'webhook:update': {
    rows: ['PATCH /api/v1/rooms/{room}/webhooks/{webhook}'],
    states: {
      'closed, with a webhook': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'webhook:delete': {
    rows: ['DELETE /api/v1/rooms/{room}/webhooks/{webhook}'],
    states: {
      'closed, with a webhook': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'webhook:rotate': {
    rows: ['POST /api/v1/rooms/{room}/webhooks/{webhook}/rotate'],
    states: {
      'closed, with a webhook': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'webhook:test': {
    rows: ['POST /api/v1/rooms/{room}/webhooks/{webhook}/test'],
    states: {
      'closed, with a webhook': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'webhook:replay': {
    rows: ['POST /api/v1/rooms/{room}/webhooks/{webhook}/replay'],
    states: {
      'closed, with a webhook': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'webhook:deliveries': {
    rows: ['GET /api/v1/rooms/{room}/webhooks/{webhook}/deliveries'],
    states: {
      'closed, with a webhook': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'webhook:attempts': {
    rows: ['GET /api/v1/rooms/{room}/webhooks/{webhook}/attempts'],
    states: {
      'closed, with a webhook': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'hook:create': {
    rows: ['POST /api/v1/rooms/{room}/hooks'],
    states: {
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'hook:list': {
    rows: ['GET /api/v1/rooms/{room}/hooks'],
    states: {
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'hook:update': {
    rows: ['PATCH /api/v1/rooms/{room}/hooks/{hook}'],
    states: {
      'closed, with a hook': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'hook:rotate': {
    rows: ['POST /api/v1/rooms/{room}/hooks/{hook}/rotate'],
    states: {
      'closed, with a hook': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'hook:delete': {
    rows: ['DELETE /api/v1/rooms/{room}/hooks/{hook}'],
    states: {
      'closed, with a hook': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'hook:post': {
    rows: ['POST /hooks/{room}/{code}'],
    states: { 'closed, with a hook': { ok: EVERYBODY }, missing: { not_found: EVERYBODY } },
  },
  'invite:create': {
    rows: ['POST /api/v1/rooms/{room}/invites', '/chat invite:create'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'invite:list': {
    rows: ['GET /api/v1/rooms/{room}/invites', '/chat invite:list'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'invite:revoke': {
    rows: ['DELETE /api/v1/rooms/{room}/invites/{invite}', '/chat invite:revoke'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'invite:show': {
    rows: ['POST /api/v1/rooms/{room}/invites/show', '/chat invite:show'],
    states: {
      'closed, by a link': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      'open, without one': { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'invite:accept': {
    rows: ['POST /api/v1/rooms/{room}/invites/accept', '/chat invite:accept'],
    states: {
      'closed, by a link': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      'open, without one': { ok: INSIDE, not_found: OUTSIDE, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'room:show': {
    rows: ['GET /api/v1/rooms/{room}/front', '/chat room:show'],
    states: {
      open: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      'closed, one may ask': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'room:knock': {
    rows: ['POST /api/v1/rooms/{room}/knocks', '/chat room:knock'],
    states: {
      open: { forbidden: KNOWN, ...UNKNOWN },
      closed: { forbidden: KNOWN, ...UNKNOWN },
      'closed, one may ask': { ok: OUTSIDE, forbidden: `${INSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'knock:list': {
    rows: ['GET /api/v1/rooms/{room}/knocks', '/chat knock:list'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      'closed, one may ask': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'knock:mine': {
    rows: ['GET /api/v1/knocks', 'POST /account/export/knocks', '/chat knock:mine'],
    states: { any: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  // Of who is a member already.
  'knock:answer': {
    rows: ['PUT /api/v1/rooms/{room}/knocks/{subject}', '/chat knock:answer'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      'closed, one may ask': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'knock:withdraw': {
    rows: ['DELETE /api/v1/rooms/{room}/knocks', '/chat knock:withdraw'],
    states: {
      closed: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'room:remove': {
    rows: ['DELETE /api/v1/rooms/{room}/members/{member}', '/chat room:remove'],
    states: {
      'another, open': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      'another, closed': { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      'itself, closed': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'message:send': {
    rows: ['POST /api/v1/rooms/{room}/messages', '/chat message:send'],
    states: {
      open: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      'closed, joined': { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'message:schedule': {
    rows: ['POST /api/v1/rooms/{room}/scheduled', '/chat message:schedule'],
    states: {
      open: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'scheduled:list': {
    rows: ['GET /api/v1/scheduled', 'POST /account/export/scheduled', '/chat scheduled:list'],
    states: { any: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  // One's own message, and one of another.
  ...Object.fromEntries([['change', 'PATCH', ''], ['cancel', 'DELETE', ''], ['send', 'POST', '/send']].map(([verb, http, path]) => [`scheduled:${verb}`, {
    rows: [`${http} /api/v1/rooms/{room}/scheduled/{id}${path}`, `/chat scheduled:${verb}`],
    states: {
      "one's own": { ok: INSIDE, not_found: OUTSIDE, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  }])),
  'draft:set': {
    rows: ['PUT /api/v1/rooms/{room}/draft', '/chat draft:set'],
    states: {
      open: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  // One's own, wherever it is.
  'draft:clear': {
    rows: ['DELETE /api/v1/rooms/{room}/draft', '/chat draft:clear'],
    states: {
      open: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      closed: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'draft:list': {
    rows: ['GET /api/v1/drafts', 'POST /account/export/drafts', '/chat draft:list'],
    states: { any: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'room:export': {
    rows: ['GET /api/v1/rooms/{room}/export'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE} read_only`, forbidden: 'listener capped', ...UNKNOWN },
    },
  },
  'room:bring': { rows: ['POST /api/v1/admin/rooms/import'], states: FOR_ADMINS },
  'message:list': {
    rows: ['GET /api/v1/rooms/{room}/messages', '/chat message:list'],
    states: {
      open: { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      closed: { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      'closed, joined': { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE} read_only`, forbidden: 'listener capped', ...UNKNOWN },
    },
  },
  'message:search': {
    rows: ['GET /api/v1/search', '/chat message:search'],
    states: {
      any: { ok: `${INSIDE} ${OUTSIDE} read_only`, forbidden: 'listener capped', ...UNKNOWN },
      'in a closed room': { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE} read_only`, forbidden: 'listener capped', ...UNKNOWN },
    },
  },
  'message:get': {
    rows: ['GET /api/v1/rooms/{room}/messages/{seq}', '/chat message:get'],
    states: {
      open: { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      closed: { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE} read_only`, forbidden: 'listener capped', ...UNKNOWN },
    },
  },
  'message:versions': {
    rows: ['GET /api/v1/rooms/{room}/messages/{seq}/versions', '/chat message:versions'],
    states: {
      open: { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      closed: { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE} read_only`, forbidden: 'listener capped', ...UNKNOWN },
    },
  },
  'message:hide': {
    rows: ['PUT /api/v1/rooms/{room}/messages/{seq}/hidden', '/chat message:hide'],
    states: {
      open: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'pin:list': {
    rows: ['GET /api/v1/rooms/{room}/pins', '/chat pin:list'],
    states: {
      open: { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      closed: { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE} read_only`, forbidden: 'listener capped', ...UNKNOWN },
    },
  },
  // The message is of the room's maker: what others may do to it. Whoever is away from its room may do nothing.
  'message:edit': {
    rows: ['PATCH /api/v1/rooms/{room}/messages/{seq}', '/chat message:edit'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'message:delete': {
    rows: ['DELETE /api/v1/rooms/{room}/messages/{seq}', '/chat message:delete'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'message:withhold': {
    rows: ['POST /api/v1/rooms/{room}/messages/{seq}/withhold', '/chat message:withhold'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'message:release': { // of a message that is not withheld
    rows: ['POST /api/v1/rooms/{room}/messages/{seq}/release', '/chat message:release'],
    states: {
      open: { not_found: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { not_found: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'withheld:list': {
    rows: ['GET /api/v1/rooms/{room}/withheld', '/chat withheld:list'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE} read_only`, forbidden: 'listener capped', ...UNKNOWN },
    },
  },
  'report:create': { // whoever asks reports a message that is not there
    rows: ['POST /api/v1/rooms/{room}/reports', '/chat report:create'],
    states: {
      open: { not_found: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { not_found: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'report:list': {
    rows: ['GET /api/v1/rooms/{room}/reports', '/chat report:list'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE} read_only`, forbidden: 'listener capped', ...UNKNOWN },
    },
  },
  'report:assign': { // one that is not there
    rows: ['POST /api/v1/rooms/{room}/reports/{report}/assign', '/chat report:assign'],
    states: {
      open: { not_found: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { not_found: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'report:resolve': {
    rows: ['POST /api/v1/rooms/{room}/reports/{report}/resolve', '/chat report:resolve'],
    states: {
      open: { not_found: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { not_found: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'reaction:add': {
    rows: ['POST /api/v1/rooms/{room}/reactions', '/chat reaction:add'],
    states: {
      open: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'reaction:remove': {
    rows: ['DELETE /api/v1/rooms/{room}/reactions/{seq}/{emoji}', '/chat reaction:remove'],
    states: {
      'open, without one': { not_found: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      'closed, without one': { not_found: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'pin:add': {
    rows: ['POST /api/v1/rooms/{room}/pins', '/chat pin:add'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'pin:remove': {
    rows: ['DELETE /api/v1/rooms/{room}/pins/{seq}', '/chat pin:remove'],
    states: {
      'open, not pinned': { not_found: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      'closed, not pinned': { not_found: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'room:get': {
    rows: ['GET /api/v1/rooms/{room}', '/chat room:get'],
    states: {
      open: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  // What each role may is in n_roles.test.mjs: here a member is one without another role.
  'room:update': {
    rows: ['PATCH /api/v1/rooms/{room}', '/chat room:update'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'room:mute': {
    rows: ['PUT /api/v1/rooms/{room}/mute', '/chat room:mute'],
    states: {
      open: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'read:mark': {
    rows: ['PUT /api/v1/rooms/{room}/read', '/chat read:mark'],
    states: {
      open: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'room:archive': {
    rows: ['PUT /api/v1/rooms/{room}/archive', '/chat room:archive'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'room:delete': {
    rows: ['DELETE /api/v1/rooms/{room}', '/chat room:delete'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'room:bans': {
    rows: ['GET /api/v1/rooms/{room}/bans', '/chat room:bans'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'member:role': {
    rows: ['PUT /api/v1/rooms/{room}/members/{member}/role', '/chat member:role'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'member:mute': {
    rows: ['PUT /api/v1/rooms/{room}/members/{member}/mute', '/chat member:mute'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'member:ban': {
    rows: ['PUT /api/v1/rooms/{room}/bans/{member}', '/chat member:ban'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'member:unban': {
    rows: ['DELETE /api/v1/rooms/{room}/bans/{member}', '/chat member:unban'],
    states: {
      open: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: OWNERS, forbidden: `member another_key ${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'member:list': {
    rows: ['GET /api/v1/rooms/{room}/members', '/chat member:list'],
    states: {
      open: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: INSIDE, forbidden: `${OUTSIDE} ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  // Somebody whom nobody has asked before; what a block, a request or an answer is to who it is about is in test_friends.c.
  'friend:request': {
    rows: ['POST /api/v1/friends', '/chat friend:request'],
    states: {
      'somebody new': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      'a user who is not there': { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'room:direct': {
    rows: ['POST /api/v1/rooms/direct', '/chat room:direct'],
    states: {
      'with somebody new': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      'with a user who is not there': { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'friend:accept': {
    rows: ['POST /api/v1/friends/{subject}/accept', '/chat friend:accept'],
    states: { 'who has not asked': { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'friend:decline': {
    rows: ['POST /api/v1/friends/{subject}/decline', '/chat friend:decline'],
    states: { 'somebody new': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'friend:cancel': {
    rows: ['DELETE /api/v1/friends/{subject}/request', '/chat friend:cancel'],
    states: { 'somebody new': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'friend:remove': {
    rows: ['DELETE /api/v1/friends/{subject}', '/chat friend:remove'],
    states: { 'somebody new': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'friend:block': {
    rows: ['PUT /api/v1/friends/{subject}/block', '/chat friend:block'],
    states: { 'somebody new': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'friend:unblock': {
    rows: ['DELETE /api/v1/friends/{subject}/block', '/chat friend:unblock'],
    states: { 'somebody new': { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'friend:list': {
    rows: ['GET /api/v1/friends', 'POST /account/export/friends', '/chat friend:list'],
    states: { any: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'room:event': {
    rows: ['POST /api/v1/rooms/{room}/events'],
    states: {
      open: { ok: 'backend admin', forbidden: `${INSIDE} stranger removed ${UNNAMED}`, ...UNKNOWN },
      closed: { ok: 'backend admin', forbidden: `${INSIDE} stranger removed ${UNNAMED}`, ...UNKNOWN },
      missing: { not_found: 'backend admin', forbidden: `${INSIDE} stranger removed ${UNNAMED}`, ...UNKNOWN },
    },
  },
  'conversation:create': {
    rows: ['POST /api/v1/conversations'],
    states: { any: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'conversation:import': {
    rows: ['POST /api/v1/conversations/import', 'GET /account/import', 'POST /account/import'],
    states: { any: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'import:lead': { rows: ['GET /import'], states: { any: { ok: EVERYBODY } } },
  'conversation:list': { rows: ['GET /api/v1/conversations'], states: { any: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } } },
  'conversation:get': {
    rows: ['GET /api/v1/conversations/{conversation}', 'GET /api/v1/conversations/{conversation}/export', 'POST /api/v1/conversations/{conversation}/duplicate'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's, public": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'conversation:put': {
    rows: ['PUT /api/v1/conversations/{conversation}', 'PATCH /api/v1/conversations/{conversation}'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's, public": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  ...Object.fromEntries(Object.entries({
    versions: ['GET /api/v1/conversations/{conversation}/versions', 'GET /api/v1/conversations/{conversation}/versions/{version}'],
    restore: ['POST /api/v1/conversations/{conversation}/versions/{version}/restore'],
    forget: ['DELETE /api/v1/conversations/{conversation}/versions/{version}', 'DELETE /api/v1/conversations/{conversation}/versions'],
  }).map(([does, rows]) => [`conversation:${does}`, {
    rows,
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's, public": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  }])),
  'conversation:delete': {
    rows: ['DELETE /api/v1/conversations/{conversation}', 'POST /api/v1/conversations/{conversation}/undelete'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's, public": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'conversation:show': {
    rows: ['GET /api/v1/public/conversations/{conversation}'],
    states: { "one's own": { not_found: EVERYBODY }, "another's, public": { ok: EVERYBODY }, missing: { not_found: EVERYBODY } },
  },
  ...Object.fromEntries(Object.entries({ people: 'GET /api/v1/conversations/{conversation}/people', share: 'POST /api/v1/conversations/{conversation}/people', unshare: 'DELETE /api/v1/conversations/{conversation}/people/{subject}' }).map(([does, row]) => [`conversation:${does}`, {
    rows: [row],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's, public": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  }])),
  'share:create': {
    rows: ['POST /api/v1/conversations/{conversation}/share', 'GET /api/v1/conversations/{conversation}/share'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's, public": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'share:edit': {
    rows: ['PATCH /api/v1/share-links/{link}', 'POST /api/v1/share-links/{link}/reset', 'DELETE /api/v1/share-links/{link}'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'share:page': {
    rows: ['GET /s/{code}', 'POST /s/{code}'],
    states: { there: { ok: EVERYBODY }, missing: { not_found: EVERYBODY } },
  },
  'share:open': {
    rows: ['GET /api/v1/share/{code}'],
    states: { there: { ok: EVERYBODY }, missing: { not_found: EVERYBODY } },
  },
  'share:report': {
    rows: ['POST /api/v1/share/{code}/report', 'POST /s/{code}/report'],
    states: { 'of a link that one has opened': { ok: EVERYBODY }, 'of one that one has not': { forbidden: EVERYBODY }, missing: { not_found: EVERYBODY } },
  },
  'share:take': {
    rows: ['GET /api/v1/share/{code}/export', 'GET /s/{code}/export'],
    states: { 'of a link that one has opened': { ok: EVERYBODY }, 'of one that one has not': { forbidden: EVERYBODY }, missing: { not_found: EVERYBODY } },
  },
  'share:reports': {
    rows: ['GET /api/v1/admin/shares/reports', 'GET /api/v1/admin/shares/takedown'],
    states: FOR_ADMINS,
  },
  'share:moderate': {
    rows: ['GET /api/v1/admin/shares/reports/{report}', 'POST /api/v1/admin/shares/reports/{report}/assign', 'POST /api/v1/admin/shares/reports/{report}/resolve'],
    states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'share:takedown': {
    rows: ['POST /api/v1/admin/shares/takedown', 'POST /api/v1/admin/shares/restore'],
    states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'share:file': {
    rows: ['GET /s/{code}/media/{media}'],
    states: { 'of a link that one has opened': { ok: EVERYBODY }, 'of one that one has not': { forbidden: EVERYBODY }, missing: { not_found: EVERYBODY } },
  },
  'media:create': {
    rows: ['POST /api/v1/media'],
    states: { any: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'media:get': {
    rows: ['GET /media/{media}/{name}', 'GET /media/{media}', 'GET /api/v1/media/{media}'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      'another\'s, shown in an open room': { ok: INSIDE, not_found: OUTSIDE, forbidden: UNNAMED, ...UNKNOWN },
      'another\'s, shown in a closed room': { ok: INSIDE, not_found: OUTSIDE, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'transfer:create': {
    rows: ['POST /api/v1/uploads'],
    states: { any: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'transfer:get': {
    rows: ['GET /api/v1/uploads/{transfer}'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'transfer:part': {
    rows: ['PATCH /api/v1/uploads/{transfer}'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'transfer:delete': {
    rows: ['DELETE /api/v1/uploads/{transfer}'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  'media:sign': { // what one may not see is left out
    rows: ['POST /api/v1/media/urls'],
    states: { any: { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN } },
  },
  'media:delete': {
    rows: ['DELETE /api/v1/media/{media}'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
  },
  // Here the credential is in the body: the key behind the caller's token, with the subject that it speaks for.
  'token:issue': {
    rows: ['POST /auth/token'],
    states: {
      'with its key': {
        ok: 'owner member stranger removed another_key acting backend admin read_only listener capped expired',
        forbidden: 'ungranted', invalid_argument: 'anonymous user', key_revoked: 'revoked', address_refused: 'elsewhere', key_invalid: 'forged',
      },
    },
  },
  'avatar:set': { rows: ['PUT /api/v1/users/me/avatar'], states: { 'of an image that is not there': { not_found: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'avatar:remove': { rows: ['DELETE /api/v1/users/me/avatar'], states: { any: { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'avatar:open': { rows: ['GET /avatars/{user}/{file}'], states: { 'of any name': { not_found: EVERYBODY } } },
  'avatar:draw': { rows: ['GET /avatars/{user}'], states: { 'of any id': { ok: EVERYBODY } } },
  'keys:read': {
    rows: ['GET /.well-known/jwks.json'],
    states: { any: { ok: EVERYBODY } },
  },

  // Anybody may try: what counts is in the body. Every caller tries with what only the registered user has.
  'user:register': {
    rows: ['POST /api/v1/auth/register', 'POST /account/register'],
    states: { 'nobody else\'s names': { ok: EVERYBODY }, "another's e-mail": { conflict: EVERYBODY } },
  },
  'user:login': {
    rows: ['POST /api/v1/auth/login', 'POST /account/login'],
    states: { 'its password': { ok: EVERYBODY }, 'an e-mail of nobody': { credentials_invalid: EVERYBODY } },
  },
  'user:refresh': {
    rows: ['POST /api/v1/auth/refresh'],
    states: { 'its token': { ok: EVERYBODY }, 'a token of nobody': { token_invalid: EVERYBODY } },
  },
  'mail:ask': {
    rows: ['POST /api/v1/auth/verify/resend', 'POST /api/v1/auth/reset', 'POST /api/v1/auth/login/mail',
      'POST /account/verify/resend', 'POST /account/reset', 'POST /account/mail-login/ask'],
    states: { 'without a mail server': { mail_off: EVERYBODY } },
  },
  'mail:confirm': {
    rows: ['POST /api/v1/auth/verify', 'POST /api/v1/auth/reset/confirm', 'POST /api/v1/auth/login/mail/confirm',
      'POST /account/verify', 'POST /account/reset/confirm', 'POST /account/mail-login'],
    states: { 'with a token of no mail': { gone: EVERYBODY } },
  },
  'demo:open': {
    rows: ['POST /demo'],
    states: { 'with a secret of no link': { gone: EVERYBODY } },
  },
  'mail:code': {
    rows: ['POST /account/mail-login/code'],
    states: { 'of a flow that nobody began': { gone: EVERYBODY } },
  },
  'mail:ask_own': {
    rows: ['POST /api/v1/users/me/verify'],
    states: { 'without a mail server': { mail_off: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } },
  },
  // Without another provider there is none to go to, and nobody comes back.
  'oauth:begin': {
    rows: ['GET /api/v1/auth/oauth/{provider}', 'GET /api/v1/auth/oauth/{provider}/callback', 'GET /account/oauth/{provider}'],
    states: { 'of no provider': { not_found: EVERYBODY } },
  },
  'oauth:login': {
    rows: ['POST /api/v1/auth/oauth/login', 'POST /account/oauth'],
    states: { 'with a code of nobody': { gone: EVERYBODY } },
  },
  'oauth:return': {
    rows: ['POST /api/v1/auth/oauth/return', 'POST /account/oauth/return'],
    states: { 'with a code of nobody': { gone: EVERYBODY } },
  },
  'invitation:create': {
    rows: ['POST /api/v1/admin/invitations'],
    states: { any: { ok: 'admin', forbidden: `${OF_KEYS} user`, ...UNKNOWN } },
  },
  // What authctl can, an administrator can; not even a key that acts for one.
  'admin:reads': {
    rows: ['policies', 'signing-keys', 'file-keys', 'audit', 'audit/state', 'audit/chain', 'quotas'].map(path => `GET /api/v1/admin/${path}`),
    states: FOR_ADMINS,
  },
  'policy:get': { rows: ['GET /api/v1/admin/policies/{name}'], states: FOR_ADMINS },
  'policy:put': { rows: ['PUT /api/v1/admin/policies/{name}'], states: FOR_ADMINS },
  'policy:delete': { rows: ['DELETE /api/v1/admin/policies/{name}'], states: FOR_ADMINS },
  'policy:explain': { rows: ['POST /api/v1/admin/policies/{policy}/explain'], states: FOR_ADMINS },
  'policy:test': { rows: ['POST /api/v1/admin/policy-tests'], states: FOR_ADMINS },
  'signing_key:rotate': { rows: ['POST /api/v1/admin/signing-keys'], states: FOR_ADMINS },
  'quota:set': { rows: ['PUT /api/v1/admin/quotas/{name}'], states: FOR_ADMINS },
  'quota:unset': { rows: ['DELETE /api/v1/admin/quotas/{name}'], states: FOR_ADMINS },
  'usage:get': { rows: ['chat', 'share', 'store'].map(service => `GET /api/v1/admin/usage/${service}`), states: FOR_ADMINS },
  'purge:begin': { rows: ['POST /api/v1/admin/purges'], states: FOR_ADMINS },
  'purge:list': { rows: ['GET /api/v1/admin/purges'], states: FOR_ADMINS },
  'reports:list': { rows: ['GET /api/v1/admin/reports'], states: FOR_ADMINS },
  'reports:decide': { // about one that is not there
    rows: ['POST /api/v1/admin/reports/{report}/assign', 'POST /api/v1/admin/reports/{report}/resolve'],
    states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'connection:list': { rows: ['GET /api/v1/admin/connections'], states: FOR_ADMINS },
  'connection:show': { rows: ['GET /api/v1/admin/connections/{connection}'], states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'connection:end': { rows: ['POST /api/v1/admin/connections/end'], states: FOR_ADMINS },
  'rooms:list': { rows: ['GET /api/v1/admin/rooms'], states: FOR_ADMINS },
  'rooms:ref': {
    rows: ['GET /api/v1/admin/rooms/{room}'],
    states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'rooms:log': { rows: ['GET /api/v1/admin/rooms/{room}/log'], states: FOR_ADMINS }, // also of a room that is no more
  'rooms:deed': {
    rows: ['POST /api/v1/admin/rooms/{room}/archive', 'POST /api/v1/admin/rooms/{room}/unarchive'],
    states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'rooms:keep': { rows: ['PUT /api/v1/admin/rooms/{room}/retention'], states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'rooms:purge': { rows: ['POST /api/v1/admin/rooms/{room}/purge'], states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'rooms:export': { rows: ['GET /api/v1/admin/rooms/{room}/export'], states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'subject:logout': { rows: ['POST /api/v1/admin/subjects/{subject}/logout'], states: FOR_ADMINS },
  'session:logout': { rows: ['POST /api/v1/admin/sessions/{session}/logout'], states: FOR_ADMINS },
  'user:me': {
    rows: ['GET /api/v1/auth/me', 'GET /api/v1/users/me'],
    states: { any: { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } },
  },
  'session:list': {
    rows: ['GET /api/v1/auth/sessions', 'GET /account/sessions'],
    states: { any: { ok: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } },
  },
  'session:end_one': {
    rows: ['DELETE /api/v1/auth/sessions/{session}', 'POST /account/sessions/end'],
    states: {
      "one's own": { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN },
      missing: { not_found: 'user admin', forbidden: OF_KEYS, ...UNKNOWN },
    },
  },
  'session:end_others': {
    rows: ['DELETE /api/v1/auth/sessions', 'POST /account/sessions/end-others'],
    states: { any: { ok: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } },
  },
  'session:end': {
    rows: ['POST /api/v1/auth/logout', 'POST /account/logout'],
    states: {
      "one's own": { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN },
      "another's, without its refresh token": { forbidden: OF_KEYS, ...UNKNOWN, token_invalid: 'user admin forged' },
    },
  },
  // Pages for whoever has a browser.
  'account:show': {
    rows: ['', '/login', '/register', '/verify', '/reset', '/mail-login', '/mail-login/code', '/done', '/factor', '/email', '/undelete', '/oauth', '/prove'].map(path => `GET /account${path}`),
    states: { any: { ok: `${KNOWN} ${Object.values(UNKNOWN).join(' ')}` } },
  },
  'language:choose': {
    rows: ['POST /account/language'],
    states: { any: { ok: `${KNOWN} ${Object.values(UNKNOWN).join(' ')}` } },
  },

  // For people, whose policy opens /account, and not for a key that acts for them; then for administrators.
  'attempts:own': { rows: ['GET /api/v1/auth/attempts'], states: { any: { ok: 'user admin', forbidden: others('user admin'), ...UNKNOWN } } },
  'attempts:all': { rows: ['GET /api/v1/admin/attempts'], states: { any: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'alert:list': { rows: ['GET /api/v1/admin/alerts'], states: FOR_ADMINS },
  'notice:list': { rows: ['GET /api/v1/admin/notices'], states: FOR_ADMINS },
  'notice:put': { rows: ['POST /api/v1/admin/notices'], states: FOR_ADMINS },
  'notice:withdraw': { rows: ['DELETE /api/v1/admin/notices/{notice}'], states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'ban:list': { rows: ['GET /api/v1/admin/bans'], states: { any: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'ban:add': { rows: ['POST /api/v1/admin/bans'], states: { any: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'ban:remove': { rows: ['DELETE /api/v1/admin/bans/{ban}'], states: { missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } } },

  'key:list': {
    rows: ['GET /api/v1/admin/keys'],
    states: { any: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'key:issue': {
    rows: ['POST /api/v1/admin/keys'],
    states: { any: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'key:get': {
    rows: ['GET /api/v1/admin/keys/{id}', 'GET /api/v1/admin/keys/{id}/usage'],
    states: { there: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN }, missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'key:edit': {
    rows: ['PATCH /api/v1/admin/keys/{id}'],
    states: { there: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN }, missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'key:ref': {
    rows: ['DELETE /api/v1/admin/keys/{id}', 'POST /api/v1/admin/keys/{id}/disable', 'POST /api/v1/admin/keys/{id}/enable', 'POST /api/v1/admin/keys/{id}/rotate'],
    states: { there: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN }, missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'identity:list': { rows: ['GET /api/v1/auth/identities', 'GET /account/identities'], states: { any: { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'identity:link': { rows: ['POST /api/v1/auth/identities', 'POST /account/oauth/link'], recent: true, states: { 'a code of nobody': { gone: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'identity:unlink': { rows: ['DELETE /api/v1/auth/identities/{identity}', 'POST /account/identities/unlink'], recent: true, states: { missing: { not_found: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'factor:list': { rows: ['GET /api/v1/auth/factors', 'GET /account/factors'], states: { any: { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'factor:remove': {
    rows: ['DELETE /api/v1/auth/factors/{factor}', 'POST /account/factors/remove'], recent: true,
    states: {
      'one of the registered user': { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN },
      missing: { not_found: 'user admin', forbidden: OF_KEYS, ...UNKNOWN },
    },
  },
  'factor:prove': {
    rows: ['POST /api/v1/auth/factor'],
    states: { 'nothing is pending': { ...UNKNOWN, session_ended: 'user ungranted', token_invalid: 'forged backend', forbidden: `${OF_KEYS} admin`.replace(' backend', '') } },
  },
  'factor:prove_page': {
    rows: ['POST /account/factor', 'POST /account/factor/passkey'],
    states: { 'of a session of nobody': { token_invalid: EVERYBODY } },
  },
  'totp:show': { rows: ['GET /account/factors/app'], states: { 'without an app': { not_found: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'totp:begin': { rows: ['POST /api/v1/auth/totp', 'POST /account/factors/app/begin'], recent: true, states: { any: { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'totp:confirm': {
    rows: ['POST /api/v1/auth/totp/confirm', 'POST /account/factors/app'], recent: true,
    states: { 'a wrong code': { invalid_argument: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } },
  },
  'recovery:renew': {
    rows: ['POST /api/v1/auth/recovery-codes', 'POST /account/factors/codes'], recent: true,
    states: { 'without an app': { conflict: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } },
  },
  'passkey:begin': { rows: ['POST /api/v1/auth/passkeys/options', 'POST /account/passkeys/options'], recent: true, states: { any: { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'passkey:add': {
    rows: ['POST /api/v1/auth/passkeys', 'POST /account/passkeys'], recent: true,
    states: { 'of no challenge of ours': { gone: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } },
  },
  'passkey:ask': { rows: ['POST /api/v1/auth/passkeys/challenge'], states: { any: { ok: EVERYBODY } } },
  'passkey:login': { rows: ['POST /api/v1/auth/passkeys/login', 'POST /account/passkey'], states: { 'a passkey of nobody': { credentials_invalid: EVERYBODY } } },
  'passkey:return': { rows: ['POST /api/v1/auth/passkeys/return', 'POST /account/passkey/return'], states: { 'a passkey of nobody': { credentials_invalid: EVERYBODY } } },

  'user:edit': { rows: ['PATCH /api/v1/users/me'], states: { any: { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'user:leave': { rows: ['DELETE /api/v1/users/me', 'POST /account/delete'], states: { any: { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'user:password': {
    rows: ['PUT /api/v1/users/me/password', 'POST /account/password'],
    states: { 'another password': { credentials_invalid: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } },
  },
  'user:email': { rows: ['PUT /api/v1/users/me/email', 'POST /account/email'], recent: true, states: { 'without a mail server': { mail_off: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'email:confirm': { rows: ['POST /api/v1/auth/email', 'POST /account/email/confirm'], states: { 'a token of nobody': { gone: EVERYBODY } } },
  'user:export': { rows: ['GET /api/v1/users/me/export', 'POST /account/export/account'], recent: true, states: { any: { ok: 'user', not_found: 'admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'export:read': {
    rows: ['messages', 'reactions', 'conversations', 'versions', 'media'].map(list => `GET /api/v1/users/me/export/${list}`)
      .concat(['messages', 'reactions', 'conversations', 'versions', 'media'].map(list => `POST /account/export/${list}`)),
    states: { any: { ok: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } },
  },
  'export:urls': { rows: ['POST /account/export/urls'], states: { any: { ok: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'user:undelete': { rows: ['POST /api/v1/auth/undelete', 'POST /account/undelete'], states: { 'a token of no mail': { gone: EVERYBODY } } },
  'own:show': { rows: ['GET /account/password', 'GET /account/export', 'GET /account/delete'], states: { any: { ok: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'user:return': { rows: ['POST /api/v1/auth/return', 'POST /account/undelete/password'], states: { 'who has not left': { credentials_invalid: EVERYBODY } } },
  'user:get': {
    rows: ['GET /api/v1/users/{user}'],
    states: { there: { ok: 'user admin', forbidden: OF_KEYS, ...UNKNOWN }, missing: { not_found: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } },
  },
  'user:list': { rows: ['GET /api/v1/users'], states: { there: { ok: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'user:find': { rows: ['GET /api/v1/users/find'], states: { nobody: { not_found: 'user admin', forbidden: OF_KEYS, ...UNKNOWN } } },
  'people:list': { rows: ['GET /api/v1/admin/users'], states: { any: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'people:create': { rows: ['POST /api/v1/admin/users'], states: { any: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'people:ref': {
    rows: ['GET /api/v1/admin/users/{user}', 'DELETE /api/v1/admin/users/{user}', 'POST /api/v1/admin/users/{user}/disable', 'POST /api/v1/admin/users/{user}/enable',
      'GET /api/v1/admin/users/{user}/sessions', 'POST /api/v1/admin/users/{user}/logout', 'POST /api/v1/admin/users/{user}/reset-password'],
    states: { there: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN }, missing: { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } },
  },
  'people:erasure': { rows: ['GET /api/v1/admin/users/{user}/erasure'], states: { 'never erased': { not_found: 'admin', forbidden: others('admin'), ...UNKNOWN } } },
  'people:policy': { rows: ['PUT /api/v1/admin/users/{user}/policy'], states: { there: { ok: 'admin', forbidden: others('admin'), ...UNKNOWN } } },

  // What sockets may besides rows: an event that policies name and no row answers, and coming into a namespace.
  relay: {
    rows: [],
    states: {
      'closed, joined': { ok: INSIDE, not_joined: OUTSIDE, no_event: 'read_only', forbidden: 'listener capped', ...UNKNOWN },
      'open, joined': { ok: `${INSIDE} stranger backend admin`, not_joined: 'removed', no_event: 'read_only', forbidden: 'listener capped', ...UNKNOWN },
      'open, not joined': { not_joined: `${INSIDE} ${OUTSIDE}`, no_event: 'read_only', forbidden: 'listener capped', ...UNKNOWN },
      missing: { not_joined: `${INSIDE} ${OUTSIDE}`, no_event: 'read_only', forbidden: 'listener capped', ...UNKNOWN },
    },
  },
  connect: {
    rows: [],
    states: {
      '/': { ok: KNOWN, ...UNKNOWN },
      '/chat': { ok: KNOWN, ...UNKNOWN },
      '/notification': { ok: KNOWN, ...UNKNOWN },
      '/error': { ok: KNOWN, ...UNKNOWN },
      '/system': { ok: KNOWN, ...UNKNOWN },
      '/admin': { no_namespace: `${KNOWN} ${Object.values(UNKNOWN).join(' ')}` },
    },
  },
}

/** Who has no socket, and so hears nothing. */
const AWAY = Object.values(UNKNOWN).join(' ')

/*
 * Who hears a HEAR row in which scenario (hearing.mjs plays them): `hears` once on each of its sockets, `silent` has sockets
 * that hear nothing of it, `away` has none. Nobody else's socket hears it: a silent stranger listens to all of them.
 */
export const hearings = {
  '/chat message': {
    'in a closed room that everybody tries to join': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
    'in an open room that everybody tries to join': { hears: `${INSIDE} stranger backend admin read_only listener`, silent: 'removed capped', away: AWAY },
    'in a room that nobody joined': { hears: '', silent: KNOWN, away: AWAY },
  },
  '/chat entry': {
    'in a closed room that everybody tries to join': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
    'in a room that nobody joined': { hears: '', silent: KNOWN, away: AWAY },
  },
  '/chat presence': {
    'when another comes into a closed room that everybody tries to join and to watch': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
    'in a closed room that everybody joins and nobody watches': { hears: '', silent: KNOWN, away: AWAY },
  },
  '/chat room:added': {
    'when a room is made with them, and nobody joins it': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '/chat room:changed': {
    'when somebody says something in a room that nobody joined': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '/chat read:changed': {
    'when each of them has read on in a room that nobody joined': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '/chat receipts': {
    'when another has read on in a closed room that everybody tries to join': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
    'when another has read on in a room that nobody joined': { hears: '', silent: KNOWN, away: AWAY },
  },
  '/chat room:removed': {
    'when its subject is removed from a room that nobody joined': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
    'when another is removed': { hears: '', silent: KNOWN, away: AWAY },
    'when its subject is removed': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '/chat scheduled:changed': {
    'when each of them schedules a message': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '/chat scheduled:removed': {
    'when each of them cancels it': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '/notification notification': {
    'when a room is made with them': { hears: `${INSIDE} listener`, silent: `${OUTSIDE} read_only capped`, away: AWAY },
  },
  '/notification notification:changed': {
    'when that room is deleted': { hears: `${INSIDE} listener`, silent: `${OUTSIDE} read_only capped`, away: AWAY },
  },
  '/chat draft:changed': {
    'when each of them begins to write': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '/chat draft:cleared': {
    'when each of them clears it': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '/chat user:changed': {
    'when a user who is in two rooms with others has another name': { hears: `${INSIDE} stranger backend admin read_only listener`, silent: 'removed capped', away: AWAY },
  },
  '/chat recovery:off': {
    'who joins more rooms than can be put on record': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '* token:expiring': {
    'while a token ends': { hears: 'expired', silent: `${KNOWN} revoked elsewhere ungranted`, away: 'anonymous forged' },
  },
  '* error': {
    'when a token ends, a key is revoked, bound, or loses a right': { hears: 'expired revoked elsewhere ungranted', silent: KNOWN, away: 'anonymous forged' },
  },
  '/system notice': {
    'when an administrator says something, and when they come while it holds': { hears: KNOWN, silent: '', away: AWAY },
  },
  '/system notice:end': {
    'when it is withdrawn': { hears: KNOWN, silent: '', away: AWAY },
  },
  '/system alert': {
    'when a key is used from a new network': { hears: 'admin', silent: others('admin'), away: AWAY },
  },
  '/link link:changed': {
    'when what a link shows changes, that somebody without an identity listens to': { hears: '', silent: KNOWN, away: AWAY },
  },
  '/link link:ended': {
    'when a link is revoked that somebody without an identity listens to': { hears: '', silent: KNOWN, away: AWAY },
  },
  '/error error': {
    'who emits what nothing answers, without an acknowledgement': { hears: KNOWN, silent: '', away: AWAY },
  },
  '* server:closing': {
    'when the gateway leaves': { hears: KNOWN, silent: '', away: AWAY },
  },
}

/*
 * A right that a member loses who joined a closed room. `connects`: what its socket is answered that was away and comes back:
 * `recovered`, `anew` for one without its former rooms, or a code. `present`: what becomes of the one that was there: it `stays`,
 * is `put out` of the room, stays because it is `renewed not`, or is disconnected with a code. Then whether who came back
 * hears the room and what was said meanwhile, and what it is answered there. lost.mjs loses them.
 */
const NO_MORE = { hears: false, join: 'forbidden', send: 'forbidden', list: 'forbidden' }
const AS_BEFORE = { hears: true, join: 'ok', send: 'ok', list: 'ok' }
export const losses = {
  'nothing is lost': { connects: 'recovered', present: 'stays', ...AS_BEFORE },
  'it is removed from the room': { connects: 'anew', present: 'put out', ...NO_MORE },
  'it is removed, and invited again': { connects: 'recovered', present: 'put out', ...AS_BEFORE },
  'its policy denies the room': { connects: 'anew', present: 'put out', ...NO_MORE },
  'its policy denies the namespace': { connects: 'forbidden', present: 'forbidden' },
  'its key is revoked': { connects: 'key_revoked', present: 'key_revoked' },
  'its key is disabled': { connects: 'key_disabled', present: 'key_disabled' },
  'its key gets a policy that denies the namespace': { connects: 'forbidden', present: 'forbidden' },
  "its key's time is over": { connects: 'key_expired', present: 'key_expired' },
  'its key is bound to other networks': { connects: 'address_refused', present: 'address_refused' },
  'it brings a token whose cap denies the room': { connects: 'anew', present: 'put out', ...NO_MORE },
  'it brings the token of another': { connects: 'anew', present: 'renewed not', ...NO_MORE },
}
