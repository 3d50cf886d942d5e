#!/bin/bash
# mutants - each row of tests/mutants/list.mjs names a place that stands in its file, once: what was renamed or moved breaks nothing.
node --input-type=module -e '
  import { existsSync, readFileSync } from "node:fs"
  import { mutants } from "./tests/mutants/list.mjs"
  const places = ({ file, from }) => existsSync(file) ? readFileSync(file, "utf8").split(from).length - 1 : 0
  for (const row of mutants.filter(row => places(row) !== 1)) {
    console.log(`"${row.name}": ${places(row)} places in ${row.file}: ${row.from}`)
    process.exitCode = 1
  }'
