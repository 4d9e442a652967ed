/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated UART of a domain: an SBSA generic UART (Arm SBSA, appendix "Generic UART"), which is the
 * subset of the PL011 (DDI 0183) that has no baud rate and no modem lines. Linux drives it as arm,sbsa-uart,
 * bare metal as a PL011 whose other registers read as zero and ignore writes.
 *
 * The transmitter's FIFO is the domain's buffer in the console, and a byte that lies there counts as sent as
 * soon as the buffer is at most half full: then TXFE is set and BUSY clear. (A held incomplete line must not
 * keep a domain waiting that polls BUSY.) TXFF is the true end of the buffer. */
#ifndef CORE_VPL011_H
#define CORE_VPL011_H

#include "base/spinlock.h"
#include "base/types.h"
#include "core/console.h"
#include "virq/virq.h"

struct vpl011 {
    struct spinlock lock; /* registers and line; taken before the virq lock */
    struct virq *virq;
    uint16_t intid;
    uint16_t imsc;
    uint16_t latched; /* raw interrupts that stay until cleared: TX, OE */
    uint8_t rsr;
    uint8_t fr_reads; /* reads of FR since the last byte was written */
    bool tx_high;     /* the transmitter was above its trigger level when the domain wrote last */
    bool mark_oe;     /* the next byte read says that bytes were lost before it */
    bool line;
    struct console_port port;
};

/* Reset state in zeroed or used memory, attached to the console. intid is that of its SPI. */
void vpl011_init(struct vpl011 *uart, unsigned domid, struct virq *virq, unsigned intid);

/* The domain starts anew: registers at reset, waiting input dropped, interrupt low. Output that still waits
 * is kept. */
void vpl011_reset(struct vpl011 *uart, struct virq_effects *effects);

/* One access to the page, at `offset` (any value), of `size` bytes (1, 2, 4, 8). What is no register, or
 * wider than one, reads as zero and ignores writes. A read puts the zero-extended value into *value. `self`
 * and `effects` are those of virq_line(). Returns the domains (bit = domid) whose vpl011_refresh() the caller
 * must run now; this one is never among them. */
uint32_t vpl011_access(struct vpl011 *uart, uint64_t offset, unsigned size, bool write, uint64_t *value,
                       struct virq_cpu *self, struct virq_effects *effects);

/* Computes the interrupt line again after the console took output or brought input. `self` is NULL unless the
 * vCPU that is resident on this pCPU is of this domain. */
void vpl011_refresh(struct vpl011 *uart, struct virq_cpu *self, struct virq_effects *effects);

#endif
