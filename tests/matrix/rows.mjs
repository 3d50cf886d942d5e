// rows.mjs - the rows of proto/ as build/bin/protodoc prints them, and whether the expectations are about all of them.
import { execFileSync } from 'node:child_process'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { callers, deeds, hearings } from './expectations.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const bin = resolve(root, process.env.BIN ?? 'build/bin')
export const contract = JSON.parse(execFileSync(join(bin, 'protodoc'), ['contract'], { encoding: 'utf8' }))

export const routeName = row => `${row.http} ${row.path}`
export const eventName = row => `${row.namespace} ${row.event}`
export const words = text => text.split(' ').filter(Boolean)

/** One state's expectation, { code: callers }, as { caller: code }. */
export const byCaller = answers => Object.fromEntries(Object.entries(answers).flatMap(([code, who]) => words(who).map(caller => [caller, code])))

/** Each caller once, and nobody who is none. */
function complaintsAboutCallers(where, answers) {
  const named = Object.values(answers).flatMap(words)
  return [
    ...named.filter(who => !(who in callers)).map(who => `${where}: there is no caller ${who}`),
    ...Object.keys(callers).flatMap(who => {
      const times = named.filter(name => name === who).length
      return times === 1 ? [] : [`${where}: ${times ? `says ${times} times` : 'does not say'} what ${who} is to expect`]
    }),
  ]
}

function complaintsAboutRows(rows, expected) {
  return [
    ...rows.filter(row => !expected.includes(row)).map(row => `${row}: a row of proto/public.def without an expectation`),
    ...expected.filter(row => !rows.includes(row)).map(row => `${row}: an expectation without a row in proto/public.def`),
    ...expected.filter((row, i) => expected.indexOf(row) !== i).map(row => `${row}: more than one expectation`),
  ]
}

/** Rows that ask the policy the same question and call the same method mean the same. */
function complaintsAboutMeanings(rows, expectations) {
  const meaning = row => `${row.service} ${row.method} ${row.event} ${row.action}`
  const deedOf = row => Object.keys(expectations).find(name => expectations[name].rows.includes(row.http ? routeName(row) : eventName(row)))
  return rows.routes.flatMap(route => rows.events.filter(on => meaning(on) === meaning(route) && deedOf(on) !== deedOf(route))
    .map(on => `${routeName(route)} and ${eventName(on)} mean the same and have different expectations`))
}

export function complaints(rows = contract, expectations = deeds, heard = hearings) {
  const codes = new Set(['ok', ...Object.keys(rows.errors)])
  const deedList = Object.entries(expectations).flatMap(([name, { states }]) => Object.entries(states).map(([state, answers]) => [`${name}, ${state}`, answers]))
  return [
    ...complaintsAboutRows([...rows.routes.map(routeName), ...rows.events.map(eventName)], Object.values(expectations).flatMap(deed => deed.rows)),
    ...complaintsAboutRows(rows.heard.map(eventName), Object.keys(heard)),
    ...complaintsAboutMeanings(rows, expectations),
    ...deedList.flatMap(([where, answers]) => complaintsAboutCallers(where, answers)),
    ...deedList.flatMap(([where, answers]) => Object.keys(answers).filter(code => !codes.has(code)).map(code => `${where}: ${code} is no code of proto/errors.def`)),
    ...Object.entries(heard).flatMap(([row, scenarios]) => Object.entries(scenarios).flatMap(([scenario, who]) => complaintsAboutCallers(`${row}, ${scenario}`, who))),
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = complaints()
  for (const complaint of found) console.log(complaint)
  process.exit(found.length ? 1 : 0)
}
