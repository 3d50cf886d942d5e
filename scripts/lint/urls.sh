#!/bin/bash
# urls - links begin with MADANG_PUBLIC_URL and are built by url_build(): a Host that somebody sent is in none of them.
bad=0
forbid() {  # forbid 'regexp' 'files that may' reason
    local hits
    hits=$(grep -rnE "$1" libshared services --include='*.[ch]' | grep -vE "^($2):" | grep -vE ':[0-9]+: *(\*|/\*|//)' || true)
    [ -z "$hits" ] || { echo "$3:"; echo "$hits"; bad=1; }
}
forbid 'http_header\([^)]*"(host|x-forwarded-host|x-forwarded-proto|forwarded)"' 'libshared/http/(upgrade|http_host)\.c' \
    'what a request says of its host is compared with its origin and with our names, and used for nothing else'
forbid '"https?://[^"]*%' 'services/tools/.*' 'build URLs with url_build()'
forbid '%[^"]*(\?|&)[a-z_]+=%' 'libshared/(cache|db)/.*' 'build URLs with url_build()'
exit $bad
