/* SPDX-License-Identifier: Apache-2.0 */
/* Typed hypercalls, valid and near-valid, in an order that a seed or the bytes of a fuzzer decide.
 * Freestanding: guests use it too. It knows no more than a guest does: its own numbers, and what its earlier
 * calls returned. */
#ifndef MODEL_GENERATE_H
#define MODEL_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEN_BLOCK 256u

struct gen_layout {
    uint16_t self, peer; /* domids */
    uint16_t stranger;   /* a domid that exists and is neither */
    unsigned vcpu;
    uint64_t ram, window; /* first frame numbers; addresses are the same at both stages */
    uint64_t readonly; /* address at which the guest's own tables show its private pages read-only; 0: none */
    uint64_t device;   /* address of device registers */
    uint32_t max_port, max_frames;
    uint32_t avoid_port; /* belongs to the machine */
};

enum gen_kind { GEN_CALL, GEN_POKE };
enum gen_poke { POKE_RAM, POKE_SHARED_INFO, POKE_GRANT };

struct gen_call {
    uint8_t kind; /* enum gen_kind */
    uint8_t poke; /* enum gen_poke: what kind of page the guest writes to */
    uint8_t size;
    uint16_t page, offset; /* which page of that kind, and where */
    uint64_t value;

    uint64_t nr, args[5];
    uint64_t block_va; /* the bytes that the guest stores before the call, in its private pages */
    uint16_t block_size;
    uint8_t block[GEN_BLOCK];
};

struct gen {
    struct gen_layout layout;
    uint64_t state;       /* xorshift; must not be 0 */
    const uint8_t *bytes; /* of a fuzzer, used first */
    size_t left;
    uint32_t ports[16];
    uint32_t nr_ports; /* ever seen */
    struct {
        uint32_t handle;
        uint64_t address;
    } maps[16];
    uint32_t nr_maps;
    bool registered; /* vcpu_info lies in RAM */
    uint16_t info_page, info_offset;
};

void gen_init(struct gen *gen, const struct gen_layout *layout, uint64_t seed);
void gen_next(struct gen *gen, struct gen_call *call);
/* What the call returned, and what its block holds now. */
void gen_done(struct gen *gen, const struct gen_call *call, int64_t result, const uint8_t *block);

#endif
