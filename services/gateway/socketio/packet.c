/* packet.c - Socket.IO packets from text and to text. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/event_names.h"
#include "services/gateway/socketio/packet.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "services/gateway/socketio/scan.h"

static bool is_digit(struct str s)
{
    return s.len > 0 && s.at[0] >= '0' && s.at[0] <= '9';
}

/* Digits at the start of *s, if there are any: *out is -1 without.  false: more than max. */
static bool read_number(struct str *s, int64_t max, int64_t *out)
{
    int64_t n = is_digit(*s) ? 0 : -1;

    while (is_digit(*s)) {
        n = n * 10 + (s->at[0] - '0');
        if (n > max) return false;
        *s = str_skip(*s, 1);
    }
    *out = n;
    return true;
}

static bool read_type(struct str *s, struct sio_packet *out)
{
    if (s->len == 0 || s->at[0] < '0' || s->at[0] > '6') return false;
    out->type = (enum sio_type)(s->at[0] - '0');
    *s = str_skip(*s, 1);
    return true;
}

static bool read_attachments(struct str *s, struct sio_packet *out)
{
    int64_t n;

    if (out->type != SIO_BINARY_EVENT && out->type != SIO_BINARY_ACK) return true;
    if (!read_number(s, SIO_MAX_ATTACHMENTS, &n) || n < 0 || s->len == 0 || s->at[0] != '-') return false;
    *s = str_skip(*s, 1);
    out->attachments = (unsigned)n;
    if (n == 0) out->type = out->type == SIO_BINARY_EVENT ? SIO_EVENT : SIO_ACK;
    return true;
}

static bool read_namespace(struct str *s, struct sio_packet *out)
{
    size_t end;

    out->nsp = STR("/");
    if (s->len == 0 || s->at[0] != '/') return true;
    if (!str_find(*s, ',', &end)) end = s->len;
    out->nsp = (struct str){ s->at, end };
    *s = str_skip(*s, end < s->len ? end + 1 : end);
    return end <= SIO_MAX_NAMESPACE;
}

/* Lone surrogates are legal JSON and no Unicode: such a name stays as it was written. */
static struct str decode_name(struct str raw, struct arena *arena)
{
    json_t *text = json_loadb(raw.at, raw.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    if (text == NULL) return (struct str){ raw.at + 1, raw.len - 2 };
    struct str name = arena_str(arena, (struct str){ json_string_value(text), json_string_length(text) });
    json_decref(text);
    return name;
}

static bool read_name(struct str raw, struct arena *arena, struct str *out)
{
    if (raw.len == 0) return false;
    if (raw.at[0] == '-' || is_digit(raw)) {
        *out = raw;
        return true;
    }
    if (raw.at[0] != '"') return false;
    if (!scan_plain_string(raw, out)) *out = decode_name(raw, arena);
    return !event_is_reserved(*out);
}

static int placeholders(const struct sio_packet *p)
{
    return p->attachments > 0 ? (int)p->attachments : SCAN_PLAIN;
}

static bool read_event(struct sio_packet *out, struct arena *arena)
{
    struct scan_array array;

    if (!scan_array(out->json, placeholders(out), &array)) return false;
    out->args = array.rest;
    out->first = array.second;
    return read_name(array.first, arena, &out->name);
}

static bool read_ack(struct sio_packet *out)
{
    struct scan_array array;

    if (out->id < 0 || !scan_array(out->json, placeholders(out), &array)) return false;
    out->args = array.all;
    out->first = array.first;
    return true;
}

static bool read_payload(struct sio_packet *out, struct arena *arena)
{
    switch (out->type) {
    case SIO_CONNECT: return out->json.len == 0 || scan_object(out->json);
    case SIO_DISCONNECT: return out->json.len == 0;
    case SIO_EVENT:
    case SIO_BINARY_EVENT: return read_event(out, arena);
    case SIO_ACK:
    case SIO_BINARY_ACK: return read_ack(out);
    case SIO_CONNECT_ERROR: break; /* for servers to say */
    }
    return false;
}

bool sio_packet_split(struct str text, struct sio_packet *out)
{
    *out = (struct sio_packet){ .id = -1 };
    if (!read_type(&text, out) || !read_attachments(&text, out) || !read_namespace(&text, out) ||
        !read_number(&text, SIO_MAX_ID, &out->id))
        return false;
    out->json = text;
    return true;
}

bool sio_packet_read(struct str text, struct arena *arena, struct sio_packet *out)
{
    return sio_packet_split(text, out) && read_payload(out, arena);
}

struct eio_packet *sio_packet_make(
    enum sio_type type, struct str nsp, int64_t id, unsigned attachments, struct str json)
{
    char head[8], number[24];
    bool main = str_is(nsp, "/");
    int head_len = attachments > 0 ? snprintf(head, sizeof head, "%d%u-", (int)type, attachments)
                                   : snprintf(head, sizeof head, "%d", (int)type);
    int number_len = id >= 0 ? snprintf(number, sizeof number, "%" PRId64, id) : 0;

    return eio_packet_text_parts((struct str[]){ { head, (size_t)head_len }, main ? STR_NONE : nsp,
                                     main ? STR_NONE : STR(","), { number, (size_t)number_len }, json },
        5);
}

struct eio_packet *sio_packet_event(struct str nsp, const char *name, struct str args)
{
    bool main = str_is(nsp, "/");

    return eio_packet_text_parts(
        (struct str[]){ STR("2"), main ? STR_NONE : nsp, main ? STR_NONE : STR(","), STR("[\""), str_of(name),
            STR("\""), args.len > 0 ? STR(",") : STR_NONE, args, STR("]") },
        9);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Relayed arguments are as their sender wrote them, blanks and all. */
static struct str without_blanks(struct str s)
{
    while (s.len > 0 && is_blank(s.at[s.len - 1])) s.len--;
    return s;
}

/* Up to its array's closing bracket. */
static struct str open_array(const struct eio_packet *event)
{
    struct str text = without_blanks(eio_packet_text_payload(event));

    return (struct str){ text.at, text.len - 1 };
}

struct eio_packet *sio_packet_with(const struct eio_packet *event, struct str last)
{
    return eio_packet_text_parts((struct str[]){ open_array(event), STR(",\""), last, STR("\"]") }, 4);
}

bool sio_packet_is_event(const struct eio_packet *packet)
{
    struct str text = eio_packet_text_payload(packet);

    return text.len > 0 && (text.at[0] == '0' + SIO_EVENT || text.at[0] == '0' + SIO_BINARY_EVENT);
}

/* A name alone counts too: clients look at the array's end. */
bool sio_packet_ends_in_string(const struct eio_packet *packet)
{
    if (!sio_packet_is_event(packet)) return false;
    struct str text = without_blanks(open_array(packet));
    return text.len > 0 && text.at[text.len - 1] == '"';
}
