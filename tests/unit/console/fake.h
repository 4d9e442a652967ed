/* SPDX-License-Identifier: Apache-2.0 */
/* A UART and an interrupt controller that are arrays, and a guest that drives its vpl011. */
#ifndef UNIT_CONSOLE_FAKE_H
#define UNIT_CONSOLE_FAKE_H

#include "core/vpl011.h"

#define WIRE (4u << 20)

struct fake {
    unsigned room; /* bytes that the transmit FIFO takes now */
    unsigned depth;
    bool tx_irq; /* enabled; comes while the FIFO is at most half full */
    uint32_t sent;
    char wire[WIRE];
    const char *input; /* what is received */
    unsigned acknowledged;
    bool line[MAX_DOMAINS];
    unsigned raised[MAX_DOMAINS];
};

extern struct fake fake;
extern struct vpl011 uarts[MAX_DOMAINS];

void fake_init(unsigned depth);
void fake_drain(unsigned bytes); /* the line sends so many bytes */
bool fake_irq(void);             /* takes the interrupt if there is one; then refreshes */
void fake_refresh(uint32_t domains);

uint64_t guest_read(unsigned domid, uint64_t offset);
void guest_write(unsigned domid, uint64_t offset, uint64_t value);
void guest_text(unsigned domid, const char *text); /* without looking at flags */
bool guest_try(unsigned domid, char byte);         /* one byte unless TXFF */

enum { DR = 0x00, RSR = 0x04, FR = 0x18, IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44 };
enum { BUSY = 1 << 3, RXFE = 1 << 4, TXFF = 1 << 5, RXFF = 1 << 6, TXFE = 1 << 7 };
enum { RXI = 1 << 4, TXI = 1 << 5, RTI = 1 << 6, OEI = 1 << 10 };

#endif
