#!/bin/bash
# blocking - what may wait for a disk, a name server, a database or a clock stands only where no loop runs.
bad=0
allow() {   # allow 'functions' 'files, regexp' why these may
    local hits
    hits=$(grep -rnE "(^|[^A-Za-z0-9_>.])($1) ?\(" libshared services --include='*.[ch]' | grep -vE "^($2):" |
        grep -vE '^(libshared/cli|services/(tools|auth/authctl|share/imager))/|:[0-9]+: *(\*|/\*|//)' || true)
    [ -z "$hits" ] || { echo "may block a loop ($3):"; echo "$hits"; bad=1; }
}
allow 'getaddrinfo|gethostbyname|gethostbyaddr|getnameinfo|res_query' 'libshared/base/resolve\.c|libshared/http/accept\.c' \
    'ask with resolve_begin(); accept.c binds at the start'
allow 'sleep|usleep|nanosleep|clock_nanosleep' 'libshared/base/log_out\.c' \
    'use an ev_timer; this one is a thread'
allow 'fopen|freopen|open|openat|creat|opendir|access|stat|lstat|fsync|fdatasync|sync|unlink|unlinkat|rename' \
    'libshared/base/log_out\.c|libshared/service/(process_metrics|settings_load|privileges_files)\.c|libshared/db/migrate\.c|libshared/(rpc/keys|base/sealed|base/secret_file)\.c|services/share/media/files\.c|libshared/http/tls/certificates\.c|services/gateway/site/(files|acme)\.c' \
    'read files at the start or on a thread: the log is written and metrics are read on one, certificates and sites are errands, media are BLOCKING work, all else is read once'
allow 'poll|select|ppoll|pselect|epoll_wait|flock|lockf|wait|waitpid' 'libshared/db/pg_(listen|claim|answer)\.c|services/share/(media/files|images/channel)\.c' \
    'use an ev_io; pg_listen.c and pg_claim.c are threads, workers wait for their answers, files.c locks without waiting, and channel.c is for BLOCKING work'
allow 'PQconnectdb|PQconnectdbParams|PQconnectStart|PQconnectStartParams|PQexec|PQexecParams|PQexecPrepared|PQgetResult' \
    'libshared/db/pg[a-z_]*\.c|libshared/db/migrate\.c|services/store/messages/batch\.c' 'WORKER methods have a connection of their own'
allow 'redisConnect[A-Za-z]*|redisCommand[A-Za-z]*|redisAsyncConnect[A-Za-z]*' 'libshared/cache/redis_link\.c' 'use redis_command()'
allow 'crypt|crypt_r|crypt_ra|PKCS5_PBKDF2_HMAC|EVP_PBE_scrypt' 'services/gateway/interop/login\.c|libshared/base/password\.c' 'passwords are checked on threads'
allow 'pthread_join|pthread_cond_wait|pthread_cond_timedwait|sem_wait' \
    'libshared/base/log_out\.c|libshared/rpc/rpc_(pool|queue)\.c|libshared/service/health_http\.c|services/store/messages/committer\.c' \
    'threads wait for the loop, and not it for them; joins are at the end'
allow 'zcert_load|zsock_wait|zsock_recv|zstr_recv|zmsg_recv|zpoller_wait|zmq_poll' 'libshared/rpc/keys\.c' \
    'ZeroMQ is read with ZMQ_DONTWAIT; keys are read once'
allow 'SSL_CTX_use_certificate_chain_file|SSL_CTX_use_PrivateKey_file' 'libshared/http/tls/certificates\.c' 'certificates are read by certificates.c'
exit $bad
