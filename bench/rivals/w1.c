/* W1 as fast as one thread can be without tricks: w1 FOLDER INPUT
 * Large reads, memchr, a buffered writer for each level. Counts a level go to standard error.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024, LEVELS = 4, OTHER = 3 };

static const char *const NAMES[LEVELS] = {"INFO", "WARN", "ERROR", ""};
static const char *const RESULTS[LEVELS] = {"info", "warn", "error", "other"};

struct writer {
    int file;
    size_t used;
    unsigned long lines;
    char data[BLOCK];
};

static struct writer writers[LEVELS];
static const char *folder;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void flush(struct writer *to)
{
    if (to->file < 0) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.log", folder, RESULTS[to - writers]);
        to->file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (to->file < 0)
            fail(path);
    }
    for (size_t done = 0; done < to->used;) {
        ssize_t count = write(to->file, to->data + done, to->used - done);
        if (count < 0)
            fail("write");
        done += (size_t)count;
    }
    to->used = 0;
}

static char *put(char *to, const char *data, size_t size)
{
    memcpy(to, data, size);
    return to + size;
}

/* One line, without its line ending; the time is its first field. */
static void process(const char *line, const char *end)
{
    const char *level = memchr(line, ' ', (size_t)(end - line));
    const char *service = level ? memchr(level + 1, ' ', (size_t)(end - level - 1)) : NULL;
    const char *rest = service ? memchr(service + 1, ' ', (size_t)(end - service - 1)) : NULL;
    if (!rest) {
        fputs("a line has too few fields\n", stderr);
        exit(1);
    }
    level++;
    size_t size = (size_t)(service - level);
    int kind = 0;
    while (kind < OTHER && !(strlen(NAMES[kind]) == size && memcmp(level, NAMES[kind], size) == 0))
        kind++;
    struct writer *to = &writers[kind];
    to->lines++;
    if (kind == 0 && memmem(rest, (size_t)(end - rest), "healthz", 7))
        return;
    size_t needed = (size_t)(end - level) + 4;
    if (to->used + needed > BLOCK)
        flush(to);
    char *out = to->data + to->used;
    *out++ = '[';
    out = put(out, level, size);
    *out++ = ']';
    out = put(out, service, (size_t)(rest - service));
    *out++ = ':';
    out = put(out, rest, (size_t)(end - rest));
    *out++ = '\n';
    to->used = (size_t)(out - to->data);
}

int main(int count, char **arguments)
{
    static char block[BLOCK];
    size_t held = 0;
    if (count != 3)
        return 2;
    folder = arguments[1];
    int input = open(arguments[2], O_RDONLY);
    if (input < 0)
        fail(arguments[2]);
    for (int kind = 0; kind < LEVELS; kind++)
        writers[kind].file = -1;
    for (;;) {
        ssize_t more = read(input, block + held, sizeof block - held);
        if (more < 0)
            fail(arguments[2]);
        if (more == 0)
            break;
        const char *line = block, *end = block + held + more, *newline;
        for (; (newline = memchr(line, '\n', (size_t)(end - line))); line = newline + 1)
            process(line, newline);
        held = (size_t)(end - line);
        memmove(block, line, held);
        if (held == sizeof block) {
            fputs("a line is too long\n", stderr);
            return 1;
        }
    }
    if (held)
        process(block, block + held);
    for (int kind = 0; kind < LEVELS; kind++) {
        if (writers[kind].used)
            flush(&writers[kind]);
        fprintf(stderr, "%s %lu\n", RESULTS[kind], writers[kind].lines);
    }
    return 0;
}
