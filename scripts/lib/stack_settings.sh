#!/bin/bash
# stack_settings.sh - what each process of a native stack is told, and what is refused before it starts.  Sourced by
# scripts/stack.

places=$("$root/scripts/services" place) files=$("$root/scripts/services" files)

setting() { printf '%s\n' "$3" >"$dir/env/$1/MADANG_$2"; }  # setting PROCESS NAME VALUE; without the newline an empty one is none

# During a rolling restart two processes are gateway-1: they differ by their side, which is kept with the service.
side() { cat "$dir/service/$1/side" 2>/dev/null || true; }

place() {            # how far a process's own ports are from the first
    local i=${1#*-}
    i=${i%.next}
    case $1 in
        gateway-*) if [ -n "$(side "$1")" ]; then echo $((18 + i)); elif [ "$i" = 1 ]; then echo 0; else echo $((8 + i)); fi ;;
        *-*) echo $((11 - i)) ;;        # below the second gateway's
        *) sed -n "s/^$1 //p" <<<"$places" ;;
    esac
}

health_address() {   # as it was told when it was started; nothing for PostgreSQL and Redis
    local group=${1%%-*}
    sed 's/^:/127.0.0.1:/' "$dir/env/$1/MADANG_${group^^}_HEALTH" 2>/dev/null || true
}

write_env() {
    local process=$1 group=${1%%-*} name own
    rm -rf "$dir/env/$process"
    mkdir -p "$dir/env/$process"
    setting "$process" RUN_DIR "$dir"
    setting "$process" KEY_DIR "$dir/keys"
    setting "$process" MIGRATIONS_DIR "$root/migrations"
    setting "$process" REDIS_URL "unix://$dir/redis/redis.sock"
    setting "$process" PUBLIC_URL "${public_url:=$(own_url)}"
    for name in $services; do setting "$process" "${name^^}_URL" "$(urls "$name")"; done
    if [ "$group" = gateway ]; then
        setting "$process" GATEWAY_HEALTH "127.0.0.1:$HEALTH_PORT"
        own=${process%.next}$(side "$process")
        setting "$process" GATEWAY_NAME "$own"
        setting "$process" GATEWAY_MESH "ipc://$dir/sock/$own"
        setting "$process" GATEWAY_TLS_CERT "$dir/tls/server.crt"
        setting "$process" GATEWAY_TLS_KEY "$dir/tls/server.key"
        if [ -n "$acme_hosts" ]; then setting "$process" GATEWAY_ACME_DIR "$dir/acme/proofs"; fi
    elif [ "$process" != operator ]; then
        setting "$process" "${group^^}_HEALTH" "127.0.0.1:$((HEALTH_PORT + $(place "$process")))"
        setting "$process" "${group^^}_BIND" "ipc://$dir/sock/$process"
        [ "$process" = "$group" ] || setting "$process" "${group^^}_PART" "${process#*-}"
        setting "$process" "${group^^}_DB" \
            "host=$dir/pg-socket dbname=madang user=madang_$group passfile=$dir/secrets/$group.pgpass"
    fi
    [ "$group" != auth ] || setting "$process" AUTH_REGISTRATION open     # whoever reaches this machine's own ports may
    while read -r name own; do
        [ "$name" = "$group" ] || continue
        mkdir -p "$dir/files/$name"
        setting "$process" "${name^^}_${own^^}" "$dir/files/$name"
    done <<<"$files"
    overrides | while IFS='=' read -r name value; do printf '%s\n' "$value" >"$dir/env/$process/$name"; done
    [ "$group" != gateway ] || { own_port "$process"; own_inner_ports "$process"; }
    [[ $process != *-* || $group = gateway ]] || own_part_addresses "$process" "$group"
}

urls() {             # urls SERVICE: of all its processes, in the order of their parts
    local p list=
    for p in $(parts "$1"); do list+=,ipc://$dir/sock/$p; done
    echo "${list#,}"
}

# Unless it is set: this machine, at the port of HTTPS, or of HTTP where there is no other.
own_url() {
    local plain https http
    plain=$(overridden GATEWAY_PLAIN 0) https=$(overridden GATEWAY_HTTPS :8443) http=$(overridden GATEWAY_HTTP :8080)
    if [ "$plain" = 1 ] && [ -z "$https" ]; then echo "http://localhost:${http##*:}"; else echo "https://localhost:${https##*:}"; fi
}

own_port() {
    local n=${1#gateway-}
    n=${n%.next}
    [ ${#ports[@]} -ge "$n" ] || return 0
    local used=HTTPS unused=HTTP
    if [ "$(cat "$dir/env/$1/MADANG_GATEWAY_PLAIN" 2>/dev/null)" = 1 ]; then used=HTTP unused=HTTPS; fi
    setting "$1" "GATEWAY_$used" "127.0.0.1:${ports[n - 1]}"
    setting "$1" "GATEWAY_$unused" ""
}

# These can't be shared as HTTPS is: what is set is gateway-1's port, and the others' are above it.
own_inner_ports() {
    local name file
    for name in HEALTH MESH MESH_BIND; do
        file=$dir/env/$1/MADANG_GATEWAY_$name
        [[ $(cat "$file" 2>/dev/null) =~ ^(.*:)([0-9]+)$ ]] || continue
        setting "$1" "GATEWAY_$name" "${BASH_REMATCH[1]}$((BASH_REMATCH[2] + $(place "$1")))"
    done
}

# What is set is the first process's: another's sockets have its name, and its ports are as far above as its own ones.
own_part_addresses() {
    local name word words above=$(($(place "$1") - $(place "$2")))
    for name in BIND HEALTH; do
        words=
        for word in $(tr ',' ' ' <"$dir/env/$1/MADANG_${2^^}_$name"); do
            if [[ $word =~ ^(.*:)([0-9]+)$ ]]; then word=${BASH_REMATCH[1]}$((BASH_REMATCH[2] + above))
            elif [[ $word = ipc://*/$2 ]]; then word=${word%/*}/$1
            fi
            words+=,$word
        done
        overridden "${2^^}_$name" "" | grep -q . || continue
        setting "$1" "${2^^}_$name" "${words#,}"
    done
}

# .env first, then the caller's own environment, which wins.
overrides() {
    if [ -f "$ENV_FILE" ]; then
        sed -n 's/^[[:space:]]*\(MADANG_[A-Z0-9_]*\)=\(.*\)$/\1=\2/p' "$ENV_FILE" | unquoted
    fi
    env | grep '^MADANG_' || true
}

overridden() { overrides | sed -n "s/^MADANG_$1=//p" | tail -n 1 | grep . || overrides | grep -q "^MADANG_$1=" || echo "$2"; }   # overridden NAME DEFAULT

# SO_REUSEPORT would let us share a port with another stack of the same user, silently; and a health port that is another's
# would be asked whether we are ready.
refuse_busy_ports() {
    local process
    for process in $(processes); do
        if [[ $process = gateway-* ]]; then
            refuse_busy "$process" GATEWAY_HTTPS :8443 "MADANG_GATEWAY_HTTPS in .env to another address"
            refuse_busy "$process" GATEWAY_HTTP :8080 "MADANG_GATEWAY_HTTP in .env to another address"
        fi
        refuse_busy_health "$process" "${process%%-*}"
    done
}

refuse_busy_health() {   # refuse_busy_health PROCESS GROUP
    local name=${2^^}_HEALTH remedy="HEALTH_PORT in .env to another number, which is the first of those of all processes"
    [ -z "$(overridden "$name" "")" ] || remedy="MADANG_$name in .env to another address"
    refuse_busy "$1" "$name" "" "$remedy"
}

refuse_busy() {          # refuse_busy PROCESS SETTING DEFAULT REMEDY
    local file=$dir/env/$1/MADANG_$2 address=$3 host port
    [ ! -e "$file" ] || address=$(cat "$file")
    port=${address##*:} host=${address%:*}
    [ -n "$port" ] || return 0
    case $host in '' | 0.0.0.0 | '[::]') host=127.0.0.1 ;; esac
    host=${host#[} host=${host%]}
    if (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; then
        fail "port $port is in use by another program, and $1 wants it for ${2##*_}; stop it, or set $4"
    fi
}

# One clear line now, and not five processes that end over and over.  Every process knows all settings.
refuse_wrong_settings() {
    local given
    mapfile -t given < <(overrides)
    env -i "${given[@]}" "$BIN/gateway" --check || exit 2
}

# Echo for anybody and API keys never share a stack.  Who issues keys is reached with the CURVE keys of a directory, so
# that is what scripts/conformance marks when it makes one; tests/echo looks there, too.
refuse_mixture() {
    local keys
    keys=$(overrides | sed -n 's/^MADANG_KEY_DIR=//p' | tail -n 1)
    keys=${keys:-$dir/keys}
    [[ $keys = /* ]] || keys=$root/$keys                # where the processes run
    [ -n "${GATEWAY_COMMAND:-}" ] || [ ! -e "$keys/conformance" ] ||
        fail "$dir is kept for make up CONFORMANCE=1; take another directory"
}
