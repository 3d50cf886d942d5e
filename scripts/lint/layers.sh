#!/bin/bash
# layers - arrows only go down: cli > service > http, fetch, directory > jobs > rpc > db, cache > policy > wire > base; services never include each other,
# and in the gateway a folder knows only those above it in services/gateway/README.md.
bad=0
allow() {   # allow DIR 'regexp of what it may include'
    local hits
    hits=$(grep -rnE '^#include "(libshared|services)/' "$1" --include='*.[ch]' | grep -vE "#include \"($2)" || true)
    [ -z "$hits" ] || { echo "$1 may not include:"; echo "$hits"; bad=1; }
}
allow libshared/base    'libshared/base/'
allow libshared/wire    'libshared/(base|wire)/'
allow libshared/policy  'libshared/(base|wire|policy)/'
allow libshared/db      'libshared/(base|wire|db)/'
allow libshared/cache   'libshared/(base|cache)/'
allow libshared/rpc     'libshared/(base|wire|db|rpc)'
allow libshared/jobs    'libshared/(base|wire|db|rpc|jobs)'
allow libshared/directory 'libshared/(base|wire|db|rpc|jobs|directory)/'
allow libshared/http    'libshared/(base|http)'
allow libshared/page    'libshared/(base|page)/'
allow libshared/fetch   'libshared/(base|fetch)'
allow libshared/service 'libshared/'
allow libshared/cli     'libshared/'
for s in $(scripts/services all); do allow services/$s "libshared/|services/$s/"; done
# Inside the gateway: a folder knows those above it in the list of services/gateway/README.md, and two headers of the root.
known='services/gateway/(methods|features)\.h'
for folder in $(sed -nE 's|^    ([a-z]+)/ .*|\1|p' services/gateway/README.md); do
    known="$known|services/gateway/$folder/"
    allow "services/gateway/$folder" "libshared/|$known"
done
for folder in services/gateway/*/; do
    grep -q "^    $(basename "$folder")/ " services/gateway/README.md || { echo "services/gateway/README.md does not list $folder"; bad=1; }
done
hits=$(grep -rln 'libwebsockets.h' services libshared | grep -v '^libshared/http/transport\.c$' || true)
[ -z "$hits" ] || { echo "only libshared/http/transport.c knows libwebsockets: $hits"; bad=1; }
hits=$(grep -rln 'libpq-fe.h' services libshared | grep -vE '^(libshared/db/|services/store/messages/batch)' || true)
[ -z "$hits" ] || { echo "only libshared/db and the store's batch, which sends its statements one behind the other, know libpq: $hits"; bad=1; }
hits=$(grep -rln 'curl/curl.h' services libshared | grep -vE '^libshared/fetch/' || true)
[ -z "$hits" ] || { echo "only libshared/fetch goes outwards: $hits"; bad=1; }
exit $bad
