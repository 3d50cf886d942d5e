/* strength.c - bits of a password. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/strength.h"

#include <ctype.h>
#include <zxcvbn.h>

#include "libshared/base/secret.h"
#include "services/auth/users/hangul.h"

#define W(word) "" word,
static const char *const korean_words[] = {
#include "services/auth/users/korean_words.def"
};
#undef W

#define OWN_WORDS  4
#define WORD_BYTES 256

struct strength_words {
    char text[COUNT(korean_words) + OWN_WORDS][WORD_BYTES];
    const char *at[COUNT(korean_words) + OWN_WORDS + 1]; /* ends with NULL */
    size_t n;
};

/* As keys, in lower case; what is shorter tells nothing of a word. */
static void add_word(struct strength_words *words, struct str word)
{
    struct buf keys = BUF(WORD_BYTES - 1);

    hangul_keys(word, &keys);
    if (keys.over || keys.len < 3) {
        buf_free(&keys);
        return;
    }
    char *text = words->text[words->n];
    for (size_t i = 0; i < keys.len; i++) text[i] = (char)tolower((unsigned char)keys.at[i]);
    text[keys.len] = '\0';
    words->at[words->n++] = text;
    buf_free(&keys);
}

static void fill_words(struct strength_words *words, struct str email, struct str nickname)
{
    struct str rest = email;

    add_word(words, nickname);
    add_word(words, email);
    add_word(words, str_cut(&rest, '@'));
    add_word(words, str_cut(&rest, '.'));
    for (size_t i = 0; i < COUNT(korean_words); i++) add_word(words, str_of(korean_words[i]));
}

double password_bits(const char *password, struct str email, struct str nickname)
{
    struct strength_words *words = mem_zero(sizeof *words);
    struct buf keys = BUF(1024); /* a syllable of three bytes has at most five keys */

    fill_words(words, email, nickname);
    hangul_keys(str_of(password), &keys);
    buf_add_char(&keys, '\0');
    double bits = keys.over ? 0 : ZxcvbnMatch(keys.at, words->at, NULL);
    secret_wipe(keys.at, keys.len);
    buf_free(&keys);
    mem_free(words);
    return bits;
}
