/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/string.h"
#include "core/pool.h"

#define ARENA_SIZE MIB(2)

/* One board at a time: allocating this for each would cost a fuzzer most of its time. */
static _Alignas(0x200000) uint8_t arena_memory[ARENA_SIZE];

/* The true sizes depend on the target's structures; the planner only adds them up. */
uint64_t domain_pool_bytes(const struct domain_record *record)
{
    return (4u + record->nr_vcpus + record->nr_maps) * PAGE_SIZE;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void collect(struct report *report, enum severity severity, const char *path, const char *property,
                    const char *message)
{
    struct board *board = report->context;
    struct board_report *r = &board->reports[board->nr_reports];

    if (board->nr_reports < BOARD_MAX_REPORTS) {
        board->nr_reports++;
        r->severity = severity;
        copy(r->path, sizeof(r->path), path);
        copy(r->property, sizeof(r->property), property);
        copy(r->message, sizeof(r->message), message);
    }
}

static const void *header(struct board *board, const struct board_module *m)
{
    static const struct board_module plain = {.image_size = 0x10000};
    uint8_t *h = (uint8_t *)board->scratch;

    m = m != NULL ? m : &plain;
    memset(h, 0, sizeof(board->scratch));
    switch (m->kind) {
    case MODULE_IMAGE:
        board->scratch[1] = m->text_offset;
        board->scratch[2] = m->image_size;
        memcpy(h + 56, "ARM\x64", 4);
        break;
    case MODULE_GZIP:
        h[0] = 0x1f, h[1] = 0x8b;
        break;
    case MODULE_UIMAGE:
        h[0] = 0x27, h[1] = 0x05, h[2] = 0x19, h[3] = 0x56;
        break;
    default:
        break;
    }
    return h;
}

static const void *peek(void *context, uint64_t pa, uint64_t size)
{
    struct board *board = context;
    const struct board_module *m = NULL;
    unsigned i;

    for (i = 0; i < board->nr_modules; i++) {
        m = board->modules[i].pa == pa ? &board->modules[i] : m;
    }
    if (m != NULL && m->kind == MODULE_NONE) {
        return NULL;
    }
    if (m != NULL && m->kind == MODULE_BLOB) {
        return size <= m->blob_size ? m->blob : NULL;
    }
    if (size > sizeof(board->scratch) && board->other != NULL) {
        return size <= board->other_size ? board->other : NULL;
    }
    if (size > sizeof(board->scratch)) {
        static uint64_t zeros[0x20000 / 8];

        return size <= sizeof(zeros) ? zeros : NULL;
    }
    return header(board, m);
}

void board_init(struct board *board)
{
    memset(board, 0, sizeof(*board));
    board->report = (struct report){.sink = collect, .context = board};
}

struct board_module *board_module(struct board *board, uint64_t pa, enum module_kind kind)
{
    struct board_module *m = &board->modules[board->nr_modules++];

    *m = (struct board_module){.pa = pa, .kind = kind};
    return m;
}

bool board_plan(struct board *board, const void *blob, size_t size)
{
    char dtuart[64];
    bool has_dtuart;

    if (fdt_open(&board->fdt, blob, size) != OK) {
        report_at(&board->report, REPORT_ERROR, "", "", "%s (at byte %u)", board->fdt.error,
                  board->fdt.error_off);
        return false;
    }
    has_dtuart = plan_argument(plan_command_line(&board->fdt), "dtuart", dtuart, sizeof(dtuart));
    (void)host_discover(&board->host, &board->fdt, has_dtuart ? dtuart : NULL, &board->report);
    board->input = (struct plan_input){.host = &board->host,
                                       .image_pa = 0x40200000,
                                       .image_size = 0x40000,
                                       .blob_pa = 0x44000000,
                                       .arena = &board->arena,
                                       .peek = peek,
                                       .peek_context = board,
                                       .ipa_bits_max = 40,
                                       .host_spis = 256};
    if (plan_arena_place(&board->input, ARENA_SIZE, &board->arena.pa, &board->arena.size, &board->report) !=
        OK) {
        board->arena.pa = UINT64_C(1) << 52; /* anywhere: let the planner find its own problems */
    }
    board->arena.size = ARENA_SIZE;
    board->arena.base = arena_memory;
    return plan_build(&board->input, &board->plan, &board->report) == OK && board->report.errors == 0;
}

bool board_guest_tree(const struct board *board, const struct domain_record *record, struct fdt *fdt)
{
    uint32_t i;

    for (i = 0; i < record->nr_loads; i++) {
        const struct domain_load *load = &record->loads[i];

        if (load->ipa.v == record->dtb.v) {
            return fdt_open(fdt, board->arena.base + (load->source.v - board->arena.pa), load->size) == OK;
        }
    }
    return false;
}

void *board_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *data;
    long length;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    rewind(file);
    data = aligned_alloc(8, align_up((uint64_t)length + 1u, 8));
    *size = fread(data, 1, (size_t)length, file);
    data[*size] = '\0';
    fclose(file);
    return data;
}
