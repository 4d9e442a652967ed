/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of extensions, and what is in it. All of it is made at boot; what an extension can write is made
 * anew for each of its lives, from a copy. */
#include "arch/arm64/stage2_tables.h"
#include "base/string.h"
#include "boot/extensions.h"
#include "bulkhead/extension_abi.h"

#define WINDOW_END (BH_EXT_WINDOW + BH_EXT_WINDOW_SIZE)
#define PIECE      KIB(32) /* of the module, that is looked at at a time */

_Static_assert(BH_EXT_WINDOW % MIB(2) == 0 && BH_EXT_WINDOW_SIZE == MIB(2), "one table of level 3");
_Static_assert(EXTENSION_SEGMENTS > EXTENSION_ELF_PARTS, "and the stack");

/* Copies bytes of the module; false if they are not there. */
static bool copy_module(struct planner *p, const struct extension_draft *x, uint8_t *to, uint64_t offset,
                        uint64_t size)
{
    for (uint64_t done = 0; done < size; done += PIECE) {
        uint64_t piece = min_u64(PIECE, size - done);
        const void *from = p->in->peek(p->in->peek_context, x->module.pa + offset + done, piece);

        if (from == NULL) {
            return false;
        }
        memcpy(to + done, from, piece);
    }
    return true;
}

static void map(struct planner *p, uint64_t *level3, uint64_t va, const uint8_t *memory, uint64_t size,
                uint64_t access)
{
    uint64_t pa = arena_pa(p->in->arena, memory);

    for (uint64_t done = 0; done < size; done += PAGE_SIZE) {
        level3[(va + done) / PAGE_SIZE % STAGE2_ENTRIES] = (pa + done) | S2_NORMAL | access | S2_PAGE;
    }
}

static uint64_t access_of(const struct extension_elf_part *part)
{
    bool write = part->write, execute = part->execute;

#if defined(BREAK_extension_text)
    write = true;
#elif defined(BREAK_extension_data)
    execute = true;
#endif
    return (write ? S2_RW : S2_R) | (execute ? 0 : S2_XN);
}

static bool place_part(struct planner *p, const struct extension_draft *x,
                       const struct extension_elf_part *part, uint64_t *level3)
{
    struct extension *e = x->extension;
    uint64_t size = align_up(part->size, PAGE_SIZE);
    uint8_t *memory = arena_alloc(p->in->arena, size, PAGE_SIZE), *source = memory;

    if (memory == NULL) {
        return false;
    }
    if (part->write) {
        struct extension_segment *s = &e->segments[e->nr_segments++];

        source = part->file_size == 0 ? memory : arena_alloc(p->in->arena, part->file_size, 8);
        *s = (struct extension_segment){memory, source, part->file_size, size};
    }
    if (source == NULL || !copy_module(p, x, source, part->offset, part->file_size)) {
        return false;
    }
    map(p, level3, part->va, memory, size, access_of(part));
    return true;
}

static bool place_stack(struct planner *p, const struct extension_draft *x, uint64_t *level3)
{
    struct extension *e = x->extension;
    uint64_t size = x->elf.stack_size;
    uint8_t *memory = arena_alloc(p->in->arena, size, PAGE_SIZE);

    if (memory == NULL) {
        return false;
    }
    e->stack_top = WINDOW_END - PAGE_SIZE;
    e->segments[e->nr_segments++] = (struct extension_segment){memory, memory, 0, size};
    map(p, level3, e->stack_top - size, memory, size, S2_RW | S2_XN);
    return true;
}

static bool place(struct planner *p, const struct extension_draft *x)
{
    struct extension *e = x->extension;
    uint64_t *level2 = arena_alloc(p->in->arena, PAGE_SIZE, PAGE_SIZE);
    uint64_t *level3 = arena_alloc(p->in->arena, PAGE_SIZE, PAGE_SIZE);
    bool good = level2 != NULL && level3 != NULL;

    e->memory = p->in->arena->base + p->in->arena->used;
    for (uint32_t i = 0; good && i < x->elf.nr_parts; i++) {
        good = place_part(p, x, &x->elf.parts[i], level3);
    }
    if (!good || !place_stack(p, x, level3)) {
        return false;
    }
    e->memory_size = (uint64_t)(p->in->arena->base + p->in->arena->used - e->memory);
    e->entry = x->elf.entry;
    e->table = arena_pa(p->in->arena, level2);
    level2[BH_EXT_WINDOW / MIB(2)] = arena_pa(p->in->arena, level3) | S2_TABLE;
#ifdef BREAK_extension_core
    level2[1] = align_down(p->in->image_pa, MIB(2)) | S2_NORMAL | S2_RW | S2_BLOCK;
#endif
    return true;
}

void extensions_place(struct planner *p)
{
    for (uint32_t i = 0; i < p->nr_extensions; i++) {
        const struct extension_draft *x = &p->extensions[i];

        if (x->elf.nr_parts != 0 && !place(p, x)) {
            error(p, x->node, "", "no memory is left for the extension");
            return;
        }
        p->plan->extensions[p->plan->nr_extensions++] = x->extension;
    }
}
