/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Xen's hypercalls, as far as a driver domain needs them (Xen public headers; HVC 0xEA1, number in x16).
 * Results are 0, a number, or an error of Xen's, negative. */
#ifndef RUNTIME_HYPERCALL_H
#define RUNTIME_HYPERCALL_H

#include <stdint.h>

enum { XEN_EPERM = 1, XEN_ENOENT = 2, XEN_EBUSY = 16, XEN_EINVAL = 22 };

/* Text for the domain's console; it needs no UART. */
void console_write(const char *text, uint32_t length);

/* The shared_info page lies at that address of the domain from now on. */
int64_t map_shared_info(uint64_t address);

/* The frame of the domain's grant table lies at that address from now on. */
int64_t map_grant_frame(uint32_t index, uint64_t address);

/* EVTCHNOP_send. */
int64_t event_send(uint32_t port);

/* The backend serves the server `server` of domain `frontend`, or no longer (dm_op
 * set_ioreq_server_state). */
int64_t serve(uint16_t frontend, uint16_t server, uint32_t enabled);

/* Arguments of grant_table_op (Xen public grant_table.h). */
enum { GRANT_MAP = 0, GRANT_UNMAP = 1 };
enum { GRANT_DEVICE_MAP = 1, GRANT_HOST_MAP = 2, GRANT_READ_ONLY = 4 };
struct grant_map {
    uint64_t host_addr;
    uint32_t flags, ref;
    uint16_t domid;
    int16_t status; /* out, from here on; 0: it is mapped */
    uint32_t handle;
    uint64_t dev_bus_addr; /* where devices of a direct-map domain find it */
};
struct grant_unmap {
    uint64_t host_addr, dev_bus_addr;
    uint32_t handle;
    int16_t status; /* out */
};
/* `count` of them; 0: each has its status. */
int64_t grant_table_op(uint32_t command, void *operations, uint32_t count);

/* SCHEDOP_watchdog: the domain counts as crashed `seconds` from now unless it calls again with the id that
 * the first call (id 0) returned. */
int64_t watchdog(uint32_t id, uint32_t seconds);

/* SCHEDOP_shutdown with reason "crash": the end of this life of the domain. */
_Noreturn void shutdown_crash(void);

#endif
