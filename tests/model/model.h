/* SPDX-License-Identifier: Apache-2.0 */
/* An executable model of Xen's guest ABI as far as Bulkhead offers it: who owns and sees which page, event
 * channels, grants. It is written from the ABI alone and includes nothing of hypervisor/, so that it can
 * disagree with it.
 *
 * It runs beside the machine, call by call. It keeps a shadow of every page that calls may change. A call is
 * carried out on the shadow; whether the machine did the same is then a comparison. Where the ABI leaves a
 * choice (which free port, which handle, which of several errors that apply), the model looks at what the
 * machine chose, checks that it was legal, and adopts it.
 *
 * Freestanding: it also runs inside a test-only build of the hypervisor. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_DOMAINS 2u
#define MODEL_VCPUS   2u
#define MODEL_RAM     24u /* pages of RAM of each domain that calls may name */
#define MODEL_PRIVATE \
    4u /* the first of them hold arguments, two for each vCPU; no call moves or grants them */
/* Where VCPUOP_register_runstate_memory_area may point: the end of the second private page of each vCPU. What
 * lies there changes by itself and is not compared. */
#define MODEL_RESTLESS   64u
#define MODEL_WINDOW     24u /* frame numbers without RAM of their own, where calls may map something */
#define MODEL_FRAMES     8u  /* grant frames at most */
#define MODEL_PORTS      1024u
#define MODEL_MAPS       256u /* active grant mappings of a domain at most */
#define MODEL_PAGE       4096u
#define MODEL_REFS       512u /* grant entries of a frame */
#define MODEL_WATCHED    (MODEL_RAM + 1u + MODEL_FRAMES)
#define MODEL_PAGES      (MODEL_DOMAINS * MODEL_WATCHED)
#define MODEL_SLOTS      (MODEL_RAM + MODEL_WINDOW)
#define MODEL_NO_SLOT    MODEL_SLOTS
#define MODEL_UNKNOWN    0xffffu /* a page that is none of the watched ones */
#define MODEL_DOMID_SELF 0x7ff0u

/* Watched pages are numbered: RAM, shared_info and grant frames of the first domain, then those of the
 * second. */
#define MODEL_RAM_PAGE(domain, i)    ((domain) * MODEL_WATCHED + (i))
#define MODEL_SHARED_INFO(domain)    ((domain) * MODEL_WATCHED + MODEL_RAM)
#define MODEL_GRANT_FRAME(domain, i) ((domain) * MODEL_WATCHED + MODEL_RAM + 1u + (i))

enum model_kind { MODEL_HOLE, MODEL_OWN, MODEL_SHARED, MODEL_FOREIGN };

/* What a domain sees at one frame number. */
struct model_slot {
    uint8_t kind; /* enum model_kind */
    bool readonly;
    uint16_t page;
    uint16_t map; /* MODEL_FOREIGN: index of the grant mapping */
};

enum model_port_state { PORT_CLOSED, PORT_UNBOUND, PORT_INTERDOMAIN, PORT_PIRQ, PORT_VIRQ, PORT_IPI };

struct model_port {
    uint8_t state;
    uint8_t vcpu;
    uint16_t remote;      /* domid */
    uint32_t remote_port; /* PORT_VIRQ: its number */
};

struct model_map {
    bool active, readonly;
    uint16_t page;
    uint16_t slot;
    uint8_t granter; /* index of the domain */
    uint32_t handle, ref;
};

struct model_vcpu {
    bool registered; /* vcpu_info lies at page, offset; else in shared_info for vCPU 0 and nowhere for others
                      */
    uint16_t page, offset;
};

struct model_domain {
    uint16_t domid;
    uint64_t ram, window; /* first frame numbers */
    uint32_t nr_frames;   /* 0: not seen yet */
    struct model_slot slots[MODEL_SLOTS];
    struct model_port ports[MODEL_PORTS];
    struct model_map maps[MODEL_MAPS];
    unsigned maps_end; /* none from here on is active */
    struct model_vcpu vcpus[MODEL_VCPUS];
    uint64_t params[4]; /* HVM parameters 1, 2, 17, 18 as first read */
    uint8_t params_seen;
};

/* How the model looks at the machine after a call, and at its stage 1. */
struct model_machine {
    void *context;
    /* A watched page as it is now, 8-byte aligned. */
    const uint8_t *(*page)(void *context, unsigned page);
    /* What stage 2 holds for a frame number now: kind is MODEL_HOLE or any other; page is MODEL_UNKNOWN if it
     * is not a watched one. */
    void (*lookup)(void *context, unsigned domain, uint64_t gfn, struct model_slot *slot);
    /* Whether the event interrupt of the vCPU is pending or active. */
    bool (*upcall)(void *context, unsigned domain, unsigned vcpu);
    /* Stage 1 of the guest; false: the access faults. NULL: identity. */
    bool (*stage1)(void *context, unsigned domain, uint64_t va, bool write, uint64_t *ipa);
};

struct model_config {
    uint16_t domids[MODEL_DOMAINS];
    uint16_t domids_end;               /* domids from 1 to below this exist */
    uint32_t max_frames, first_frames; /* first_frames 0: 1 .. max_frames, seen at the first use */
    uint32_t max_port;
    uint32_t max_maps;                                  /* mappings that a domain may have at once */
    uint64_t ram[MODEL_DOMAINS], window[MODEL_DOMAINS]; /* first frame numbers */
    bool busy; /* other vCPUs run: what is in their private pages is theirs until they call */
};

struct model_call {
    unsigned domain, vcpu; /* indexes */
    uint64_t nr;           /* x16 */
    uint64_t args[5];
    int64_t result; /* x0 afterwards */
};

struct model {
    struct model_config config;
    struct model_machine machine;
    struct model_domain domains[MODEL_DOMAINS];
    uint8_t shadow[MODEL_PAGES][MODEL_PAGE] __attribute__((aligned(8)));
    uint64_t touched[(MODEL_PAGES + 63u) / 64u]; /* pages that the last call may have changed */
    uint32_t raised;  /* vCPUs that the last call sent an upcall to: bit domain * 8 + vcpu */
    bool repopulated; /* stage 2 may have changed */

    const char *failure; /* NULL while model and machine agree */
    uint64_t want, got, where;
};

/* The state of freshly started domains; the shadow is taken from the machine. */
void model_init(struct model *model, const struct model_config *config, const struct model_machine *machine);

/* Takes over what a guest wrote. */
void model_sync(struct model *model, unsigned page, unsigned offset, unsigned size);

/* The call has been carried out by the machine: carry it out here, and check all that it chose and touched.
 * False: they disagree; failure, want, got and where say about what. */
bool model_call(struct model *model, const struct model_call *call);

/* Compares everything: all bytes of all watched pages, all of stage 2. */
bool model_compare(struct model *model);

/* Frame number to slot, or MODEL_NO_SLOT. */
unsigned model_slot_of(const struct model_domain *domain, uint64_t gfn);
uint64_t model_gfn_of(const struct model_domain *domain, unsigned slot);

#endif
