/* packet.c - Socket.IO packets from text and to text. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/packet.h"

#include <string.h>

#include "libshared/wire/event_names.h"
#include "libshared/wire/json.h"
#include "libshared/wire/json_text.h"

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

/* --- the JSON behind it --- */

#define PLAIN (-1) /* {"_placeholder":true} is data like any other */

static bool check_value(struct json_in *in, int attachments);

static bool check_object(struct json_in *in, int attachments)
{
    bool placeholder = false;
    int64_t num = -1;
    struct json_open object;
    struct str key, raw;

    if (!json_open_object(in, &object)) return false;
    while (json_next_key(in, &object, &key)) {
        bool is_mark = str_is(key, "_placeholder"), is_num = str_is(key, "num");
        json_peek(in);
        const char *from = in->at;
        if (!check_value(in, attachments)) return false;
        raw = (struct str){ from, (size_t)(in->at - from) };
        if (is_mark) placeholder = str_is(raw, "true");
        if (is_num && !str_to_int(raw, &num)) num = -1;
    }
    return in->verdict != JSON_MALFORMED && (!placeholder || (num >= 0 && num < attachments));
}

static bool check_array(struct json_in *in, int attachments)
{
    struct json_open array;

    if (!json_open_array(in, &array)) return false;
    while (json_next_item(in, &array))
        if (!check_value(in, attachments)) return false;
    return in->verdict != JSON_MALFORMED;
}

/* A placeholder has to name one of the attachments. */
static bool check_value(struct json_in *in, int attachments)
{
    if (attachments == PLAIN) return json_skip(in, NULL);
    switch (json_peek(in)) {
    case '{': return check_object(in, attachments);
    case '[': return check_array(in, attachments);
    default: return json_skip(in, NULL);
    }
}

/* Elements of the packet's array. */
struct elements {
    size_t n;
    struct str first, second; /* STR_NONE where there is none */
    struct str all;           /* what stands between the brackets */
    struct str rest;          /* the same from the first element's comma on */
};

static bool read_element(struct json_in *in, int attachments, struct elements *out)
{
    const char *from = in->at;

    if (out->n == 1) out->rest.at = from; /* behind the comma */
    json_peek(in);
    from = in->at;
    if (!check_value(in, attachments)) return false;
    struct str raw = { from, (size_t)(in->at - from) };
    if (out->n == 0) out->first = raw;
    if (out->n == 1) out->second = raw;
    out->n++;
    return true;
}

static bool read_elements(struct json_in *in, int attachments, struct elements *out)
{
    struct json_open array;

    *out = (struct elements){ .all = { in->at + 1, 0 } };
    if (in->at == in->end || *in->at != '[' || !json_open_array(in, &array)) return false;
    while (json_next_item(in, &array))
        if (!read_element(in, attachments, out)) return false;
    if (in->verdict == JSON_MALFORMED) return false;
    const char *end = in->at - 1;
    out->all.len = (size_t)(end - out->all.at);
    if (out->n > 1) out->rest.len = (size_t)(end - out->rest.at);
    return true;
}

static void refuse_json(struct sio_packet *packet, struct arena *arena, const char *what, size_t at)
{
    if (packet->refused.at == NULL) packet->refused = arena_printf(arena, "the JSON %s, at byte %zu", what, at);
}

/* false: not JSON. */
static bool end_json(struct json_in *in, struct arena *arena, struct sio_packet *out)
{
    if (json_end(in) == JSON_MALFORMED) return false;
    if (in->verdict == JSON_REFUSED) refuse_json(out, arena, in->fault, in->fault_at);
    return true;
}

static int placeholders(const struct sio_packet *p)
{
    return p->attachments > 0 ? (int)p->attachments : PLAIN;
}

static bool read_array(struct sio_packet *out, struct arena *arena, struct elements *elements)
{
    struct json_in in;

    json_begin(&in, out->json, JSON_DEPTH_MAX);
    bool good = read_elements(&in, placeholders(out), elements);
    return end_json(&in, arena, out) && good;
}

static bool read_object(struct sio_packet *out, struct arena *arena)
{
    struct json_in in;

    json_begin(&in, out->json, JSON_DEPTH_MAX);
    bool good = *out->json.at == '{' && json_skip(&in, NULL);
    return end_json(&in, arena, out) && good;
}

/* The array is written again with the name as it was read: what a policy is asked about is what others hear. */
static void rewrite_name(struct sio_packet *packet, struct str rest, struct arena *arena)
{
    struct buf array = BUF(packet->json.len + 2);
    const char *comma = rest.len > 0 ? "," : "";

    json_put_text(&array, packet->name);
    packet->json = arena_printf(arena, "[%.*s%s%.*s]", STR_ARG(buf_str(&array)), comma, STR_ARG(rest));
    buf_free(&array);
    if (rest.len == 0) return;
    const char *now = packet->json.at + packet->json.len - 1 - rest.len; /* all of them are views into one array */
    packet->first.at = now + (packet->first.at - rest.at);
    packet->args.at = now;
}

static bool read_text_name(struct str raw, struct arena *arena, struct sio_packet *out)
{
    struct json_in in;

    json_begin(&in, raw, 1);
    bool good = json_text(&in, &out->name), is_escaped = good && json_is_decoded(&in, out->name);
    if (is_escaped) out->name = arena_str(arena, out->name);
    json_end(&in);
    if (is_escaped && out->refused.at == NULL) rewrite_name(out, out->args, arena);
    return good && !event_is_reserved(out->name);
}

/* A number is a name in JavaScript: by its digits, of which a whole number has one row only. */
static bool read_number_name(struct str raw, struct arena *arena, struct sio_packet *out)
{
    int64_t n;

    out->name = raw;
    if (!str_to_int(raw, &n)) refuse_json(out, arena, "has a name that is neither a text nor a whole number", 1);
    return true;
}

static bool read_event(struct sio_packet *out, struct arena *arena)
{
    struct elements elements;

    if (!read_array(out, arena, &elements) || elements.n == 0) return false;
    out->args = elements.rest;
    out->first = elements.second;
    if (*elements.first.at == '"') return read_text_name(elements.first, arena, out);
    return (*elements.first.at == '-' || is_digit(elements.first)) && read_number_name(elements.first, arena, out);
}

static bool read_ack(struct sio_packet *out, struct arena *arena)
{
    struct elements elements;

    if (out->id < 0 || !read_array(out, arena, &elements)) return false;
    out->args = elements.all;
    out->first = elements.first;
    return true;
}

static bool read_payload(struct sio_packet *out, struct arena *arena)
{
    switch (out->type) {
    case SIO_CONNECT: return out->json.len == 0 || read_object(out, arena);
    case SIO_DISCONNECT: return out->json.len == 0;
    case SIO_EVENT:
    case SIO_BINARY_EVENT: return read_event(out, arena);
    case SIO_ACK:
    case SIO_BINARY_ACK: return read_ack(out, arena);
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
    char head_bytes[24], id_bytes[24];
    struct buf head = { .at = head_bytes, .cap = sizeof head_bytes, .max = sizeof head_bytes };
    struct buf number = { .at = id_bytes, .cap = sizeof id_bytes, .max = sizeof id_bytes };
    bool main = str_is(nsp, "/");

    buf_add_char(&head, (char)('0' + (int)type));
    if (attachments > 0) {
        json_put_uint(&head, attachments);
        buf_add_char(&head, '-');
    }
    if (id >= 0) json_put_int(&number, id);
    return eio_packet_text_parts(
        (struct str[]){ buf_str(&head), main ? STR_NONE : nsp, main ? STR_NONE : STR(","), buf_str(&number), json }, 5);
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
