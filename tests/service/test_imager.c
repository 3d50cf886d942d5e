/* test_imager.c - images that are none, or too much, through the real imager: each is an answer, and the next one is read. */
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <vips/vips.h>
#pragma GCC diagnostic pop

#include <cmocka.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/wire/records.h"
#include "services/share/images/channel.h"

#define FORMS  4
#define PIXELS 50000000

static struct arena *arena;
static pid_t imager;
static int channel;

static const char *program(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 20);

    path[n < 0 ? 0 : n] = '\0';
    for (int i = 0; i < 3 && strrchr(path, '/'); i++) *strrchr(path, '/') = '\0'; /* build/tests/service/test_imager */
    return strcat(path, "/bin/imager");
}

static void start_imager(const char *memory, const char *seconds)
{
    struct channel_message ready;
    int ends[2];

    assert_true(channel_pair(ends));
    imager = fork();
    assert_true(imager >= 0);
    if (imager == 0) {
        dup2(ends[1], 3);
        execl(program(), "imager", memory, seconds, (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    channel = ends[0];
    assert_int_equal(channel_receive(channel, clock_mono_us() + 30000000, &ready), CHANNEL_MESSAGE);
}

/* It ends by itself when the other end of its channel does. */
static void end_imager(void)
{
    int status;

    close(channel);
    assert_int_equal(waitpid(imager, &status, 0), imager);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int file_with(const void *at, size_t len)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, at, len), len);
    return fd;
}

struct made {
    struct image_made said;
    struct str files[FORMS];
};

static struct str bytes_of(int fd)
{
    off_t len = lseek(fd, 0, SEEK_END);
    char *at = arena_alloc(arena, (size_t)len + 1);

    assert_int_equal(pread(fd, at, (size_t)len, 0), len);
    return (struct str){ at, (size_t)len };
}

static void send_work(const char *format, bool avatar, struct str image, int files[FORMS + 1], size_t n)
{
    struct image_work work = { id_new(), str_of(format), avatar, PIXELS };
    struct channel_message message = { .n_files = n + 1 };
    struct buf bytes = BUF(sizeof message.bytes);

    assert_int_equal(wire_encode(image_work_shape(), &work, &bytes), OK);
    memcpy(message.bytes, bytes.at, bytes.len);
    message.len = bytes.len;
    buf_free(&bytes);
    files[0] = file_with(image.at, image.len);
    for (size_t i = 1; i <= n; i++) files[i] = file_with("", 0);
    memcpy(message.files, files, (n + 1) * sizeof *files);
    assert_true(channel_send(channel, &message));
}

static void take_answer(int files[FORMS + 1], size_t n, struct made *out)
{
    struct channel_message message;
    struct wire_error why;

    assert_int_equal(channel_receive(channel, clock_mono_us() + 60000000, &message), CHANNEL_MESSAGE);
    assert_int_equal(message.n_files, 0);
    char *at = arena_alloc(arena, message.len);
    memcpy(at, message.bytes, message.len);
    assert_int_equal(wire_decode(image_made_shape(), (struct str){ at, message.len }, arena, &out->said, &why), OK);
    for (size_t i = 1; i <= n; i++) out->files[i - 1] = bytes_of(files[i]);
    for (size_t i = 0; i <= n; i++) close(files[i]);
}

static struct made ask(const char *format, bool avatar, struct str image)
{
    size_t n = avatar ? 2 : FORMS;
    struct made made = { 0 };
    int files[FORMS + 1];

    send_work(format, avatar, image, files, n);
    take_answer(files, n, &made);
    return made;
}

#define FAULT(format, image, fault_)                                                                                   \
    do {                                                                                                               \
        struct str said_ = ask(format, false, image).said.fault;                                                       \
        if (!str_is(said_, fault_)) fail_msg("%s: %.*s", #image, STR_ARG(said_));                                      \
    } while (0)

/* --- images --- */

static VipsImage *blot(int width, int height)
{
    VipsImage *noise = NULL, *bytes = NULL, *three = NULL;

    assert_int_equal(vips_gaussnoise(&noise, width, height, "mean", 128., "sigma", 30., NULL), 0);
    assert_int_equal(vips_cast(noise, &bytes, VIPS_FORMAT_UCHAR, NULL), 0);
    VipsImage *bands[] = { bytes, bytes, bytes };
    assert_int_equal(vips_bandjoin(bands, &three, 3, NULL), 0);
    g_object_unref(noise);
    g_object_unref(bytes);
    VipsImage *colour = NULL, *own = NULL;
    assert_int_equal(vips_copy(three, &colour, "interpretation", VIPS_INTERPRETATION_sRGB, NULL), 0);
    own = vips_image_copy_memory(colour);
    assert_non_null(own);
    g_object_unref(three);
    g_object_unref(colour);
    return own;
}

static struct str written(VipsImage *image, const char *ending)
{
    void *at = NULL;
    size_t len = 0;

    if (vips_image_write_to_buffer(image, ending, &at, &len, NULL) != 0) fail_msg("%s", vips_error_buffer());
    struct str own = arena_str(arena, (struct str){ at, len });
    g_free(at);
    return own;
}

/* A photograph: upright only when it is turned, with the place where it was taken. */
static struct str photograph(const char *ending)
{
    VipsImage *image = blot(600, 400);

    vips_image_set_int(image, "orientation", 6);
    vips_image_set_string(image, "exif-ifd0-Make", "Kamerawerk (Kamerawerk, ASCII, 11 components, 11 bytes)");
    vips_image_set_string(image, "exif-ifd3-GPSLatitudeRef", "N (N, ASCII, 2 components, 2 bytes)");
    vips_image_set_blob_copy(image, "xmp-data", "<x:xmpmeta>a place</x:xmpmeta>", 30);
    struct str bytes = written(image, ending);
    g_object_unref(image);
    return bytes;
}

static struct str plain(const char *ending)
{
    VipsImage *image = blot(300, 200);
    struct str bytes = written(image, ending);

    g_object_unref(image);
    return bytes;
}

static struct str film(const char *ending, int frames)
{
    VipsImage *image = blot(20, 10 * frames);

    vips_image_set_int(image, "page-height", 10);
    struct str bytes = written(image, ending);
    g_object_unref(image);
    return bytes;
}

static VipsImage *opened(struct str bytes, const char *options)
{
    VipsImage *image = vips_image_new_from_buffer(bytes.at, bytes.len, options, NULL);

    if (image == NULL) fail_msg("%s", vips_error_buffer());
    return image;
}

static bool holds(struct str bytes, const char *word)
{
    return memmem(bytes.at, bytes.len, word, strlen(word)) != NULL;
}

static void check_form(struct str bytes, int width, int height)
{
    VipsImage *image = opened(bytes, "");

    assert_true(holds(bytes, "WEBP"));
    assert_int_equal(image->Xsize, width);
    assert_int_equal(image->Ysize, height);
    g_object_unref(image);
}

static void a_photograph_is_turned_and_tells_nothing(void **state)
{
    const char *const endings[][2] = { { "jpeg", ".jpg" }, { "webp", ".webp" } };

    (void)state;
    for (size_t i = 0; i < COUNT(endings); i++) {
        struct str given = photograph(endings[i][1]);
        assert_true(holds(given, "Kamerawerk"));
        struct made made = ask(endings[i][0], false, given);
        assert_true(made.said.fault.len == 0);
        assert_int_equal(made.said.width, 400);
        assert_int_equal(made.said.height, 600);
        VipsImage *image = opened(made.files[0], "");
        assert_int_equal(image->Xsize, 400);
        assert_int_equal(vips_image_get_typeof(image, VIPS_META_EXIF_NAME), 0);
        assert_int_equal(vips_image_get_typeof(image, VIPS_META_XMP_NAME), 0);
        g_object_unref(image);
        for (size_t form = 0; form < FORMS; form++) {
            assert_false(holds(made.files[form], "Kamerawerk"));
            assert_false(holds(made.files[form], "Exif"));
            assert_false(holds(made.files[form], "a place"));
        }
        check_form(made.files[1], 107, 160);
        check_form(made.files[2], 320, 480);
        check_form(made.files[3], 400, 600); /* none is made larger than it is */
        check_form(made.said.placeholder, 11, 16);
        assert_true(made.said.placeholder.len < 400);
    }
}

static void an_avatar_is_a_square_of_two_sizes(void **state)
{
    const char *const formats[] = { "jpeg", "png", "gif" };
    const struct str images[] = { photograph(".jpg"), plain(".png"), film(".gif", 3) };

    (void)state;
    for (size_t i = 0; i < COUNT(formats); i++) {
        struct made made = ask(formats[i], true, images[i]);
        check_form(made.files[0], 256, 256);
        check_form(made.files[1], 64, 64);
    }
}

static void what_moves_goes_on_moving(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct made made = ask(i == 0 ? "gif" : "webp", false, film(i == 0 ? ".gif" : ".webp", 5));
        assert_true(made.said.fault.len == 0);
        VipsImage *image = opened(made.files[0], "n=-1");
        assert_int_equal(vips_image_get_n_pages(image), 5);
        assert_int_equal(vips_image_get_page_height(image), 10);
        g_object_unref(image);
        check_form(made.files[1], 20, 10);
    }
}

/* --- what is none --- */

static void what_is_behind_an_image_goes(void **state)
{
    static const char script[] = "<html><script>alert(1)</script></html>";
    struct str image = plain(".png");
    char *both = arena_alloc(arena, image.len + sizeof script);

    (void)state;
    memcpy(both, image.at, image.len);
    memcpy(both + image.len, script, sizeof script);
    struct made made = ask("png", false, (struct str){ both, image.len + sizeof script });
    assert_true(made.said.fault.len == 0);
    assert_false(holds(made.files[0], "script"));
}

static void each_format_is_read_by_its_own_reader_alone(void **state)
{
    const char *const formats[] = { "jpeg", "png", "gif", "webp" }, *const endings[] = { ".jpg", ".png", ".gif",
        ".webp" };

    (void)state;
    for (size_t is = 0; is < COUNT(formats); is++)
        for (size_t said = 0; said < COUNT(formats); said++)
            if (is != said) FAULT(formats[said], plain(endings[is]), "unreadable");
    FAULT("tiff", plain(".tif"), "unreadable");
}

static void what_ends_too_early_is_none(void **state)
{
    const char *const formats[] = { "jpeg", "png", "gif", "webp" }, *const endings[] = { ".jpg", ".png", ".gif",
        ".webp" };

    (void)state;
    for (size_t i = 0; i < COUNT(formats); i++) {
        struct str whole = plain(endings[i]);
        for (size_t part = 0; part < 4; part++)
            FAULT(formats[i], ((struct str){ whole.at, 1 + whole.len * part / 4 }), "unreadable");
    }
    FAULT("png", STR_NONE, "unreadable");
}

static void put32(unsigned char *at, uint32_t n)
{
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(n >> (24 - 8 * i));
}

/* A PNG that says to be so large, and has next to nothing. */
static struct str vast(uint32_t width, uint32_t height)
{
    struct str small = plain(".png");
    unsigned char *at = arena_alloc(arena, small.len);

    memcpy(at, small.at, small.len);
    put32(at + 16, width);
    put32(at + 20, height);
    uint32_t crc = (uint32_t)g_ascii_digit_value('0');
    crc = 0xffffffffu;
    for (int i = 12; i < 29; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    put32(at + 29, ~crc);
    return (struct str){ (char *)at, small.len };
}

static void what_is_vast_is_not_decoded(void **state)
{
    (void)state;
    FAULT("png", vast(65535, 65535), "too_large");
    FAULT("png", vast(30000, 30000), "too_large");
    FAULT("png", vast(30000, 1), "too_large");
    FAULT("png", vast(7072, 7072), "too_large");
    FAULT("gif", film(".gif", 1001), "too_many_frames");
    FAULT("webp", film(".webp", 1001), "too_many_frames");
}

/* What other libraries know, and what libvips knows besides. */
static void a_zoo_is_not_read(void **state)
{
    static const char *const zoo[] = { "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>",
        "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>", "%PDF-1.4\n1 0 obj<<>>endobj\n",
        "P6\n1 1\n255\nabc", "P3\n1 1\n255\n1 2 3\n", "Pf\n1 1\n-1.0\nabcd", "BM\x46\1\1\1\1\1\1\1\x36\1\1\1",
        "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\nabcd", "v/1\1\2\1\1\1", "SIMPLE  =                    T",
        "push graphic-context\nimage over 0,0 0,0 'https://example.org/'\npop graphic-context",
        "<?xml version=\"1.0\"?><image><read filename=\"/etc/passwd\"/></image>", "8BPS\1\1\1", "gimp xcf v001",
        "\1\1\1\x0cJXL \r\n\x87\n", "\xff\x0a\xfa\x1f", "\1\1\1\x0cjP  \r\n\x87\n", "\xff\x4f\xff\x51",
        "\1\1\1\x18"
        "ftypheic",
        "\1\1\1\x18"
        "ftypavif",
        "II*\1\x08\1\1\1", "MM\1*\1\1\1\x08", "\1\1\1\1\1\1\x10\x10",
        "id=ImageMagick  class=DirectClass\ncolumns=1  rows=1\n\f\n:a", "%!PS-Adobe-3.0 EPSF-3.0\n", "!<arch>\n",
        "\x89HDF\r\n\x1a\n", "MATLAB 5.0 MAT-file", "1 1\n5\n", "1,2,3\n", "\x5c\x01\x10\x08", "n+1",
        "\x59\xa6\x6a\x95", "/* XPM */\nstatic char *x[] = {\"1 1 1 1\",\"a c #000\",\"a\"};",
        "#define x_width 1\n#define x_height 1\n", "DDS |\1\1\1", "FLIF", "BPG\xfb", "qoif\1\1\1\1", "text:x",
        "caption:@/etc/passwd", "GIF88a", "RIFF\4\1\1\1WAVE" };
    const char *const formats[] = { "jpeg", "png", "gif", "webp" };

    (void)state;
    for (size_t i = 0; i < COUNT(zoo); i++) FAULT(formats[i % COUNT(formats)], str_of(zoo[i]), "unreadable");
    FAULT("svg", str_of(zoo[0]), "unreadable");
}

/* --- limits --- */

/* The process that was forked last. */
static pid_t reader(void)
{
    char path[64];
    int pid = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", imager, imager);
    FILE *file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%d", &pid) != 1) pid = 0;
    if (file != NULL) fclose(file);
    return pid;
}

static int filters_of(pid_t pid)
{
    char path[64], line[200];
    int n = 0;

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Seccomp_filters: %d", &n) == 1) break;
    if (file != NULL) fclose(file);
    return n;
}

/* One that has given up what it does not need, and is ready in a moment. */
static pid_t some_reader(void)
{
    pid_t pid;

    while ((pid = reader()) == 0 || filters_of(pid) <= filters_of(imager)) usleep(1000);
    return pid;
}

static void a_crash_is_an_answer_and_the_next_reader_is_there(void **state)
{
    struct str image = plain(".png");
    struct made made = { 0 };
    int files[FORMS + 1];

    (void)state;
    for (int crashes = 0; crashes < 5;) {
        pid_t pid = some_reader();
        assert_int_equal(kill(pid, SIGSTOP), 0);
        send_work("png", false, image, files, FORMS);
        assert_int_equal(kill(pid, SIGSEGV), 0);
        kill(pid, SIGCONT);
        take_answer(files, FORMS, &made);
        assert_true(made.said.fault.len == 0 || str_is(made.said.fault, "crashed"));
        crashes += made.said.fault.len > 0; /* one that was not ready yet had no image */
        assert_true(ask("png", false, image).said.fault.len == 0);
    }
    pid_t idle = some_reader(); /* one that is killed while it waits costs no image */
    assert_int_equal(kill(idle, SIGKILL), 0);
    while (some_reader() == idle) continue;
    assert_true(ask("png", false, image).said.fault.len == 0);
}

static void each_image_has_a_reader_of_its_own(void **state)
{
    pid_t first = some_reader();

    (void)state;
    assert_true(ask("png", false, plain(".png")).said.fault.len == 0);
    assert_int_not_equal(some_reader(), first);
}

static void what_takes_too_long_or_too_much_is_answered(void **state)
{
    struct made made = { 0 };
    int files[FORMS + 1];

    (void)state;
    end_imager();
    start_imager("536870912", "1");
    assert_int_equal(kill(some_reader(), SIGSTOP), 0);
    send_work("png", false, plain(".png"), files, FORMS);
    take_answer(files, FORMS, &made);
    assert_true(str_is(made.said.fault, "too_slow"));
    end_imager();
    start_imager("1000000", "10");
    VipsImage *image = blot(3000, 3000);
    struct str large = written(image, ".png");
    g_object_unref(image);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(ask("png", false, large).said.fault.len > 0);
#endif
    end_imager();
    start_imager("536870912", "10");
    assert_true(ask("png", false, large).said.fault.len == 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_photograph_is_turned_and_tells_nothing),
        cmocka_unit_test(an_avatar_is_a_square_of_two_sizes),
        cmocka_unit_test(what_moves_goes_on_moving),
        cmocka_unit_test(what_is_behind_an_image_goes),
        cmocka_unit_test(each_format_is_read_by_its_own_reader_alone),
        cmocka_unit_test(what_ends_too_early_is_none),
        cmocka_unit_test(what_is_vast_is_not_decoded),
        cmocka_unit_test(a_zoo_is_not_read),
        cmocka_unit_test(a_crash_is_an_answer_and_the_next_reader_is_there),
        cmocka_unit_test(each_image_has_a_reader_of_its_own),
        cmocka_unit_test(what_takes_too_long_or_too_much_is_answered),
    };

    (void)argc;
    log_init("test", LOG_ERROR);
    if (VIPS_INIT(argv[0]) != 0) return 1;
    arena = arena_create("test", 1u << 30);
    start_imager("536870912", "10");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    end_imager();
    arena_destroy(&arena);
    return failed;
}
