// run.mjs - make storm: storms one after the other until the time is over; says what each did and what it found.
import { parseArgs } from 'node:util'
import { storm } from './storm.mjs'

const HELP = `make storm ARGS='...'

  --minutes N    how long, all together (3; at most 60)
  --each N       seconds of one storm (40)
  --gateways N   gateway processes (2)
  --seed N       of the first storm, each later one has the next; a storm that found something says its seed
  --verbose      say each kill and stop
`

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean' },
    minutes: { type: 'string', default: '3' },
    each: { type: 'string', default: '40' },
    gateways: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    verbose: { type: 'boolean', default: false },
  },
})

const mb = bytes => (bytes / 1e6).toFixed(1)

function report({ held, findings, ...counts }) {
  const words = Object.entries(counts).map(([name, count]) => `${name.replace('_', ' ')} ${count}`).join(', ')
  console.log(`${findings.length ? 'not ok' : 'ok'} - storm: ${words}`)
  for (const { name, before, after } of held)
    console.log(`  ${name} was spared: ${mb(before.resident)} -> ${mb(after.resident)} MB, ${before.descriptors} -> ${after.descriptors} descriptors`)
  for (const finding of findings.slice(0, 20)) console.log(`  ${finding}`)
  if (findings.length > 20) console.log(`  and ${findings.length - 20} more`)
}

if (options.help) {
  process.stdout.write(HELP)
} else {
  const end = Date.now() + Math.min(60, Number(options.minutes)) * 60000
  let found = 0
  for (let seed = Number(options.seed); Date.now() < end; seed++) {
    const result = await storm({
      seconds: Number(options.each), seed, gateways: Number(options.gateways), log: options.verbose ? line => console.log(`  ${line}`) : undefined,
    })
    found += result.findings.length
    report(result)
  }
  process.exit(found ? 1 : 0)
}
