/* SPDX-License-Identifier: Apache-2.0 */
/* The backend of the ioreq tests: its frontends, its hypercalls, and what it does when told. */
#ifndef IOREQ_LINK_H
#define IOREQ_LINK_H

#include <bulkhead/ioreq.h>

#include "ioreq_protocol.h"

#define MAX_LINKS 4

/* What survives a crash, in the state page. */
struct keep {
    volatile uint32_t lives, crashed;
};

struct unit {
    uint64_t address; /* in the frontend */
    uint32_t bell, bells, result, silent;
    uint64_t interrupt;
    struct keep *keep;
    uint8_t store[IOREQ_BYTES];
};

struct link {
    struct bh_ioreq_page *page;
    uint32_t domid, server, vcpus, first_port, incarnation, nr_units;
    const uint8_t *windows;
    uint32_t nr_windows;
    bool skip[MAX_CPUS]; /* slots whose request is left unanswered */
    struct unit unit[IOREQ_DEVICES];
};
extern struct link links[MAX_LINKS];
extern uint32_t nr_links;

int64_t ioreq_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c);
int64_t ioreq_attach(uint32_t domid, uint32_t server, bool on);
uint8_t slot_state(struct bh_ioreq *slot);
/* The event to the core that it shall look at the slot, alone and after an answer. */
void slot_notify(struct link *l, uint32_t vcpu);
void slot_answer(struct link *l, uint32_t vcpu, uint64_t data);
/* A device of the backend is at work. */
bool ioreq_dma_busy(void);
/* DMA_STRAY to an address of the frontend. False: it did not begin, or `wait` and it did not end. */
bool ioreq_dma(struct link *l, uint64_t address, bool wait);
/* A write to REG_COMMAND. Does not return if it is a crash that has not been done yet. */
void ioreq_command(struct link *l, struct unit *u, uint32_t vcpu, uint32_t command);

#endif
