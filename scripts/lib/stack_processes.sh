#!/bin/bash
# stack_processes.sh - what was chosen for a native stack, and which processes that makes.  Sourced by scripts/stack.

unquoted() { sed "s/=\([\"']\)\(.*\)\1\$/=\2/"; }
chosen()   {           # chosen NAME DEFAULT: the caller's, else that of .env; either may be empty
    if [ -n "${!1+set}" ]; then printf '%s' "${!1}"
    elif grep -qs "^$1=" "$ENV_FILE"; then grep "^$1=" "$ENV_FILE" | tail -n 1 | unquoted | cut -d '=' -f 2-
    else printf '%s' "$2"
    fi
}
BIN=$(chosen BIN "$root/build/bin") HEALTH_PORT=$(chosen HEALTH_PORT 9100)
ports=($(chosen GATEWAY_PORTS ""))
GATEWAYS=$(chosen GATEWAYS $((${#ports[@]} > 0 ? ${#ports[@]} : 1)))
services=$(chosen SERVICES "$all_services") engines=$(chosen ENGINES "postgres redis")
LOG_MB=$(chosen LOG_MB 400) CHATS=$(chosen CHATS 1) acme_hosts=$(chosen ACME_HOSTS "")
[[ $GATEWAYS =~ ^[0-9]+$ && $HEALTH_PORT =~ ^[0-9]+$ && $LOG_MB =~ ^[1-9][0-9]*$ ]] ||
    fail "GATEWAYS, HEALTH_PORT and LOG_MB are numbers"
[[ $CHATS =~ ^[1-5]$ ]] || fail "CHATS is a number from 1 to 5"

gateways()  { for ((i = 1; i <= GATEWAYS; i++)); do echo "gateway-$i"; done; }
# The processes of a service, in the order of their parts: chat chat-2 chat-3.
parts()     {
    local i
    echo "$1"
    [ "$1" != chat ] || for ((i = 2; i <= CHATS; i++)); do echo "$1-$i"; done
}
services()  { local s; for s in $services; do parts "$s"; done; }
processes() { services; gateways; }
supervised_services() { local s; for s in $all_services; do (cd "$dir/service" && ls -d "$s" "$s"-[0-9] 2>/dev/null); done; }
needs()     { [[ " $engines " == *" $1 "* ]]; }
