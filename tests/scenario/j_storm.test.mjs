// j_storm - twenty seconds of random kills and stops of every process; `make storm` has minutes of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storm } from '../storm/storm.mjs'

test('random kills and stops of every process lose nothing, repeat nothing, and leave nothing behind', { timeout: 300000 }, async t => {
  const seed = Number(process.env.STORM_SEED ?? Date.now() % 1e6)
  const { findings, ...counts } = await storm({ seconds: 20, seed })
  t.diagnostic(JSON.stringify(counts))
  assert.deepEqual(findings, [], `make storm ARGS='--seed ${seed} --each 20 --minutes 1' does this again`)
  assert.ok(counts.kill + counts.end + counts.stop > 5, 'the storm was a calm')
})
