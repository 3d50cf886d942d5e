#!/bin/bash
# banned - functions that overflow, split strings in place, ignore errors or bypass the arena and prepared statements.
bad=0
forbid() {  # forbid 'functions' where-not reason
    local hits
    hits=$(grep -rnE "(^|[^A-Za-z0-9_>.])($1) ?\(" libshared services --include='*.[ch]' | grep -vE "$2" | grep -vE ':[0-9]+: *(\*|/\*|//)' || true)
    [ -z "$hits" ] || { echo "$3:"; echo "$hits"; bad=1; }
}
forbid 'sprintf|vsprintf|strcpy|strcat|strncpy|strtok|strtok_r|gets|atoi|atol|atof|alloca|system|popen' '^$' 'use what knows its bounds'
forbid 'malloc|calloc|realloc|strdup|strndup|asprintf' '^libshared/base/' 'allocate with an arena, or mem_*: they never return NULL'
forbid 'PQexec|PQexecParams' '^libshared/db/' 'prepared statements, through libshared/db'
forbid 'zmq_(msg_)?(send|recv)|zmq_(bind|connect|disconnect)' '^libshared/rpc/rpc_socket\.c' 'rpc_socket_*: a signal ends none of those'
forbid 'rpc_socket_(put|put_bytes|events|connect|disconnect)' '^libshared/rpc/(loop_sock\.c|rpc_socket\.[ch])' 'loop_sock_*: each of those may take the news of a message that has come'
forbid 'rand|srand|random' '^$' 'secret_random() or nothing'
exit $bad
