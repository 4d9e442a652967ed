/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices on one disk in memory, which does its requests when the test says so, in any order. */
#ifndef TESTS_DEVICES_BLOCK_RIG_H
#define TESTS_DEVICES_BLOCK_RIG_H

#include "driver.h"

#include "devices/block.h"

#define DISK_SECTORS 256u
#define DISK_ROOM    6u
#define NR_REQUESTS  8u

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, ZEROES = 13 };
enum { OK = 0, IOERR = 1, UNSUPP = 2, UNTOUCHED = 0xee };

#define F_RO      (UINT64_C(1) << 5)
#define F_FLUSH   (UINT64_C(1) << 9)
#define F_MQ      (UINT64_C(1) << 12)
#define F_DISCARD (UINT64_C(1) << 13)
#define F_ZEROES  (UINT64_C(1) << 14)

struct block_rig {
    struct rig rig;
    struct block block;
    struct block_request requests[NR_REQUESTS];
};

extern struct disk the_disk;
extern uint8_t the_medium[DISK_SECTORS * DISK_SECTOR];
extern uint32_t disk_flushes, disk_waiting;
extern bool disk_fails;
/* Sectors written since the last flush. */
extern uint32_t disk_volatile;

void disk_create(void);
/* Does one of those that wait; false: there is none. */
bool disk_step(void);
void disk_run(void);
/* The backend has died, and the disk with it: what had not begun never happens. */
void disk_forget(void);

/* A device on [first, first + sectors) of the disk, up to DRIVER_OK. */
void block_create(struct block_rig *rig, uint64_t first, uint64_t sectors, bool read_only, uint64_t features);
/* A new backend; the frontend is of that incarnation. */
void block_again_as(struct block_rig *rig, uint32_t frontend);

/* Offers a request whose header, data and status lie at 0x100000 + slot * 0x4000 of the memory, cut into
 * pieces at random; the head. `data` is copied into the request if the driver writes it. */
int block_offer(struct block_rig *rig, uint32_t queue, uint32_t slot, uint32_t type, uint64_t sector,
                const void *data, uint32_t length);
uint8_t *block_data(struct block_rig *rig, uint32_t slot);
uint8_t block_status(struct block_rig *rig, uint32_t slot);
/* Offers it, rings, lets the disk work, and gives the status. */
uint8_t block_do(struct block_rig *rig, uint32_t type, uint64_t sector, const void *data, uint32_t length);

#endif
