/* SPDX-License-Identifier: Apache-2.0 */
/* A hypervisor and a device library that note what they are asked. */
#ifndef WORLD_H
#define WORLD_H

#include <bulkhead/ioreq.h>

#include "devices/device.h"

enum { WORLD_DEVICES = 2, FIRST_PORT = 100, BELL_PORT = 50, VCPUS = 3, DOMID = 7, SERVER = 1 };

#define WORLD_BASE UINT64_C(0x2000000)

struct world {
    struct bh_ioreq_page page;
    struct bh_virtio_state states[WORLD_DEVICES][64];
    uint32_t words[WORLD_DEVICES]; /* doorbells to the frontend */
    /* What the hypervisor says to serve(); incarnation_at_serve, if not 0, is the frontend's from then on. */
    int64_t serve_result;
    uint32_t incarnation_at_serve;
    uint32_t serves, rests, sends[VCPUS];
    /* The devices, by number. */
    struct device *devices[WORLD_DEVICES];
    uint32_t inits[WORLD_DEVICES], runs[WORLD_DEVICES], gones[WORLD_DEVICES], reads, writes;
    uint32_t gone_as, offset, size, value;
    bool delay, gone_delay, more_once;
    uint32_t busy;       /* runs of device 0 after which it wants to go on */
    uint32_t busy_still; /* of them left when device 1 ran */
};

extern struct world world;

/* Reads the tree and starts. */
void world_start(void);
/* All that is ready runs, as in the event loop. */
void world_loop(void);
/* A port becomes pending. */
void world_event(uint32_t port);
/* The frontend starts for the n-th time; or has stopped. */
void world_frontend_starts(uint32_t incarnation);
void world_frontend_stops(void);
/* A request of a vCPU. */
void world_request(uint32_t vcpu, uint64_t address, uint32_t size, bool read, uint64_t data);
/* Its slot's state, the direction left out. */
uint32_t world_slot(uint32_t vcpu);

#endif
