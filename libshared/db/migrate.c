/* migrate.c - the schema's files, applied in order, once, by the first process that comes. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/migrate.h"

#include <assert.h>
#include <dirent.h>
#include <libpq-fe.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/hex.h"
#include "libshared/base/log.h"
#include "libshared/db/pg_private.h"

#define MAX_FILES      1000
#define MAX_FILE_BYTES (4u << 20)

struct migration_file {
    char name[120];
    char *sql;
    char sha256[65];
};

struct migration {
    PGconn *conn;
    const char *schema, *dir;
    struct arena *arena;
    struct migration_file *files;
    int n_files;
};

static enum err refuse_file(const struct migration *m, const char *file, const char *why)
{
    LOG(ERROR, "migrate.refused", F_TEXT("schema", m->schema), F_TEXT("file", file), F_TEXT("why", why));
    return ERR_CONFLICT;
}

static int is_migration(const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t len = strlen(name);

    return len > 9 && len < sizeof((struct migration_file *)0)->name && strspn(name, "0123456789") == 4 &&
           name[4] == '_' && strcmp(name + len - 4, ".sql") == 0;
}

static char *read_text(struct arena *arena, const char *path)
{
    FILE *in = fopen(path, "re");
    char *text = arena_alloc(arena, MAX_FILE_BYTES + 1);

    if (in == NULL) return NULL;
    size_t len = fread(text, 1, MAX_FILE_BYTES + 1, in);
    bool whole = !ferror(in) && len <= MAX_FILE_BYTES && memchr(text, 0, len) == NULL;
    fclose(in);
    if (!whole) return NULL;
    text = arena_copy(arena, text, len + 1);
    text[len] = '\0';
    return text;
}

static void digest_text(const char *text, char hex[65])
{
    unsigned char hash[32];
    int good = EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL);

    assert(good == 1);
    hex_format(hash, sizeof hash, hex);
}

static enum err load_file(struct migration *m, const char *name, int version)
{
    /* bound: MAX_FILE_BYTES, of a file of ours */
    struct arena *scratch = arena_create("migrate.file", MAX_FILE_BYTES * 2 + 65536);
    struct migration_file *file = &m->files[version - 1];
    char path[4400];

    snprintf(file->name, sizeof file->name, "%s", name);
    snprintf(path, sizeof path, "%s/%s", m->dir, name);
    char *text = read_text(scratch, path);
    if (text != NULL) {
        file->sql = arena_cstr(m->arena, str_of(text));
        digest_text(text, file->sha256);
    }
    arena_destroy(&scratch);
    if (text == NULL) return refuse_file(m, name, "it cannot be read");
    int64_t number = 0;
    str_to_int((struct str){ name, 4 }, &number);
    return number == version ? OK : refuse_file(m, name, "files are numbered 0001, 0002, ... without a gap");
}

static enum err load_files(struct migration *m)
{
    struct dirent **entries = NULL;
    int n = scandir(m->dir, &entries, is_migration, alphasort);
    enum err e = OK;

    if (n < 0 || n > MAX_FILES) e = refuse_file(m, m->dir, n < 0 ? "no such directory" : "too many files");
    m->n_files = e == OK ? n : 0;
    m->files = arena_zero(m->arena, ((size_t)m->n_files + 1) * sizeof *m->files);
    for (int i = 0; i < n; i++) {
        if (e == OK) e = load_file(m, entries[i]->d_name, i + 1);
        free(entries[i]);
    }
    free(entries);
    return e;
}

static enum err report_failure(const struct migration *m, PGresult *res, const char *doing)
{
    bool gone = PQstatus(m->conn) == CONNECTION_BAD;

    LOG(ERROR, "migrate.failed", F_TEXT("schema", m->schema), F_TEXT("doing", doing),
        F_TEXT("why", PQerrorMessage(m->conn)));
    PQclear(res);
    return gone ? ERR_UNAVAILABLE : ERR_INTERNAL;
}

static enum err run_sql(const struct migration *m, const char *sql, const char *doing)
{
    PGresult *res = PQexec(m->conn, sql);

    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        return report_failure(m, res, doing);
    PQclear(res);
    return OK;
}

static const char LOCK_SCHEMA[] = "SELECT pg_advisory_lock(hashtextextended('madang.migrate.' || current_schema(), 0))";

/* IF NOT EXISTS under the lock: several processes of one service may start at once. */
static const char MAKE_TABLE[] =
    "CREATE TABLE IF NOT EXISTS migration (version int PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
    " at timestamptz NOT NULL DEFAULT now())";

static const char APPLIED[] = "SELECT version, name, sha256 FROM migration ORDER BY version";

static const char RECORD_FILE[] = "INSERT INTO migration (version, name, sha256) VALUES ($1, $2, $3)";

/* What is applied must be what the files begin with. */
static enum err compare_digests(const struct migration *m, int *applied)
{
    PGresult *res = PQexec(m->conn, APPLIED);
    enum err e = OK;

    if (PQresultStatus(res) != PGRES_TUPLES_OK) return report_failure(m, res, "reading what is applied");
    *applied = PQntuples(res);
    for (int i = 0; i < *applied && e == OK; i++) {
        if (i >= m->n_files || strcmp(PQgetvalue(res, i, 1), m->files[i].name) != 0)
            e = refuse_file(m, PQgetvalue(res, i, 1), "it was applied and is missing now");
        else if (strcmp(PQgetvalue(res, i, 2), m->files[i].sha256) != 0)
            e = refuse_file(m, m->files[i].name, "it was applied and has changed since");
    }
    PQclear(res);
    return e;
}

static enum err record_version(const struct migration *m, int version)
{
    char number[12];
    const struct migration_file *file = &m->files[version - 1];
    const char *values[] = { number, file->name, file->sha256 };

    snprintf(number, sizeof number, "%d", version);
    PGresult *res = PQexecParams(m->conn, RECORD_FILE, 3, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_COMMAND_OK) return report_failure(m, res, "recording a file");
    PQclear(res);
    return OK;
}

static enum err apply_version(const struct migration *m, int version)
{
    const struct migration_file *file = &m->files[version - 1];

    TRY(run_sql(m, "BEGIN", file->name));
    enum err e = run_sql(m, file->sql, file->name);
    if (e == OK) e = record_version(m, version);
    if (e != OK) {
        PQclear(PQexec(m->conn, "ROLLBACK"));
        return e;
    }
    TRY(run_sql(m, "COMMIT", file->name));
    LOG(INFO, "migrate.applied", F_TEXT("schema", m->schema), F_TEXT("file", file->name));
    return OK;
}

static enum err bring_up(struct migration *m)
{
    int applied = 0;

    TRY(load_files(m));
    TRY(run_sql(m, LOCK_SCHEMA, "locking the schema"));
    TRY(run_sql(m, MAKE_TABLE, "making the table of migrations"));
    TRY(compare_digests(m, &applied));
    for (int version = applied + 1; version <= m->n_files; version++) TRY(apply_version(m, version));
    return OK;
}

static void on_notice(void *arg, const char *message)
{
    (void)arg;
    LOG(DEBUG, "migrate.notice", F_TEXT("text", message));
}

static PGconn *open_connection(const char *conninfo, const char *schema)
{
    char options[200];

    snprintf(options, sizeof options,
        "-c search_path=%s -c client_min_messages=warning -c lock_timeout=0 -c statement_timeout=0", schema);
    const char *names[] = { "connect_timeout", "fallback_application_name", "dbname", "options", NULL };
    const char *values[] = { "3", "migrate", conninfo, options, NULL };
    return PQconnectdbParams(names, values, 1);
}

/* The advisory lock goes with the connection. */
enum err migrate_up(const char *conninfo, const char *schema, const char *dir)
{
    struct migration m = { .conn = open_connection(conninfo, schema), .schema = schema, .dir = dir };
    enum err e = ERR_UNAVAILABLE;

    if (PQstatus(m.conn) == CONNECTION_OK) {
        PQsetNoticeProcessor(m.conn, on_notice, NULL);
        /* bound: files of ours */
        m.arena = arena_create("migrate", 64u << 20);
        e = bring_up(&m);
        arena_destroy(&m.arena);
    } else {
        LOG(WARN, "migrate.no_connection", F_TEXT("schema", schema), F_TEXT("why", pg_why(m.conn, conninfo)));
    }
    PQfinish(m.conn);
    return e;
}
