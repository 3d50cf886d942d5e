/* sample.c - an example of a record: what it cannot be without, as somebody would write it. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/tools/protodoc/schema.h"

#define SAMPLE_ID   "019a9d2e-7c00-7000-8000-000000000001"
#define SAMPLE_TIME 1764288000000

/* What a text of this name looks like, where any text would not do. */
static const char *const texts[][2] = {
    { "email", "ada@example.org" },
    { "password", "nine lamps in a courtyard" },
    { "nickname", "ada_in_the_courtyard" },
    { "name", "Ada" },
    { "subject", "ada" },
    { "member", "bo" },
    { "event", "typing" },
    { "url", "https://example.org/" },
    { "network", "192.0.2.0/24" },
    { "policy", "chat-client" },
    { "effect", "allow" },
    { "expect", "allow" },
    { "action", "emit" },
    { "role", "moderator" },
    { "muted", "yes" },
};

/* Fields that a record means something else by, or that one of has to be there. */
static const char *const own_texts[][3] = {
    { "limit", "name", "conversations" },
    { "ban_draft", "subject", "mallory" },
    { "connection_end", "subject", "mallory" },
    { "share_report_draft", "reason", "spam" },
    { "share_report_resolution", "as", "dismissed" },
    { "takedown_draft", "reason", "spam" },
    { "report_draft", "member", "mallory" },
    { "report_draft", "reason", "spam" },
    { "report_resolution", "outcome", "nothing" },
    { "reports_resolution", "outcome", "nothing" },
    { "push_draft", "endpoint", "https://example.org/send/7f2c" },
    { "push_keys", "p256dh",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4" },
    { "push_keys", "auth", "BTBZMqHH6r4Tts7J_aSIgg" },
};

static const char *text_of_record(const struct wire_shape *s, const struct wire_field *f)
{
    for (size_t i = 0; i < COUNT(own_texts); i++)
        if (strcmp(own_texts[i][0], s->name) == 0 && strcmp(own_texts[i][1], f->name) == 0) return own_texts[i][2];
    return NULL;
}

static const char *text_called(const char *name)
{
    for (size_t i = 0; i < COUNT(texts); i++)
        if (strcmp(texts[i][0], name) == 0) return texts[i][1];
    return "text";
}

static json_t *sample_text(const struct wire_field *f)
{
    const char *text = text_called(f->name);
    size_t len = strlen(text);
    char padded[256];

    if (f->min > (int64_t)len && f->min < (int64_t)sizeof padded) {
        memset(padded, 'x', sizeof padded);
        memcpy(padded, text, len);
        return json_stringn(padded, (size_t)f->min);
    }
    return json_stringn(text, f->max < (int64_t)len ? (size_t)f->max : len);
}

json_t *sample_of_field(const struct wire_shape *s, const struct wire_field *f)
{
    if (text_of_record(s, f) != NULL) return json_string(text_of_record(s, f));
    switch (f->kind) {
    case WIRE_INT: return json_integer(f->fallback >= f->min && f->fallback <= f->max ? f->fallback : f->min);
    case WIRE_TIME: return json_integer(SAMPLE_TIME);
    case WIRE_BOOL: return json_boolean(f->fallback != 0);
    case WIRE_TEXT: return sample_text(f);
    case WIRE_BYTES: return json_string("AAAA");
    case WIRE_ID: return json_string(SAMPLE_ID);
    case WIRE_ANY: return json_object();
    case WIRE_TEXTS: return json_pack("[s]", "text");
    case WIRE_IDS: return json_pack("[s]", SAMPLE_ID);
    case WIRE_LIST: return json_pack("[o]", sample_of_record(f->of(), ""));
    case WIRE_ONE: return sample_of_record(f->of(), "");
    }
    return json_null();
}

json_t *sample_of_record(const struct wire_shape *s, const char *path)
{
    json_t *sample = json_object();

    for (const struct wire_field *f = s->fields; f->name != NULL; f++)
        if ((f->required || text_of_record(s, f) != NULL) && !schema_in_path(path, f))
            schema_set(sample, f->name, sample_of_field(s, f));
    return sample;
}
