// plan.mjs - which runs are made, and which figures come of each.
// SPDX-License-Identifier: Apache-2.0

const MORE = "more",
  LESS = "less"
const FULL = { connections: 10000, dials: 3000, members: 1000, seconds: 8, warmup: 2, fileMib: 1024, turns: 3 }
const QUICK = { connections: 1000, dials: 500, members: 200, seconds: 2, warmup: 0.5, fileMib: 128, turns: 1 }

const cpuPer = (group, rate) => (run) => run.cpu[group] / run[rate]
const loadCpuPer = (rate) => (run) => (run.load_cpu * 1e6) / run[rate]
const heldBytes = (run) => (run.ready.rss.server - run.before.rss.server) / run.connected

function figure(what, unit, better, of) {
  return { what, unit, better, of }
}

function traffic(name, mode, rooms, members, inFlight, size, figures) {
  const args = {
    "--mode": mode,
    "--members": members,
    "--in-flight": inFlight,
    "--seconds": size.seconds,
    "--warmup-seconds": size.warmup,
  }
  return { name, rooms, args, figures }
}

const alone = [
  figure("acknowledged, median", "ms", LESS, (run) => run.ack_us.p50 / 1000),
  figure("acknowledged, 99 %", "ms", LESS, (run) => run.ack_us.p99 / 1000),
]

const deliveries = [
  figure("deliveries", "/s", MORE, (run) => run.deliveries_per_s),
  figure("server CPU per delivery", "µs", LESS, cpuPer("server", "deliveries_per_s")),
  figure("the load's own CPU per delivery", "µs", LESS, loadCpuPer("deliveries_per_s")),
  figure("heard by all, median", "ms", LESS, (run) => run.complete_us.p50 / 1000),
]

const durable = [
  figure("acknowledged messages", "/s", MORE, (run) => run.acked_per_s),
  figure("server CPU per message", "µs", LESS, cpuPer("server", "acked_per_s")),
  figure("PostgreSQL CPU per message", "µs", LESS, cpuPer("postgres", "acked_per_s")),
  figure("Redis CPU per message", "µs", LESS, cpuPer("redis", "acked_per_s")),
  figure("CPU per message, all", "µs", LESS, (run) =>
    ["server", "postgres", "redis"].reduce((sum, group) => sum + cpuPer(group, "acked_per_s")(run), 0),
  ),
  figure("the load's own CPU per message", "µs", LESS, loadCpuPer("acked_per_s")),
  ...alone,
]

function held(kind, size) {
  return {
    name: `${size.connections} idle connections, ${kind}`,
    args: { "--mode": "idle", "--connections": size.connections },
    figures: [figure("memory per connection", "kB", LESS, (run) => heldBytes(run) / 1000)],
  }
}

function dialled(kind, size) {
  return {
    name: `new connections, ${kind}`,
    args: { "--mode": "connect", "--connections": size.dials },
    figures: [
      figure("connections", "/s", MORE, (run) => run.connections_per_s),
      figure("server CPU per connection", "µs", LESS, cpuPer("server", "connections_per_s")),
    ],
  }
}

// What is made of a message once it is acknowledged: each of it is the CPU of processes and of PostgreSQL together.
function derived(size) {
  const all = (of) => of.server + of.postgres
  return {
    name: "durable, what is derived of a message",
    only: ["madang"],
    derived: {
      args: { "--mode": "durable", "--members": 1, "--in-flight": 16, "--seconds": size.seconds, "--warmup-seconds": 0 },
      rooms: 16,
      turns: size.turns,
    },
    figures: [
      figure("CPU per message, all", "µs", LESS, ({ on }) => all(on)),
      figure("CPU per message, all, without search", "µs", LESS, ({ off }) => all(off)),
      figure("search: of the store", "µs", LESS, ({ on, off }) => on.store - off.store),
      figure("search: of PostgreSQL", "µs", LESS, ({ on, off }) => on.postgres - off.postgres),
      figure("search", "× all without it", LESS, ({ on, off }) => (all(on) - all(off)) / all(off)),
      figure("activity of rooms: of chat", "µs", LESS, ({ on }) => on.chat),
      figure("activity of rooms: of PostgreSQL", "µs", LESS, ({ on }) => on.madang_chat),
    ],
  }
}

// The peers keep no files.
function files(kind, size) {
  const each = (way, of) => [
    figure(way, "MiB/s", MORE, (run) => of(run).mib_per_s),
    figure(`${way}: gateway CPU per MiB`, "ms", LESS, (run) => of(run).cpu["gateway-1"] / 1000),
    figure(`${way}: share CPU per MiB`, "ms", LESS, (run) => of(run).cpu.share / 1000),
  ]
  return {
    name: `a file of ${size.fileMib} MiB, ${kind}`,
    only: ["madang"],
    files: { mib: size.fileMib },
    figures: [...each("up", (run) => run.up), ...each("down", (run) => run.down)],
  }
}

// What a file does to who is not sending one, and what the same bytes do that nginx serves: the machine's own share of it.  Peers keep none.
function besideFiles(kind, size) {
  const ratio = (way, to, p) => (run) => run[way]?.ack_us[p] / run[to]?.ack_us[p]
  const each = (way, base) => [
    figure(`median beside a file ${way}`, "× alone", LESS, ratio(way, "alone", "p50")),
    figure(`median beside nginx's, ${way}`, "× alone", LESS, ratio(base, "alone", "p50")),
    figure(`median beside a file ${way}`, "× nginx's", LESS, ratio(way, base, "p50")),
    figure(`99 % beside a file ${way}`, "× alone", LESS, ratio(way, "alone", "p99")),
    figure(`99 % beside nginx's, ${way}`, "× alone", LESS, ratio(base, "alone", "p99")),
  ]
  return {
    name: `a lone sender beside a file, ${kind}`,
    only: ["madang"],
    beside: {
      args: { "--mode": "durable", "--members": 1, "--in-flight": 1, "--seconds": size.seconds, "--warmup-seconds": size.warmup },
      rooms: 1,
      mib: 256,
      mibPerS: 40,
    },
    figures: [
      figure("acknowledged alone, median", "ms", LESS, (run) => run.alone.ack_us.p50 / 1000),
      figure("acknowledged alone, 99 %", "ms", LESS, (run) => run.alone.ack_us.p99 / 1000),
      ...each("up", "baseUp"),
      ...each("down", "baseDown"),
    ],
  }
}

// Idle memory comes first, while the server is fresh.
export function planOf({ quick, tlsTraffic }) {
  const size = quick ? QUICK : FULL
  const messages = [
    traffic("durable, 16 senders with 16 in flight", "durable", 16, 1, 16, size, durable),
    derived(size),
    traffic("durable, a lone sender with 1 in flight", "durable", 1, 1, 1, size, alone),
    traffic(
      `fan-out 1 to ${size.members}, 4 in flight`,
      "fanout",
      1,
      size.members,
      4,
      size,
      deliveries,
    ),
    traffic(
      `fan-out 1 to ${size.members}, 16 in flight`,
      "fanout",
      1,
      size.members,
      16,
      size,
      deliveries,
    ),
    traffic("50 rooms of 20, 4 in flight each", "rooms", 50, 20, 4, size, deliveries),
  ]
  return [
    {
      tls: false,
      runs: [
        held("plain", size),
        dialled("plain", size),
        ...(tlsTraffic ? [] : messages),
        files("plain", size),
        besideFiles("plain", size),
      ],
    },
    {
      tls: true,
      runs: [
        held("TLS", size),
        dialled("TLS", size),
        ...(tlsTraffic ? messages : []),
        files("TLS", size),
        besideFiles("TLS", size),
      ],
    },
  ]
}

// What is wrong with what a run's members heard: { word: count }, empty if nothing is.
export function faultsOf(run) {
  const words = [
    "failed",
    "lost",
    "refused",
    "unanswered",
    "missing",
    "duplicate",
    "out_of_order",
    "strayed",
    "unreadable",
  ]
  return Object.fromEntries(
    words.filter((word) => run[word] > 0).map((word) => [word, run[word]]),
  )
}
