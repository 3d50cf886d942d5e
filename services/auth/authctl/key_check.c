/* key_check.c - authctl key check: is it a key of ours, as it is written?  Nobody is asked, and nothing is shown but its id. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/policy/api_key.h"
#include "services/auth/authctl/key_commands.h"

#define FILE_BYTES_MAX (16u << 20)

static const char *what_is_wrong(struct str text)
{
    struct str id = { text.at + 4, API_KEY_ID_CHARS };

    if (!str_starts(text, STR("mdk_"))) return "does not begin with mdk_";
    if (text.len != API_KEY_CHARS) return text_printf("has %zu characters, and not %d", text.len, API_KEY_CHARS);
    if (!api_key_is_id(id)) return "the id has a character that no id has";
    return "the checksum does not fit: it was mistyped or cut";
}

static bool check_one(size_t n, struct str text)
{
    struct api_key_parts parts;
    bool good = api_key_parse(text, &parts);

    if (as_json && good)
        printf("{\"line\":%zu,\"good\":true,\"id\":\"%.*s\"}\n", n, STR_ARG(parts.id));
    else if (as_json)
        printf("{\"line\":%zu,\"good\":false,\"why\":\"%s\"}\n", n, what_is_wrong(text));
    else if (good)
        printf("line %zu: key %.*s\n", n, STR_ARG(parts.id));
    else
        printf("line %zu: %s\n", n, what_is_wrong(text));
    return good;
}

int key_check(const struct command_line *line)
{
    struct buf bytes;
    size_t n = 0, keys = 0, bad = 0;
    int status = line_file(line, "FILE", FILE_BYTES_MAX, &bytes);

    if (status != EXIT_OK) return status;
    for (struct str rest = buf_str(&bytes); rest.len > 0;) {
        struct str text = str_trim(str_cut(&rest, '\n'));
        n++;
        if (text.len == 0) continue;
        keys++;
        if (!check_one(n, text)) bad++;
    }
    buf_free(&bytes);
    if (keys == 0) return usage_error(line, "there is no key in it");
    return bad == 0 ? EXIT_OK : EXIT_MISSED;
}
