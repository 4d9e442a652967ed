/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_DEPTH 64

static void *xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size);

    if (p == NULL) {
        fputs("bulkhead-check: no memory\n", stderr);
        exit(2);
    }
    return p;
}

static char *copy_text(const char *text, size_t len)
{
    char *p = xrealloc(NULL, len + 1);

    memcpy(p, text, len);
    p[len] = '\0';
    return p;
}

/* Everything up to end of file, with a NUL behind it that does not count. */
static char *read_all(FILE *file, size_t *size)
{
    size_t capacity = 65536, got;
    char *data = xrealloc(NULL, capacity);

    *size = 0;
    while ((got = fread(data + *size, 1, capacity - *size - 1, file)) > 0) {
        *size += got;
        if (capacity - *size < 2) {
            capacity *= 2;
            data = xrealloc(data, capacity);
        }
    }
    data[*size] = '\0';
    return data;
}

void *read_file(const char *name, size_t *size)
{
    FILE *file = fopen(name, "rb");
    void *data;

    if (file == NULL) {
        fprintf(stderr, "bulkhead-check: %s: %s\n", name, strerror(errno));
        return NULL;
    }
    data = read_all(file, size);
    fclose(file);
    return data;
}

/* Runs a program and returns what it writes; NULL if it cannot be run or fails (it has said why). */
static char *run(char *const argv[], size_t *size)
{
    int ends[2], state = 0;
    char *data;
    FILE *file;
    pid_t pid;

    if (pipe(ends) != 0 || (pid = fork()) < 0) {
        perror("bulkhead-check");
        exit(2);
    }
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(argv[0], argv);
        fprintf(stderr, "bulkhead-check: %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    close(ends[1]);
    file = fdopen(ends[0], "rb");
    data = read_all(file, size);
    fclose(file);
    waitpid(pid, &state, 0);
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        free(data);
        return NULL;
    }
    return data;
}

static void add_line(struct source *source, const char *path, const char *property, size_t property_len,
                     const char *where, size_t where_len)
{
    struct source_line *line;

    if (source->nr_lines % 256 == 0) {
        source->lines = xrealloc(source->lines, (source->nr_lines + 256) * sizeof(*line));
    }
    line = &source->lines[source->nr_lines++];
    line->path = copy_text(path, strlen(path));
    line->property = copy_text(property, property_len);
    line->where = copy_text(where, where_len);
}

/* The annotation of a line: behind the last comment start. The last place wins: it is where the value was
 * set. */
static bool annotation(const char *text, size_t len, const char **where, size_t *where_len)
{
    const char *start = NULL, *end = NULL, *p;

    for (p = text; p + 3 <= text + len; p++) {
        if (memcmp(p, "/* ", 3) == 0) {
            start = p + 3;
        } else if (memcmp(p, " */", 3) == 0) {
            end = p;
        }
    }
    if (start == NULL || end == NULL || end <= start) {
        return false;
    }
    for (p = end; p > start && p[-1] != ','; p--) {
    }
    *where = p > start ? p + 1 : start;
    *where_len = (size_t)(end - *where);
    return true;
}

static size_t name_end(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && strchr(" =;{", text[n]) == NULL) {
        n++;
    }
    return n;
}

/* One line of `dtc -O dts -T`, which writes one node start, property or node end a line. */
static void take_line(struct source *source, char *path, size_t starts[MAX_DEPTH], unsigned *depth,
                      const char *text, size_t len)
{
    const char *where, *colon;
    size_t where_len, n;

    while (len > 0 && (*text == '\t' || *text == ' ')) {
        text++, len--;
    }
    if (len > 0 && *text == '}') {
        if (*depth > 0) {
            path[starts[--*depth]] = '\0';
        }
        return;
    }
    if (!annotation(text, len, &where, &where_len)) {
        return;
    }
    for (;;) { /* labels stand before the name */
        n = name_end(text, len);
        colon = memchr(text, ':', n);
        if (colon == NULL || colon + 1 >= text + len || colon[1] != ' ') {
            break;
        }
        len -= (size_t)(colon + 2 - text);
        text = colon + 2;
    }
    if (n + 1 < len && text[n] == ' ' && text[n + 1] == '{' && *depth < MAX_DEPTH) {
        starts[*depth] = strlen(path);
        if (*depth > 0 && strlen(path) + n + 2 < 4096) {
            strcat(path, "/");
            strncat(path, text, n);
        }
        ++*depth;
        add_line(source, path[0] == '\0' ? "/" : path, "", 0, where, where_len);
    } else if (*depth > 0) {
        add_line(source, path[0] == '\0' ? "/" : path, text, n, where, where_len);
    }
}

static void take_lines(struct source *source, const char *text)
{
    char path[4096] = "";
    size_t starts[MAX_DEPTH];
    unsigned depth = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        take_line(source, path, starts, &depth, text, len);
        text += len + (text[len] == '\n');
    }
}

bool source_read(struct source *source, const char *name)
{
    size_t len = strlen(name), size;
    char *file = copy_text(name, len), *text;
    char *blob[] = {"dtc", "-q", "-I", "dts", "-O", "dtb", "--", file, NULL};
    char *annotated[] = {"dtc", "-q", "-I", "dts", "-O", "dts", "-T", "--", file, NULL};

    memset(source, 0, sizeof(*source));
    source->name = name;
    if (len < 4 || strcmp(name + len - 4, ".dts") != 0) {
        source->blob = read_file(name, &source->size);
    } else {
        source->blob = run(blob, &source->size);
        text = source->blob != NULL ? run(annotated, &size) : NULL;
        if (text != NULL) {
            take_lines(source, text);
            free(text);
        }
    }
    free(file);
    return source->blob != NULL;
}

void source_free(struct source *source)
{
    size_t i;

    for (i = 0; i < source->nr_lines; i++) {
        free(source->lines[i].path);
        free(source->lines[i].property);
        free(source->lines[i].where);
    }
    free(source->lines);
    free(source->blob);
}

static const char *find(const struct source *source, const char *path, size_t len, const char *property)
{
    size_t i;

    for (i = 0; i < source->nr_lines; i++) {
        if (strlen(source->lines[i].path) == len && strncmp(source->lines[i].path, path, len) == 0 &&
            strcmp(source->lines[i].property, property) == 0) {
            return source->lines[i].where;
        }
    }
    return NULL;
}

const char *source_where(const struct source *source, const char *path, const char *property)
{
    size_t len = strlen(path);
    const char *where = find(source, path, len, property);

    while (where == NULL && len > 0) {
        where = find(source, path, len, "");
        while (len > 0 && path[--len] != '/') {
        }
    }
    if (where == NULL) {
        where = find(source, "/", 1, "");
    }
    return where != NULL && *path == '/' ? where : source->name;
}
