// failures.mjs - what failed in a job's output, and why, in few lines: of whoever sees only the end of a run.
// SPDX-License-Identifier: Apache-2.0

const isSkipped = line => /# SKIP\b/.test(line)
const isFailure = line => /^\s*not ok\b/.test(line) && !isSkipped(line)
const isVerdict = line => /^\s*(not )?ok\b/.test(line)
const isComment = line => /^\s*# /.test(line)
const nameOf = line => line.replace(/^\s*not ok\b\s*\d*\s*-?\s*/, '').replace(/\\#/g, '#')

/** A line that tells a cause, in the output of a compiler, a sanitizer, a shell or a test of another runner. */
const TELLS = /error\b|ERROR|Error|\*\*\*|FAILED|Assertion|not ok|✖|!==|waited|timed out|Killed|No such/

/** Of many lines those that tell most: the first ones that name a cause, then the last ones. */
function telling(lines, most) {
  if (lines.length <= most) return lines
  const first = lines.filter(line => TELLS.test(line)).slice(0, Math.ceil(most / 2))
  return [...first, ...lines.slice(first.length - most).filter(line => !first.includes(line))]
}

/** The lines from `i` on that `go` lets pass. */
function run(lines, i, go) {
  let end = i
  while (end < lines.length && go(lines[end])) end++
  return lines.slice(i, end)
}

/** Those before `i`, back to what belongs to another test. */
function before(lines, i) {
  const end = /^\s*# Subtest/.test(lines[i - 1] ?? '') ? i - 1 : i
  let start = end
  while (start > 0 && !isVerdict(lines[start - 1]) && !/^\s*(# Subtest|\.\.\.$|1\.\.\d|TAP version)/.test(lines[start - 1])) start--
  return lines.slice(start, end)
}

/** The keys of the YAML that Node's runner prints below a verdict, each with its lines. */
function keysOf(yaml) {
  const keys = {}
  const indent = yaml[0]?.search(/\S/) ?? 0
  let key
  for (const line of yaml) {
    const [, name, value] = line.slice(indent).match(/^(\w+):(?: (.*))?$/) ?? []
    if (name) keys[key = name] = value && value !== '|-' ? [value.replace(/^'(.*)'$/, '$1')] : []
    else if (key && line.trim()) keys[key].push(line.slice(indent + 2))
  }
  return keys
}

/** Of the two sides of an unequal comparison only what differs. */
const differing = error => error.some(line => line.startsWith('+ actual')) ? error.filter((line, i) => i === 0 || /^[+-] /.test(line)) : error

/** Node's own verdict: undefined for a test that failed because those in it did. */
function ofNode(lines, i, yaml) {
  const { failureType, location = [], error = [], expected = [], actual = [], stack = [], exitCode } = keysOf(yaml)
  if (failureType?.[0] === 'subtestsFailed') return undefined
  const here = stack.filter(line => line.includes('file://')).slice(0, 2).map(line => line.replace('file://', '').trim())
  // A file that died, or whose last words were its own, said why before.
  const said = exitCode ? before(lines, i).filter(isComment).map(line => line.trim()) : []
  const values = [['expected', expected], ['actual', actual]].filter(([, value]) => value.length === 1 && !error.some(line => line.includes(value[0])))
  return {
    name: nameOf(lines[i]),
    why: [...differing(error), ...telling(said, 10), ...values.map(([word, value]) => `${word}: ${value[0]}`)],
    where: here.length ? here : location,
  }
}

/** A verdict of cmocka, of lint or of a script: what it says is on the lines of comment below, and a program's last words above. */
function ofOthers(lines, i) {
  const program = lines.slice(0, i).reverse().find(line => /^# build\/\S+$/.test(line))
  const below = run(lines, i + 1, line => isComment(line) && !/^# (not ok|ok|build\/)/.test(line)).map(line => line.replace(/^\s*# ?/, ''))
  return { name: nameOf(lines[i]), why: [...telling(before(lines, i).filter(line => !isComment(line)), 6), ...telling(below, 10)], where: program ? [program.slice(2)] : [] }
}

/** Each failure in some output of `node --test --test-reporter=tap`, of cmocka's TAP or of whatever ended badly: its name, why, and where. */
export function failuresOf(output) {
  // eslint-disable-next-line no-control-regex
  const lines = output.replace(/\x1b\[[0-9;]*m/g, '').split('\n')
  const found = lines.flatMap((line, i) => {
    if (!isFailure(line)) return []
    const [begin, indent] = /^(\s*)---$/.exec(lines[i + 1] ?? '') ?? []
    if (begin === undefined) return [ofOthers(lines, i)]
    return [ofNode(lines, i, run(lines, i + 2, below => below !== `${indent}...`)) ?? []].flat()
  })
  return found.length ? found : [{ name: '', why: telling(lines.filter(line => line.trim()), 12), where: [] }]
}

const WIDTH = 220
const cut = line => line.length > WIDTH ? `${line.slice(0, WIDTH)} …` : line

/** These failures, each in at most 15 lines, and all of them in about `most`. */
export function digest(failures, most = 36) {
  const share = Math.min(15, Math.max(3, Math.floor(most / failures.length)))
  let last
  return failures.flatMap(({ job, name, why, where }) => {
    const title = `not ok - ${[job, name].filter(Boolean).join(': ')}`
    const same = why.join('\n') === last
    last = why.join('\n')
    if (same && why.length) return [cut(title), '    for the same reason']
    const room = share - 1
    const places = where.slice(0, Math.max(1, Math.min(2, room - why.length)))
    return [title, ...[...why.slice(0, room - places.length), ...places].map(line => `    ${line}`)].map(cut)
  })
}
