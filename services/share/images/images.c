/* images.c - the imager, and who waits for it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/images/images.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshared/base/arena.h"
#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "services/share/images/channel.h"
#include "services/share/images/making.h"

#define START_US    60000000
#define ANSWER_US   600000000 /* far longer than the imager lets anybody take */
#define WAITING_MAX 64        /* no more jobs are under way at once */

struct images {
    struct files *files;
    struct rpc_server *server;
    int64_t pixels;
    struct making *waiting, **last_waiting;
    size_t n_waiting;
    bool is_read; /* a thread is at one */
    struct metric *read, *refused;
};

/* Before there is any other file or thread of ours: what the program inherits is this channel alone. */
static int imager = -1;

static void die_of_imager(const char *why)
{
    fprintf(stderr, "share: imager, the program beside it: %s\n", why);
    exit(1);
}

/* Nothing of the settings but what it has to obey. */
static void become_imager(int channel, const struct imager_limits *limits)
{
    static const char *const kept[] = { "MADANG_PRIVILEGES", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH" };
    char path[4096], memory[32], seconds[32], values[COUNT(kept)][1024], *env[COUNT(kept) + 1] = { NULL };
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 8);
    size_t n = 0;

    if (len < 0) _exit(1);
    path[len] = '\0';
    char *name = strrchr(path, '/');
    memcpy(name == NULL ? path : name + 1, "imager", sizeof "imager");
    for (size_t i = 0; i < COUNT(kept); i++) {
        const char *value = getenv(kept[i]);
        if (value == NULL) continue;
        snprintf(values[n], sizeof values[n], "%s=%s", kept[i], value);
        env[n] = values[n];
        n++;
    }
    snprintf(memory, sizeof memory, "%lld", (long long)limits->memory);
    snprintf(seconds, sizeof seconds, "%lld", (long long)limits->seconds);
    if (dup2(channel, 3) != 3) _exit(1);
    closefrom(4);
    execve(path, (char *[]){ (char *)"imager", memory, seconds, NULL }, env);
    fprintf(stderr, "share: %s: %s\n", path, strerror(errno));
    _exit(1);
}

void images_start_imager(const struct imager_limits *limits)
{
    struct channel_message ready;
    int ends[2];

    if (!channel_pair(ends)) die_of_imager(strerror(errno));
    pid_t pid = fork();
    if (pid < 0) die_of_imager(strerror(errno));
    if (pid == 0) become_imager(ends[1], limits);
    close(ends[1]);
    imager = ends[0];
    if (channel_receive(imager, clock_mono_us() + START_US, &ready) != CHANNEL_MESSAGE)
        die_of_imager("it does not begin");
}

struct images *images_create(struct files *files, int64_t pixels)
{
    struct images *images = mem_zero(sizeof *images);

    images->files = files;
    images->pixels = pixels;
    images->last_waiting = &images->waiting;
    images->read =
        metric_counter("madang_share_images_total", "end=\"read\"", "Images that were read, and that could not be");
    images->refused =
        metric_counter("madang_share_images_total", "end=\"refused\"", "Images that were read, and that could not be");
    return images;
}

void images_serving(struct images *images, struct rpc_server *server)
{
    images->server = server;
}

struct rpc_server *images_server(const struct images *images)
{
    return images->server;
}

void images_destroy(struct images **images)
{
    mem_free(*images);
    *images = NULL;
}

/* --- on a thread: one image --- */

static enum err describe_work(const struct making *making, int64_t pixels, struct id id, struct channel_message *out)
{
    struct image_work work = {
        .work = id, .format = str_skip(making->row->type, 6), .avatar = making->avatar, .pixels = pixels
    };
    struct buf bytes = BUF(sizeof out->bytes);
    enum err e = wire_encode(image_work_shape(), &work, &bytes);

    if (e == OK) {
        memcpy(out->bytes, bytes.at, bytes.len);
        out->len = bytes.len;
    }
    buf_free(&bytes);
    return e;
}

/* Without the imager no image is read any more, and this process can't start another one: it leaves, and is started again. */
static enum err leave_without_imager(void)
{
    LOG(ERROR, "share.imager_lost");
    raise(SIGTERM);
    return ERR_UNAVAILABLE;
}

/* Each piece of work has one answer.  Its words are a reader's, which may be anybody's by then. */
static enum err take_answer(struct making *making, struct id id)
{
    struct channel_message answer;
    struct wire_error why;

    if (channel_receive(imager, clock_mono_us() + ANSWER_US, &answer) != CHANNEL_MESSAGE) return leave_without_imager();
    channel_close_files(&answer);
    struct str bytes = arena_str(making->call->arena, (struct str){ answer.bytes, answer.len });
    enum err e = wire_decode(image_made_shape(), bytes, making->call->arena, &making->made, &why);
    if (e != OK || !id_eq(making->made.work, id))
        making->made = (struct image_made){ .work = id, .fault = STR("answer_malformed") };
    return OK;
}

static enum err ask_imager(struct making *making, int image, struct file *const files[FORMS])
{
    struct channel_message message = { .n_files = making->n_forms + 1, .files = { image } };
    struct id id = id_new();

    TRY(describe_work(making, making->images->pixels, id, &message));
    for (size_t i = 0; i < making->n_forms; i++) message.files[i + 1] = file_descriptor(files[i]);
    return channel_send(imager, &message) ? take_answer(making, id) : leave_without_imager();
}

/* The reader has ended: nobody writes to it any more. */
static enum err take_form(struct files *files, struct content_of_form *form)
{
    struct file *file = NULL;

    TRY(file_length(files, form->file, &form->size));
    TRY(file_open(files, form->file, form->size, &file));
    enum err e = file_sync(file, form->hash);
    file_close(&file);
    return e;
}

static enum err read_between(struct making *making, int image)
{
    struct files *files = making->images->files;
    struct file *out[FORMS] = { NULL };
    enum err e = OK;

    for (size_t i = 0; i < making->n_forms && e == OK; i++) {
        making->forms[i].file = id_new();
        e = file_create(files, making->forms[i].file, &out[i]);
    }
    if (e == OK) e = ask_imager(making, image, out);
    for (size_t i = 0; i < making->n_forms; i++) file_close(&out[i]);
    if (e == OK && making->made.fault.len > 0) making->fault = "unprocessable_media";
    for (size_t i = 0; i < making->n_forms && e == OK && making->fault == NULL; i++)
        e = take_form(files, &making->forms[i]);
    return e;
}

static enum err read_work(struct pg *pg, struct arena *arena, void *arg)
{
    struct making *making = arg;
    int image = -1;

    (void)pg, (void)arena;
    enum err e = file_lend(making->images->files, making->row->file, &image);
    if (e == ERR_NOT_FOUND) { /* the directory is older than the database: a copy was put back */
        making->made.fault = STR("file_missing");
        making->fault = "unprocessable_media";
        return OK;
    }
    TRY(e);
    e = read_between(making, image);
    close(image);
    for (size_t i = 0; i < making->n_forms && (e != OK || making->fault != NULL); i++)
        file_remove(making->images->files, making->forms[i].file);
    return e;
}

/* --- on the loop: whose turn it is --- */

/* Whoever waits is counted, and waits for one that is read. */
static void images_check(const struct images *images)
{
    struct making *const *at = &images->waiting;
    size_t n = 0;

    for (; *at != NULL; at = &(*at)->next) n++;
    assert(at == images->last_waiting && n == images->n_waiting && n <= WAITING_MAX);
    assert(n == 0 || images->is_read);
}

static void read_next(struct images *images);

static void read_done(void *arg, enum err e)
{
    struct making *making = arg;
    struct images *images = making->images;

    images->is_read = false;
    if (e == OK) metric_add(making->fault != NULL ? images->refused : images->read, 1);
    if (making->fault != NULL)
        LOG_BOUNDED(INFO, "share.image_refused", F_STR("subject", making->row->owner),
            F_ID("media", making->row->media), F_STR("fault", making->made.fault));
    making->done(making, e);
    read_next(images);
}

static void read_next(struct images *images)
{
    while (!images->is_read && images->waiting != NULL) {
        struct making *making = images->waiting;
        images->waiting = making->next;
        if (images->waiting == NULL) images->last_waiting = &images->waiting;
        images->n_waiting--;
        images->is_read = rpc_server_work_blocking(images->server, making->row->owner, read_work, read_done, making);
        if (!images->is_read) making->done(making, ERR_OVERLOADED);
    }
    CHECK_STEP(images_check(images));
}

bool images_read(struct images *images, struct making *making)
{
    if (images->n_waiting >= WAITING_MAX) return false;
    making->next = NULL;
    *images->last_waiting = making;
    images->last_waiting = &making->next;
    images->n_waiting++;
    read_next(images);
    return true;
}
