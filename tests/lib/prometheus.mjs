// prometheus.mjs - /metrics of a process, and what Prometheus' own client library for Python makes of it.
import { execFileSync } from 'node:child_process'
import http from 'node:http'

const READER = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
print(json.dumps([{'name': f.name, 'type': f.type, 'help': f.documentation} for f in text_string_to_metric_families(sys.stdin.read())]))
`

/** The families of a text, each with name (a counter's is without _total), type and help. */
export const familiesOf = text => JSON.parse(execFileSync('/usr/bin/python3', ['-c', READER], { input: text, encoding: 'utf8', maxBuffer: 1 << 26 }))

/** What a port of plain HTTP answers, by a connection of its own: one that is kept may be closed at the moment it is used again. */
export const ask = (port, path, { method = 'GET', body } = {}) => new Promise((resolve, reject) => {
  http.request({ host: '127.0.0.1', port, path, method, agent: false }, res => {
    let text = ''
    res.setEncoding('utf8').on('data', more => { text += more }).on('end', () => resolve({ status: res.statusCode, headers: res.headers, text })).on('error', reject)
  }).on('error', reject).end(body)
})

export const metricsText = async port => (await ask(port, '/metrics')).text

/** The sum of the lines of this name that have these labels. */
export const metricIn = (text, name, labels = {}) => text.split('\n')
  .filter(line => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
  .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0)
