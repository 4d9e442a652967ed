/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions: programs at EL0 of the hypervisor's world, each in an address space of its own, that serve
 * trapped accesses of one domain. docs/extensions.md says what they are, include/bulkhead/extension.toml what
 * they can call.
 *
 * An entry is a call of the core into the extension, on the pCPU and in the time of the vCPU whose access it
 * is. It runs to completion: interrupts are taken meanwhile, but the pCPU chooses anew who runs only when the
 * entry is over, at the latest when its budget is used up. One entry of an extension runs at a time; a vCPU
 * that comes meanwhile executes its instruction again.
 *
 * A life ends by a fault, a bad call, an overrun, or by the extension's own will. Then its memory is made
 * anew a page at a time, by the vCPUs that want something of it; all this costs the time of its domain alone.
 * When its restarts are used up the domain crashes with it, and its next life begins with the domain's. */
#ifndef CORE_EXTENSION_H
#define CORE_EXTENSION_H

#include "arch/arm64/extension_world.h"
#include "base/types.h"

#define MAX_EXTENSIONS           16u
#define EXTENSION_RANGES         8u
#define EXTENSION_INTERRUPTS     8u
#define EXTENSION_SEGMENTS       9u  /* that it can write, with its stack */
#define EXTENSION_LINE           96u /* of its log */
#define EXTENSION_BUDGET_US      1000u
#define EXTENSION_BUDGET_US_MOST 1000000u
#define EXTENSION_VMID           (MAX_DOMAINS + 1u) /* of the first one; those below are the domains' */
#define EXTENSION_IPA_BITS       30u                /* a table of level 2 is the root */

struct domain;
struct vcpu;

/* Memory that each life begins with: bytes of `source`, then zeros. Whole pages. */
struct extension_segment {
    uint8_t *memory;
    const uint8_t *source;
    uint64_t file_size, size;
};

struct extension_range {
    uint64_t ipa, size;
};

enum extension_state {
    EXTENSION_LOADING, /* its memory is made anew */
    EXTENSION_LOADED,  /* init comes next */
    EXTENSION_READY,
    EXTENSION_DEAD, /* until its domain is built again */
};

/* Where entry/arm64/extension.S saves registers: the layout of struct vcpu. */
struct extension_frame {
    uint64_t x[32];
    uint64_t stack_top; /* of EL2 while the extension runs */
};

/* How its last life ended. */
struct extension_crash {
    uint32_t end, life; /* enum bh_ext_end; life 0: none has ended */
    uint64_t x[31], pc, sp, pstate, esr, far;
    uint64_t detail; /* a bad call: its status; fail: the code */
};

struct extension {
    struct extension_frame frame;

    /* by boot */
    char name[32];
    uint16_t domid, vmid;
    uint32_t budget_us, restart, restart_window_ms; /* as of a domain */
    uint64_t entry, stack_top;
    uint64_t table;  /* PA of the root of its stage 2 */
    uint8_t *memory; /* of the heap, with all that it can execute */
    uint64_t memory_size;
    uint32_t nr_ranges, nr_interrupts, nr_segments;
    struct extension_range ranges[EXTENSION_RANGES];
    uint16_t interrupts[EXTENSION_INTERRUPTS]; /* INTIDs in the domain */
    struct extension_segment segments[EXTENSION_SEGMENTS];

    /* by the core */
    struct extension *next; /* of the same domain */
    struct domain *domain;
    uint64_t vttbr, vtcr, budget; /* ticks */
    uint32_t busy;                /* an entry runs, or memory is made anew; atomic */
    enum extension_state state;
    uint32_t segment; /* LOADING: how far it is */
    uint64_t done;
    uint32_t life, crashes, restarts_in_window;
    uint64_t window_start;
    struct extension_crash crash;

    /* of the entry that runs */
    struct extension_world world;
    struct vcpu *vcpu; /* NULL: init, while the domain is built */
    uint32_t in;       /* enum bh_ext_entry */
    bool agreed;       /* on the version, in this life */
    uint64_t status;   /* of a bad call, or the code of fail */
    uint32_t line_length;
    char line[EXTENSION_LINE + 1u];
};

/* How an entry goes on, or has ended. */
enum extension_end {
    EXTENSION_GOES_ON,
    EXTENSION_DONE,
    EXTENSION_AGAIN,
    EXTENSION_ABORT,
    EXTENSION_FAULT, /* and what follows: enum bh_ext_end */
    EXTENSION_BAD_CALL,
    EXTENSION_OVERRUN,
    EXTENSION_GAVE_UP,
    EXTENSION_SERROR,
};

/* The call that the frame holds; results go there. */
enum extension_end extension_call(struct extension *e);

/* entry/arm64/extension.S: on with the extension whose registers are in the frame, until it comes back:
 * ESR_EL2, or one of these. */
#define EXTENSION_CAME_BY_INTERRUPT UINT64_C(0x100000000)
#define EXTENSION_CAME_BY_SERROR    UINT64_C(0x100000001)
uint64_t extension_enter(struct extension_frame *frame);

/* What comes of an access. */
enum extension_access {
    EXTENSION_NOT_ITS, /* no extension serves the address */
    EXTENSION_SERVED,  /* *value is what a load reads */
    EXTENSION_RETRY,   /* not yet: the vCPU executes the instruction again */
    EXTENSION_REFUSED, /* as if nothing were there */
};

#ifdef PROFILE_STATIC
#define extensions_in_use false
#else
extern bool extensions_in_use; /* set at boot; without any the code behind these calls is not there */
#endif

/* Boot: one that is placed. Its domain has been created. */
void extension_add(struct extension *e);

/* Its extensions serve the access of the current vCPU, all of whose registers are saved in it. */
enum extension_access extension_access(struct vcpu *vcpu, uint64_t ipa, unsigned size, bool write,
                                       uint64_t *value);

/* Of a domain that is being built: its extensions begin a new life. Then slices of it: OK when all are ready,
 * ERR_BUSY when there is more, else one of them cannot start. By vCPU 0's pCPU. */
void extensions_begin(struct domain *domain);
enum status extensions_build_slice(struct domain *domain);

#endif
