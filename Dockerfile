# Every image of compose.yaml, from one base and Debian's packages alone.
#
#   build      compiles; nothing of it ships but build/bin
#   madang     every process, authctl and madangctl: which one runs is the container's command
#   postgres   PostgreSQL 15, made ready for the services' roles
#   redis      Redis 7

FROM debian:bookworm-slim AS base
ENV DEBIAN_FRONTEND=noninteractive
# One user everywhere, so that volumes belong to whoever mounts them.  Its directories exist before it does, because
# a fresh volume takes the owner of what it covers.
COPY scripts/services /usr/local/lib/madang/services
COPY proto/services.def /usr/local/lib/proto/services.def
RUN groupadd --gid 10001 madang && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin madang \
 && install -d -o madang -g madang /run/madang /var/lib/madang /var/lib/madang/files /vault /secrets \
    /tls /acme /acme/proofs /proofs /for/tls \
    $(/usr/local/lib/madang/services all | sed 's|^|/for/|') /for/postgres

FROM base AS postgres
COPY scripts/setup /tmp/setup
RUN /tmp/setup postgres && rm -rf /var/lib/apt/lists/* /tmp/setup /var/lib/postgresql \
 && install -d -o madang -g madang /var/lib/madang/pg /run/postgresql
COPY scripts/container/postgres scripts/db-init /usr/local/lib/madang/
USER madang
STOPSIGNAL SIGINT
CMD ["/usr/local/lib/madang/postgres"]

FROM base AS redis
COPY scripts/setup /tmp/setup
RUN /tmp/setup redis && rm -rf /var/lib/apt/lists/* /tmp/setup
USER madang
CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--appendonly", "no", \
     "--maxmemory", "128mb", "--maxmemory-policy", "volatile-lru", "--dir", "/tmp"]

FROM base AS build
COPY scripts/setup /src/scripts/setup
RUN /src/scripts/setup build && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Makefile CHANGELOG.md ./
COPY scripts/services scripts/rows scripts/
COPY proto proto
COPY libshared libshared
COPY services services
RUN make build && strip build/bin/*

FROM base AS madang
COPY scripts/setup /tmp/setup
RUN /tmp/setup libraries && rm -rf /var/lib/apt/lists/* /tmp/setup
COPY --from=build /src/build/bin/ /usr/local/bin/
COPY --from=build /src/build/share/ /usr/local/share/
COPY scripts/first-admin scripts/container/public-url /usr/local/bin/
COPY migrations /usr/local/share/madang/migrations
COPY scripts/container/ scripts/certs scripts/acme /usr/local/lib/madang/
ENV MADANG_MIGRATIONS_DIR=/usr/local/share/madang/migrations MADANG_RUN_DIR=/run/madang MADANG_KEY_DIR=/secrets/keys
USER madang
ENTRYPOINT ["/usr/local/lib/madang/entry"]
