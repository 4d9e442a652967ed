/* SPDX-License-Identifier: Apache-2.0 */
/* Boot's planner on a board of the test's choice: modules are made up, reports are collected. */
#ifndef TEST_BOARD_H
#define TEST_BOARD_H

#include "boot/plan.h"

#define BOARD_MAX_REPORTS 256

struct board_report {
    enum severity severity;
    char path[160], property[64], message[200];
};

/* What lies at a module's address. */
enum module_kind { MODULE_IMAGE, MODULE_FLAT, MODULE_GZIP, MODULE_UIMAGE, MODULE_NONE, MODULE_BLOB };

struct board_module {
    uint64_t pa;
    enum module_kind kind;
    uint64_t text_offset, image_size; /* MODULE_IMAGE */
    const void *blob;                 /* MODULE_BLOB, 8-byte aligned */
    size_t blob_size;
};

struct board {
    struct fdt fdt;
    struct host host;
    struct arena arena;
    struct plan plan;
    struct plan_input input;
    struct report report;
    unsigned nr_reports, nr_modules;
    struct board_report reports[BOARD_MAX_REPORTS];
    struct board_module modules[16];
    const void *other; /* content of modules of more than 64 bytes that are not named; NULL: zeros */
    size_t other_size;
    uint64_t scratch[8]; /* header of the module that is looked at */
};

/* One board is in use at a time. Before board_plan(): modules that are not named are an Image of 64 KiB with
 * text_offset 0. */
void board_init(struct board *board);
struct board_module *board_module(struct board *board, uint64_t pa, enum module_kind kind);

/* Reads and plans the blob (8-byte aligned); true if no error was reported. A malformed blob is a report on
 * path "". */
bool board_plan(struct board *board, const void *blob, size_t size);

/* NULL if the plan keeps the promises of record.h and plan.h, else what is broken. */
const char *board_verify(const struct board *board);

/* The plan as lines of text, in a fixed form; `line` is called for each. */
void board_list(const struct board *board, void (*line)(void *context, const char *text), void *context);

/* Opens the device tree that the plan has for the domain; false if it has none or a malformed one. */
bool board_guest_tree(const struct board *board, const struct domain_record *record, struct fdt *fdt);

/* A whole file, 8-byte aligned and NUL terminated; exits if it cannot be read. */
void *board_file(const char *path, size_t *size);

#endif
