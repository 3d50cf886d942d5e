#!/bin/bash
# stack_database.sh - PostgreSQL of a native stack (a private cluster, its service, its roles) and Redis.  Sourced by scripts/stack.

# PostgreSQL refuses to run as root.  As root it runs as the package's user, who may read what lies below a closed
# home directory with one capability more.
print_postgres_user() {   # the words in front of a command
    if [ "$(id -u)" != 0 ]; then return
    elif chpst -u postgres test -x "$dir/pg"; then echo "chpst -u postgres"
    else echo "setpriv --reuid=postgres --regid=postgres --init-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
    fi
}

as_postgres() { $(print_postgres_user) "$@"; }

make_database() {
    mkdir -p "$dir/pg" "$dir/pg-socket" "$dir/secrets"
    [ "$(id -u)" != 0 ] || chown postgres "$dir/pg"
    [ "$(id -u)" != 0 ] || chown root:postgres "$dir/pg-socket"   # the services are root without its capabilities
    local s
    for s in $all_services; do
        [ -s "$dir/secrets/$s.password" ] && continue
        openssl rand -hex 24 >"$dir/secrets/$s.password"
        printf '*:*:madang:madang_%s:%s\n' "$s" "$(cat "$dir/secrets/$s.password")" >"$dir/secrets/$s.pgpass"
    done
    [ -s "$dir/pg/data/PG_VERSION" ] && return
    as_postgres "$pg_bin/initdb" -D "$dir/pg/data" --username=madang_admin --auth-local=peer --auth-host=reject \
        --encoding=UTF8 --locale=C.UTF-8 >"$dir/log-initdb" 2>&1 ||
        { cat "$dir/log-initdb" >&2; fail "initdb failed"; }
    rm -f "$dir/log-initdb"
    # The administrator comes in by being the user who owns the cluster, not by a password.
    as_postgres sh -c "printf 'local all madang_admin peer map=admin\nlocal all all scram-sha-256\n' >'$dir/pg/data/pg_hba.conf'
        printf 'admin %s madang_admin\nadmin root madang_admin\n' \"\$(id -un)\" >>'$dir/pg/data/pg_ident.conf'
        printf '%s\n' \"listen_addresses = ''\" \"unix_socket_directories = '$dir/pg-socket'\" 'max_connections = 200' \
            'shared_buffers = 128MB' 'log_min_messages = warning' 'logging_collector = off' >>'$dir/pg/data/postgresql.conf'"
}

write_postgres() {
    write_service postgres "$(print_postgres_user) '$pg_bin/postgres' -D '$dir/pg/data'"
    mkdir -p "$dir/service/postgres/control"          # runit's TERM would wait for every client; INT doesn't
    printf '#!/bin/sh\nexec kill -INT "$(head -n 1 "%s")"\n' "$dir/pg/data/postmaster.pid" >"$dir/service/postgres/control/t"
    chmod +x "$dir/service/postgres/control/t"
}

start_postgres() {
    await 30 postgres as_postgres "$pg_bin/pg_isready" -q -h "$dir/pg-socket" -d postgres -U madang_admin ||
        { tail -n 5 "$dir/log/postgres/current" >&2; fail "PostgreSQL did not start; its log: $dir/log/postgres/current"; }
    "$root/scripts/db-init" "$dir/pg-socket" "$dir/secrets" >"$dir/db-init.log" 2>&1 ||
        { cat "$dir/db-init.log" >&2; fail "the database could not be prepared"; }
}

make_redis() {
    mkdir -p "$dir/redis"
    printf '%s\n' 'port 0' "unixsocket $dir/redis/redis.sock" 'unixsocketperm 700' 'daemonize no' "dir $dir/redis" \
        'save ""' 'appendonly no' 'maxmemory 256mb' 'maxmemory-policy volatile-lru' 'logfile ""' >"$dir/redis/redis.conf"
}
