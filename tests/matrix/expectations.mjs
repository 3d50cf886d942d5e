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
  ungranted: 'the same from a key that has lost act_as_users since: its tokens live out their time',
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
  token_invalid: 'forged',
}
const KNOWN = 'owner member stranger removed another_key acting ungranted backend admin read_only listener capped'
const UNNAMED = 'read_only listener capped' // their policy or cap allows no `emit`
const INSIDE = 'owner member another_key acting ungranted'
const OUTSIDE = 'stranger removed backend admin'
const OWNERS = 'owner acting ungranted'

/*
 * A deed is what one or more rows do: those of the same meaning over REST and Socket.IO answer alike. `states` says, for each
 * state of what it is done to, which code (proto/errors.def, or ok) is answered to whom. deeds.mjs does them.
 */
export const deeds = {
  'room:create': {
    rows: ['POST /api/v1/rooms', '/chat room:create'],
    states: { any: { ok: 'owner member stranger removed another_key acting ungranted backend admin', forbidden: UNNAMED, ...UNKNOWN } },
  },
  'room:list': {
    rows: ['GET /api/v1/rooms', '/chat room:list'],
    states: { any: { ok: 'owner member stranger removed another_key acting ungranted backend admin', forbidden: UNNAMED, ...UNKNOWN } },
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
  'message:list': {
    rows: ['GET /api/v1/rooms/{room}/messages', '/chat message:list'],
    states: {
      open: { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      closed: { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      'closed, joined': { ok: `${INSIDE} read_only`, forbidden: `${OUTSIDE} listener capped`, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE} read_only`, forbidden: 'listener capped', ...UNKNOWN },
    },
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
  'conversation:get': {
    rows: ['GET /api/v1/conversations/{conversation}'],
    states: {
      "one's own": { ok: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      "another's": { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
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
      missing: { not_found: `${INSIDE} ${OUTSIDE}`, forbidden: UNNAMED, ...UNKNOWN },
    },
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
        forbidden: 'ungranted', invalid_argument: 'anonymous', key_revoked: 'revoked', address_refused: 'elsewhere', key_invalid: 'forged',
      },
    },
  },
  'keys:read': {
    rows: ['GET /.well-known/jwks.json'],
    states: { any: { ok: `${KNOWN} ${Object.values(UNKNOWN).join(' ')}` } },
  },

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
      '/system': { ok: 'acting ungranted backend admin', forbidden: 'owner member stranger removed another_key read_only listener capped', ...UNKNOWN },
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
  '/chat room:removed': {
    'when another is removed': { hears: '', silent: KNOWN, away: AWAY },
    'when its subject is removed': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '/chat recovery:off': {
    'who joins more rooms than can be put on record': { hears: `${INSIDE} read_only listener`, silent: `${OUTSIDE} capped`, away: AWAY },
  },
  '* token:expiring': {
    'while a token ends': { hears: 'expired', silent: `${KNOWN} revoked elsewhere`, away: 'anonymous forged' },
  },
  '* error': {
    'when a token ends, a key is revoked, a key is bound': { hears: 'expired revoked elsewhere', silent: KNOWN, away: 'anonymous forged' },
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
  'its key is bound to other networks': { connects: 'address_refused', present: 'address_refused' },
  'it brings a token whose cap denies the room': { connects: 'anew', present: 'put out', ...NO_MORE },
  'it brings the token of another': { connects: 'anew', present: 'renewed not', ...NO_MORE },
}
