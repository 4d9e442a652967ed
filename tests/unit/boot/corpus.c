/* SPDX-License-Identifier: Apache-2.0 */
/* corpus BLOBS FILE.dts...: plans each tree of the corpus (BLOBS/<dir>/<name>.dtb) and compares with what its
 * comments say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"

#define MAX_EXPECTED 64

struct expected {
    enum severity severity;
    char path[160], property[64], words[200];
    bool seen;
};

struct tree {
    struct board board;
    const char *name;
    const char *blobs;
    struct expected expected[MAX_EXPECTED];
    unsigned nr_expected;
    char plan[MAX_EXPECTED][200];
    bool plan_seen[MAX_EXPECTED];
    unsigned nr_plan, nr_files;
    void *files[16];
    bool good, failed;
};

static void fail(struct tree *tree, const char *what, const char *detail)
{
    fprintf(stderr, "%s: %s %s\n", tree->name, what, detail);
    tree->failed = true;
}

static void *tree_file(struct tree *tree, const char *dir, const char *name, size_t *size)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s/%s.dtb", tree->blobs, dir, name);
    return tree->files[tree->nr_files++] = board_file(path, size);
}

static void read_expect(struct tree *tree, const char *text)
{
    struct expected *e = &tree->expected[tree->nr_expected++];
    char severity[16];

    if (sscanf(text, "%15s %159s %63s %199[^\n]", severity, e->path, e->property, e->words) != 4) {
        fail(tree, "malformed comment", text);
        return;
    }
    e->severity = severity[0] == 'e' ? REPORT_ERROR : severity[0] == 'w' ? REPORT_WARNING : REPORT_NOTE;
    if (strcmp(e->property, "-") == 0) {
        e->property[0] = '\0';
    }
}

static void read_module(struct tree *tree, const char *text)
{
    static const char *const kinds[] = {"image", "flat", "gzip", "uimage", "none", "dtb"};
    char kind[16], name[64] = "";
    unsigned long pa, offset = 0, size = 0x10000;
    struct board_module *m;
    unsigned k;

    if (sscanf(text, "%lx %15s %63s", &pa, kind, name) < 2) {
        fail(tree, "malformed comment", text);
        return;
    }
    (void)sscanf(text, "%lx %15s %lx %lx", &pa, kind, &offset, &size);
    for (k = 0; k < ARRAY_SIZE(kinds) - 1u && strcmp(kind, kinds[k]) != 0; k++) {
    }
    m = board_module(&tree->board, pa, (enum module_kind)k);
    m->text_offset = offset;
    m->image_size = size;
    if (m->kind == MODULE_BLOB) {
        /* As in memory: the module's range is larger than the blob. */
        size_t blob_size;
        void *blob = tree_file(tree, "partial", name, &blob_size);

        m->blob_size = 0x10000;
        m->blob = calloc(1, m->blob_size);
        memcpy((void *)(uintptr_t)m->blob, blob, blob_size);
        tree->files[tree->nr_files++] = (void *)(uintptr_t)m->blob;
    }
}

static void read_comments(struct tree *tree, const char *text)
{
    const char *line;

    for (line = text; line != NULL && strncmp(line, "//", 2) == 0; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "// expect ", 10) == 0) {
            read_expect(tree, line + 10);
        } else if (strncmp(line, "// module ", 10) == 0) {
            read_module(tree, line + 10);
        } else if (strncmp(line, "// plan ", 8) == 0) {
            (void)sscanf(line + 8, "%199[^\n]", tree->plan[tree->nr_plan++]);
        }
    }
}

static void check_reports(struct tree *tree)
{
    unsigned i, k;

    for (i = 0; i < tree->board.nr_reports; i++) {
        const struct board_report *r = &tree->board.reports[i];
        bool wanted = r->severity == REPORT_NOTE;

        for (k = 0; k < tree->nr_expected; k++) {
            struct expected *e = &tree->expected[k];

            if (e->severity == r->severity && strcmp(e->path, r->path) == 0 &&
                strcmp(e->property, r->property) == 0 && strstr(r->message, e->words) != NULL) {
                e->seen = wanted = true;
            }
        }
        if (!wanted) {
            fprintf(stderr, "%s: not expected: %s %s %s: %s\n", tree->name,
                    r->severity == REPORT_ERROR ? "error" : "warning", r->path,
                    r->property[0] != '\0' ? r->property : "-", r->message);
            tree->failed = true;
        }
    }
    for (k = 0; k < tree->nr_expected; k++) {
        if (!tree->expected[k].seen) {
            fprintf(stderr, "%s: missing: %s %s: %s\n", tree->name, tree->expected[k].path,
                    tree->expected[k].property, tree->expected[k].words);
            tree->failed = true;
        }
    }
}

static void see_line(void *context, const char *text)
{
    struct tree *tree = context;
    unsigned k;

    if (getenv("LIST") != NULL) {
        printf("// plan %s\n", text);
    }
    for (k = 0; k < tree->nr_plan; k++) {
        tree->plan_seen[k] = tree->plan_seen[k] || strcmp(tree->plan[k], text) == 0;
    }
}

static void check_plan(struct tree *tree)
{
    const char *broken = board_verify(&tree->board);
    unsigned k;

    board_list(&tree->board, see_line, tree);
    if (broken != NULL) {
        fail(tree, "broken plan:", broken);
        return;
    }
    for (k = 0; k < tree->nr_plan; k++) {
        if (!tree->plan_seen[k]) {
            fail(tree, "not in the plan:", tree->plan[k]);
        }
    }
}

static bool run(const char *blobs, const char *dts)
{
    static struct tree tree;
    const char *base = strrchr(dts, '/') + 1, *dir;
    char name[128];
    size_t size, ignored;
    void *text, *blob;
    bool planned;

    memset(&tree, 0, sizeof(tree));
    for (dir = base - 1; dir[-1] != '/'; dir--) {
    }
    tree.blobs = blobs;
    tree.name = dir;
    tree.good = strncmp(dir, "good/", 5) == 0;
    snprintf(name, sizeof(name), "%.*s", (int)(strlen(base) - 4), base);
    board_init(&tree.board);
    text = board_file(dts, &ignored);
    read_comments(&tree, text);
    blob = tree_file(&tree, tree.good ? "good" : "broken", name, &size);
    planned = board_plan(&tree.board, blob, size);
    check_reports(&tree);
    if (planned != tree.good) {
        fail(&tree, planned ? "was accepted" : "was refused", "");
    } else if (planned) {
        check_plan(&tree);
    }
    while (tree.nr_files > 0) {
        free(tree.files[--tree.nr_files]);
    }
    free(text);
    return !tree.failed;
}

int main(int argc, char **argv)
{
    int i, bad = 0;

    for (i = 2; i < argc; i++) {
        bad += run(argv[1], argv[i]) ? 0 : 1;
    }
    printf("corpus: %d trees, %d wrong\n", argc - 2, bad);
    return argc < 3 || bad != 0;
}
