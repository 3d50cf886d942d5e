#!/bin/bash
# stack_services.sh - a runit service for each process, which restarts it when it dies, with a log of its own; and waiting
# for them.  Sourced by scripts/stack.

# Six files for each log.  Of a gateway there are three: during a rolling restart its own, that of the next one, and
# that of the one before.  N1: when the disk is full, all but the last older file may go.
log_config() {
    local logs=($engines $(services))
    printf 's%d\nn5\nN1\n' $((LOG_MB * 1000000 / 6 / (${#logs[@]} + 3 * GATEWAYS)))
}

write_service() {    # write_service PROCESS 'command...'
    local service=$dir/service/$1 log=$dir/log/$1
    mkdir -p "$service/log" "$log"
    printf '#!/bin/sh\nexec 2>&1\ncd "%s"\nexec %s\n' "$root" "$2" >"$service/run"
    printf '#!/bin/sh\nexec svlogd "%s"\n' "$log" >"$service/log/run"
    log_config >"$log/config"
    chmod +x "$service/run" "$service/log/run"
}

write_program() {
    local command="'$BIN/${1%%-*}'"
    [[ $1 != gateway-* ]] || command=${GATEWAY_COMMAND:-$command}
    write_env "$1"
    write_service "$1" "chpst -e '$dir/env/$1' $command"
}

write_acme() {
    local name
    rm -rf "$dir/env/acme"
    mkdir -p "$dir/env/acme"
    printf '%s\n' "$acme_hosts" >"$dir/env/acme/ACME_HOSTS"
    printf '%s\n' "$dir/acme" >"$dir/env/acme/ACME_DIR"
    printf '%s\n' "$dir/tls/server.crt" >"$dir/env/acme/ACME_CERT"
    printf '%s\n' "$dir/tls/server.key" >"$dir/env/acme/ACME_KEY"
    for name in ACME_EMAIL ACME_URL; do
        [ -z "$(chosen $name "")" ] || chosen $name "" >"$dir/env/acme/$name"
    done
    write_service acme "chpst -e '$dir/env/acme' '$root/scripts/acme' watch"
}

write_services() {
    local p
    if needs postgres; then write_postgres; fi
    if needs redis; then write_service redis "redis-server '$dir/redis/redis.conf'"; fi
    for p in $(processes); do write_program "$p"; done
    if [ -n "$acme_hosts" ]; then write_acme; fi
    write_env operator                                # for authctl and rpc, which people call
    for p in "$dir"/service/*; do                     # fewer gateways than the last time
        [[ " $engines ${acme_hosts:+acme} $(echo $(processes)) " == *" $(basename "$p") "* ]] || rm -rf "$p"
    done
}

await() {            # await SECONDS 'what' command...
    local left=$(($1 * 10)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}

is_ready() { curl -fsS --max-time 2 "http://$(health_address "$1")/readyz"; }

# Asked until it works: runsv makes its pipes one after the other, and sv needs them all.
begin() { await 20 "$1" sv up "$dir/service/$1" || fail "the supervisor has not taken $1; its log: $dir/runsvdir.log"; }

await_ready() {
    local p
    for p in "$@"; do
        await 60 "$p" is_ready "$p" && continue
        echo "madang: $p is not ready: $(curl -sS --max-time 2 "http://$(health_address "$p")/readyz" 2>&1 | head -c 300)" >&2
        echo "madang: the end of its log, $dir/log/$p/current:" >&2
        tail -n 5 "$dir/log/$p/current" >&2 || true
        exit 1
    done
}

# After a power cut the number may be somebody else's.
is_supervised() {
    [ -s "$dir/runsvdir.pid" ] && tr '\0' ' ' 2>/dev/null <"/proc/$(cat "$dir/runsvdir.pid")/cmdline" | grep -qF "runsvdir -P $dir/service"
}

# --- one gateway in the place of another, for a roll ---
start_next() {
    local next=$1.next
    rm -rf "$dir/service/$next" "$dir/log/$next"
    mkdir -p "$dir/service/$next/log"
    touch "$dir/service/$next/down"                   # not before all of it is there
    [ -n "$(side "$1")" ] || echo -b >"$dir/service/$next/side"
    write_program "$next"
    rm "$dir/service/$next/down"
    begin "$next"
}

# The directories change their names; the supervisor and the process in them go on.
take_place() {
    rm -rf "$dir/old" "$dir/log/$1.old"
    mkdir -p "$dir/old"
    mv "$dir/service/$1" "$dir/old/service"
    mv "$dir/env/$1" "$dir/old/env"
    mv "$dir/log/$1" "$dir/log/$1.old"
    mv "$dir/env/$1.next" "$dir/env/$1"
    mv "$dir/log/$1.next" "$dir/log/$1"
    mv "$dir/service/$1.next" "$dir/service/$1"
    write_program "$1"
}
