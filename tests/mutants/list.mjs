// list.mjs - ways to break what matters, each with the test that has to notice.
//
// A row: name, a sentence that is true of the broken program; file and the one place in it (`from`), what stands there
// instead (`to`); `red`, the test: ['unit', path below tests/unit], ['contract', ...], ['service', name], ['edge', suite],
// ['scenario', file, pattern of the test's name].
// SPDX-License-Identifier: Apache-2.0

const rooms = ['unit', 'gateway/test_rooms']

export const mutants = [
  {
    name: 'a message is delivered across a gap', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'hall->seq >= 0 && message->seq == hall->seq + 1', to: 'hall->seq >= 0',
  },
  {
    name: 'a slow reader is not paused', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'if (sio_is_slow(seat->guest->socket)) {', to: 'if (false) {',
  },
  {
    name: 'what is kept ahead of a gap is never handed out', file: 'services/gateway/rooms/deliver.c', red: rooms,
    from: 'if (item.seq == hall->seq + 1) deliver(', to: 'if (false) deliver(',
  },
  {
    name: 'a socket that joins with `since` goes live before it has caught up', file: 'services/gateway/rooms/seat.c', red: rooms,
    from: 'return seat->seq >= seat->hall->seq;', to: 'return true;',
  },
  {
    name: 'an answer for heads that is older than the loss is believed', file: 'services/gateway/rooms/pursue.c', red: rooms,
    from: 'if (asked->round != halls->round) hall->head_known = false;', to: '',
  },
  {
    name: 'a slow reader that has read is forgotten', file: 'services/gateway/rooms/guest.c', red: rooms,
    from: 'if (guest->seats[i]->state == SEAT_BEHIND) seat_fetch(guest->seats[i]);', to: ';',
  },
]
