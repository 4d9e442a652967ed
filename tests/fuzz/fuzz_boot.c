/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: a host device tree, and behind it, at a multiple of 8 bytes, what all partial trees of its
 * domains are. Whatever they are: no access outside, no undefined behaviour, an end; and a plan that is
 * accepted keeps its promises. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t total_size(const uint8_t *data, size_t size)
{
    uint64_t total =
        size < 8 ? size
                 : data[4] * UINT64_C(0x1000000) + data[5] * UINT64_C(0x10000) + data[6] * 0x100u + data[7];

    return min_u64(align_up(total, 8), size);
}

static void *copy(const uint8_t *data, size_t size)
{
    void *to = aligned_alloc(8, align_up(size + 1u, 8));

    if (size > 0) {
        memcpy(to, data, size);
    }
    return to;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct board board;
    size_t first = total_size(data, size);
    void *blob = copy(data, first), *partial = copy(data + first, size - first);
    const char *broken;

    board_init(&board);
    board.other = partial;
    board.other_size = size - first;
    if (board_plan(&board, blob, first)) {
        broken = board_verify(&board);
        if (broken != NULL) {
            fprintf(stderr, "broken plan: %s\n", broken);
            abort();
        }
    } else if (board.report.errors == 0) {
        fprintf(stderr, "refused without a reason\n");
        abort();
    }
    free(blob);
    free(partial);
    return 0;
}
