/* reader.c - one image, read by libvips and written anew: as it is, without what was beside the picture, and smaller. */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <vips/vips.h>
#pragma GCC diagnostic pop

#include "libshared/base/arena.h"
#include "libshared/base/clock.h"
#include "libshared/service/privileges.h"
#include "libshared/wire/records.h"
#include "services/share/images/channel.h"
#include "services/share/imager/imager.h"

#define SIDE_MAX    16383 /* of WebP, the smallest bound of the formats */
#define FRAMES_MAX  1000
#define WRITTEN_MAX (256 << 20) /* bytes of one file */

/* The formats: the one class of libvips that may read each, and how it is written anew. */
static const struct format {
    const char *name, *loader, *ending;
    bool moves; /* it may have frames */
} FORMATS[] = {
    { "jpeg", "VipsForeignLoadJpegBuffer", ".jpg[Q=88,optimize_coding,strip]", false },
    { "png", "VipsForeignLoadPngBuffer", ".png[compression=6,strip]", false },
    { "gif", "VipsForeignLoadNsgifBuffer", ".gif[strip]", true },
    { "webp", "VipsForeignLoadWebpBuffer", ".webp[Q=88,strip]", true },
};

/* One file that is made of an image. */
struct form {
    int side; /* at most, of both; 0: the image in its own size and format */
    bool cut; /* exactly that, from its middle */
};
static const struct form PICTURE[] = { { 0, false }, { 160, false }, { 480, false }, { 1280, false } };
static const struct form AVATAR[] = { { 256, true }, { 64, true } };
#define PLACEHOLDER ".webp[Q=20,strip,smart_subsample=0]"
#define THUMBNAIL   ".webp[Q=80,strip]"

struct input {
    void *at;
    size_t len;
    const struct format *format;
};

/* --- before it is confined --- */

static void ignore_message(const char *domain, GLogLevelFlags level, const char *message, void *arg)
{
    (void)domain, (void)level, (void)message, (void)arg;
}

/* Each library on the way has done all of its work once: what it opens or starts for that is there. */
static void warm_up(const struct format *format)
{
    VipsImage *black = NULL, *bytes = NULL, *small = NULL;
    void *at = NULL, *again = NULL;
    size_t len = 0;

    if (vips_black(&black, 16, 16, "bands", 3, NULL) != 0 || vips_cast(black, &bytes, VIPS_FORMAT_UCHAR, NULL) != 0 ||
        vips_image_write_to_buffer(bytes, format->ending, &at, &len, NULL) != 0 ||
        vips_thumbnail_buffer(at, len, &small, 8, "export_profile", "srgb", NULL) != 0 ||
        vips_image_write_to_buffer(small, THUMBNAIL, &again, &len, NULL) != 0)
        vips_error_exit("imager");
    g_free(at);
    g_free(again);
    g_object_unref(black);
    g_object_unref(bytes);
    g_object_unref(small);
}

/* Its plug-ins (of formats that nobody is to read here) are looked for in a place where none is; it writes no code for the
 * processor, and no files of its own. */
static void set_up_libvips(void)
{
    setenv("VIPSHOME", "/nonexistent", 1);
    setenv("VIPS_DISC_THRESHOLD", "1000g", 1);
    setenv("VIPS_NOVECTOR", "1", 1);
    g_log_set_default_handler(ignore_message, NULL);
    if (VIPS_INIT("imager") != 0) vips_error_exit("imager");
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    for (size_t i = 0; i < COUNT(FORMATS); i++) {
        vips_operation_block_set(FORMATS[i].loader, FALSE);
        warm_up(&FORMATS[i]);
        vips_operation_block_set(FORMATS[i].loader, TRUE);
    }
}

static void limit_resource(int what, int64_t most, int64_t hard)
{
    struct rlimit both = { (rlim_t)most, (rlim_t)hard };

    if (setrlimit((__rlimit_resource_t)what, &both) != 0) exit(1);
}

/* Of memory, all that it may write to, stacks of threads and libraries too.  Of CPU, the signal says why it ended. */
static void set_limits(const struct reader_limits *limits)
{
    limit_resource(RLIMIT_CORE, 0, 0);
    limit_resource(RLIMIT_CPU, limits->seconds, limits->seconds + 1);
    limit_resource(RLIMIT_FSIZE, WRITTEN_MAX, WRITTEN_MAX);
    if (!privileges_sanitized()) limit_resource(RLIMIT_DATA, limits->memory, limits->memory);
}

/* --- the image --- */

static bool map_input(int file, const struct format *format, struct input *out)
{
    off_t len = lseek(file, 0, SEEK_END);

    if (len <= 0) return false;
    *out = (struct input){ .len = (size_t)len, .format = format };
    out->at = mmap(NULL, out->len, PROT_READ, MAP_PRIVATE, file, 0);
    return out->at != MAP_FAILED;
}

static bool write_all(int file, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = write(file, at, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static const char *options_of(const struct input *input, bool whole)
{
    return whole && input->format->moves ? "n=-1,fail_on=truncated" : "fail_on=truncated";
}

/* Only what the first bytes of the image say, before anything is decoded. */
static const char *check_head(const struct input *input, int64_t pixels)
{
    VipsImage *image = vips_image_new_from_buffer(
        input->at, input->len, options_of(input, true), "access", VIPS_ACCESS_SEQUENTIAL, NULL);

    if (image == NULL) return "unreadable";
    int64_t width = image->Xsize, height = vips_image_get_page_height(image), frames = vips_image_get_n_pages(image);
    g_object_unref(image);
    if (frames > FRAMES_MAX) return "too_many_frames";
    return width > SIDE_MAX || height > SIDE_MAX || width * height * frames > pixels ? "too_large" : NULL;
}

/* All that is said of an image but what its frames need. */
static void forget_rest(VipsImage *image)
{
    static const char *const kept[] = { VIPS_META_PAGE_HEIGHT, VIPS_META_N_PAGES, "delay", "loop" };
    char **fields = vips_image_get_fields(image);

    for (size_t i = 0; fields[i] != NULL; i++) {
        bool is_kept = false;
        for (size_t k = 0; k < COUNT(kept); k++) is_kept = is_kept || strcmp(fields[i], kept[k]) == 0;
        if (!is_kept) vips_image_remove(image, fields[i]); /* of its size and colours nothing can be removed */
    }
    g_strfreev(fields);
}

/* Turned as its orientation says, in sRGB; NULL: it cannot be read to its end. */
static VipsImage *draw(const struct input *input, const struct form *form)
{
    int side = form->side == 0 ? SIDE_MAX : form->side;
    VipsImage *drawn = NULL, *own = NULL;

    if (vips_thumbnail_buffer(input->at, input->len, &drawn, side, "height", side, "size",
            form->cut ? VIPS_SIZE_BOTH : VIPS_SIZE_DOWN, "crop",
            form->cut ? VIPS_INTERESTING_CENTRE : VIPS_INTERESTING_NONE, "export_profile", "srgb", "option_string",
            options_of(input, form->side == 0), NULL) != 0)
        return NULL;
    if (vips_copy(drawn, &own, NULL) == 0) forget_rest(own);
    g_object_unref(drawn);
    return own;
}

/* libvips writes a block of EXIF of its own into each WebP.  It goes, and so does the flag that says that it is there. */
static size_t trim_webp(char *at, size_t len)
{
    static const unsigned char flags = 0x20 | 0x08 | 0x04; /* ICC profile, EXIF, XMP */
    size_t to = 12;

    if (len < 20 || memcmp(at, "RIFF", 4) != 0 || memcmp(at + 8, "WEBP", 4) != 0) return len;
    for (size_t from = 12, size; len - from >= 8; from += size) {
        const unsigned char *n = (const unsigned char *)at + from + 4;
        size = 8 + (((size_t)n[0] | (size_t)n[1] << 8 | (size_t)n[2] << 16 | (size_t)n[3] << 24) + 1) / 2 * 2;
        if (size > len - from) return len;
        if (memcmp(at + from, "EXIF", 4) == 0 || memcmp(at + from, "XMP ", 4) == 0) continue;
        memmove(at + to, at + from, size);
        if (memcmp(at + to, "VP8X", 4) == 0) at[to + 8] = (char)(at[to + 8] & ~flags);
        to += size;
    }
    for (int i = 0; i < 4; i++) at[4 + i] = (char)((to - 8) >> 8 * i);
    return to;
}

/* NULL: it could not be. */
static char *encode_image(VipsImage *image, const char *ending, size_t *len)
{
    void *bytes = NULL;

    if (vips_image_write_to_buffer(image, ending, &bytes, len, NULL) != 0) return NULL;
    *len = trim_webp(bytes, *len);
    return bytes;
}

static bool write_form(const struct input *input, const struct form *form, int file, struct image_made *made)
{
    VipsImage *image = draw(input, form);
    size_t len = 0;

    if (image == NULL) return false;
    if (made->width == 0) {
        made->width = image->Xsize;
        made->height = vips_image_get_page_height(image);
    }
    char *bytes = encode_image(image, form->side == 0 ? input->format->ending : THUMBNAIL, &len);
    g_object_unref(image);
    bool done = bytes != NULL && write_all(file, bytes, len);
    g_free(bytes);
    return done;
}

/* So few bytes that they are sent wherever the image is named. */
static bool write_placeholder(const struct input *input, struct image_made *made)
{
    VipsImage *image = draw(input, &(struct form){ 16, false });

    if (image == NULL) return false;
    made->placeholder.at = encode_image(image, PLACEHOLDER, &made->placeholder.len);
    g_object_unref(image);
    return made->placeholder.at != NULL;
}

static const struct format *find_format(struct str name)
{
    for (size_t i = 0; i < COUNT(FORMATS); i++)
        if (str_is(name, FORMATS[i].name)) return &FORMATS[i];
    return NULL;
}

/* NULL: all is written. */
static const char *read_image(
    const struct image_work *work, const struct channel_message *asked, struct image_made *made)
{
    const struct form *forms = work->avatar ? AVATAR : PICTURE;
    size_t n = work->avatar ? COUNT(AVATAR) : COUNT(PICTURE);
    const struct format *format = find_format(work->format);
    struct input input;

    if (format == NULL || asked->n_files != n + 1) return "unreadable";
    if (!map_input(asked->files[0], format, &input)) return "unreadable";
    vips_operation_block_set(format->loader, FALSE);
    const char *fault = check_head(&input, work->pixels);
    for (size_t i = 0; i < n && fault == NULL; i++)
        if (!write_form(&input, &forms[i], asked->files[i + 1], made)) fault = "unreadable";
    if (fault == NULL && !write_placeholder(&input, made)) fault = "unreadable";
    return fault;
}

static void send_answer(int channel, const struct image_made *made)
{
    struct channel_message message = { .n_files = 0 };
    struct buf bytes = BUF(sizeof message.bytes);

    if (wire_encode(image_made_shape(), made, &bytes) != OK) _exit(1);
    memcpy(message.bytes, bytes.at, bytes.len);
    message.len = bytes.len;
    _exit(channel_send(channel, &message) ? 0 : 1);
}

void reader_run(int channel, const struct reader_limits *limits)
{
    struct channel_message message = { .bytes = "ready", .len = 5 };
    /* bound: one message of CHANNEL_BYTES */
    struct arena *arena = arena_create("reader", 65536);
    struct image_made made = { .width = 0 };
    struct wire_error why;
    struct image_work work;

    set_up_libvips();
    set_limits(limits);
    privileges_only_compute(limits->settings);
    if (!channel_send(channel, &message)) _exit(0);
    if (channel_receive(channel, INT64_MAX, &message) != CHANNEL_MESSAGE) _exit(0);
    if (wire_decode(image_work_shape(), (struct str){ message.bytes, message.len }, arena, &work, &why) != OK) _exit(1);
    made.work = work.work;
    const char *fault = read_image(&work, &message, &made);
    if (fault != NULL) made = (struct image_made){ .work = work.work, .fault = str_of(fault) };
    send_answer(channel, &made);
    _exit(0);
}
