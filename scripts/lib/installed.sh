#!/bin/sh
# installed - the commands madang, authctl and madangctl of what `make install` has put in place; whoever calls them, its owner's user runs them.
#
#   authctl ...             the command line of keys, policies and people: authctl --help
#   madangctl ...           the command line of rooms and jobs: madangctl --help
#   madang status           each process, its state and whether it is ready
#   madang logs             follow all logs
#   madang restart          rolling restart of the gateways
#   madang welcome          the URL, a first key, and links that are good once
#   madang first-admin      a link with which the first administrator registers
#   madang first-message [TEXT]
#   madang trust [undo]     this machine trusts its certificate
# systemctl start, stop and restart madang are for all of it.
set -eu
lib=@LIB@ data=@DATA@ owner=@OWNER@
command=$(basename "$0")
verb=
if [ "$command" = madang ]; then
    verb=${1:-}
    [ $# = 0 ] || shift
fi
case $command:$verb in
authctl: | madangctl:) set -- "$command" "$@" ;;
madang:status | madang:logs) set -- stack "$verb" "$data" ;;
madang:restart) set -- stack roll "$data" ;;
madang:welcome | madang:first-admin) set -- "$verb" "$data" ;;
madang:first-message) set -- first-message "$@" ;;
madang:trust) exec "$lib/scripts/trust" "$@" "$data/tls/ca.crt" ;;
*) sed -n '4,13s/^# \{0,1\}//p' "$0"; [ "$verb" = --help ] || exit 2; exit 0 ;;
esac
export RUN="$data" ENV_FILE=@SETTINGS@
program=$lib/scripts/$1
shift
[ "$(id -un)" = "$owner" ] || exec runuser -u "$owner" -- "$program" "$@"
exec "$program" "$@"
