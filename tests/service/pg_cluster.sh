#!/bin/sh
# pg_cluster.sh - a private PostgreSQL for one test: a cluster in a temporary directory, on a socket there, with our roles.
#
#   pg_cluster.sh start PID     prints the directory; the cluster ends with process PID at the latest
#   pg_cluster.sh restart DIR
#   pg_cluster.sh stop DIR      and removes it
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
root=$(cd "$(dirname "$0")/../.." && pwd)

as_postgres() { if [ "$(id -u)" = 0 ]; then (cd / && chpst -u postgres "$@"); else "$@"; fi; }

run() { as_postgres "$bin/pg_ctl" -D "$dir/data" -w -s "$@"; }

make() {
    dir=$(mktemp -d "${TMPDIR:-/tmp}/madang-pg.XXXXXX")
    mkdir "$dir/secrets"
    [ "$(id -u)" != 0 ] || chown postgres "$dir"
    chmod 755 "$dir"
    as_postgres "$bin/initdb" -D "$dir/data" -U madang_admin -E UTF8 --locale=C.UTF-8 --no-sync -A trust >"$dir/log" 2>&1
    printf 'local all madang_admin trust\nlocal all all scram-sha-256\n' >"$dir/data/pg_hba.conf"
    printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$dir'" 'fsync = off' 'max_connections = 200' \
        'shared_buffers = 32MB' 'password_encryption = scram-sha-256' >>"$dir/data/postgresql.conf"
    for s in $("$root/scripts/services"); do
        openssl rand -hex 16 >"$dir/secrets/$s.password"
        printf '*:*:madang:madang_%s:%s\n' "$s" "$(cat "$dir/secrets/$s.password")" >"$dir/secrets/$s.pgpass"
        chmod 600 "$dir/secrets/$s".*
    done
}

# Whatever becomes of the test, nothing of it stays.  In a session of its own, for timeout(1) ends the test's whole group.
end_with() {
    while kill -0 "$1" 2>/dev/null && [ -d "$dir" ]; do sleep 0.3; done
    [ ! -d "$dir" ] || end
}

end() {
    run stop -m immediate >/dev/null 2>&1 || true
    rm -rf "$dir"
}

case ${1-} in
start)
    make
    run start -l "$dir/data/server.log" >>"$dir/log" 2>&1 || { cat "$dir/log" "$dir/data/server.log" >&2; exit 1; }
    "$root/scripts/db-init" "$dir" "$dir/secrets" >>"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
    setsid "$0" watch "$2" "$dir" >/dev/null 2>&1 </dev/null &
    echo "$dir"
    ;;
restart) dir=$2; run restart -m immediate -l "$dir/data/server.log" >/dev/null ;;
stop) dir=$2; end ;;
watch) dir=$3; end_with "$2" ;;
*) echo "usage: pg_cluster.sh start PID | restart DIR | stop DIR" >&2; exit 2 ;;
esac
