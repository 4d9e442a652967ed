/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What stands behind the switch of the net device: one link to the outside, whose driver is the host's. All
 * calls come from the thread of the devices. */
#ifndef DEVICES_LINK_H
#define DEVICES_LINK_H

#include <stdbool.h>
#include <stdint.h>

/* The checksum of a frame's payload. `partial`: the 16-bit sum at start + offset of the frame covers
 * everything from start to the end and holds the pseudo header only (VIRTIO 1.2, 5.1.6.2). `valid`: the
 * hardware has checked it. */
struct link_checksum {
    bool partial, valid;
    uint16_t start, offset;
};

struct link {
    /* Set by the driver. */
    void *user;
    uint8_t mac[6];
    uint16_t mtu;     /* bytes behind the Ethernet header: 68 .. 9000; a frame has at most mtu + 18 */
    bool up;          /* then changed() */
    bool tx_checksum; /* completes partial checksums of what is sent */
    /* Room for one frame of mtu + 18 bytes in the driver's own memory, or NULL: none now, and ready() is
     * called when there is. Asked again without a send() in between, it gives the same room. */
    uint8_t *(*reserve)(struct link *link);
    /* Sends what was written into the room, 14 .. mtu + 18 bytes. Its memory is the driver's again. */
    void (*send)(struct link *link, uint32_t length, const struct link_checksum *checksum);

    /* Set by the switch; called by the driver, never from inside reserve() or send(). */
    void *owner;
    /* A frame from outside, valid during the call only. */
    void (*receive)(struct link *link, uint8_t *frame, uint32_t length, const struct link_checksum *checksum);
    void (*ready)(struct link *link);
    void (*changed)(struct link *link);
};

#endif
