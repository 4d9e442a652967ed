/* SPDX-License-Identifier: GPL-2.0-only */
/* A channel of this domain: what the device tree describes, and how Linux uses it. */
#ifndef BULKHEAD_LINUX_CHANNEL_H
#define BULKHEAD_LINUX_CHANNEL_H

#include <linux/atomic.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/wait.h>

#include <bulkhead/channel.h>

struct device;
struct net_device;

struct channel {
	struct device *dev;
	const char *name;
	int peer; /* domid, or -1 if the tree does not say */

	/* Sender's and receiver's functions each under their own lock: the two mutexes below, or those of
	 * net.c. */
	struct bh_channel ring;
	void *tx;
	const void *rx;
	phys_addr_t tx_phys;
	phys_addr_t rx_phys;
	size_t size; /* of each region */

	void __iomem *doorbell; /* NULL: ring by the port */
	u32 port;		/* 0: rung by an interrupt of the tree */
	int irq;

	/* Character device. */
	struct miscdevice misc;
	wait_queue_head_t wait;
	atomic_t rings; /* doorbells so far */
	struct mutex send_lock;
	struct mutex receive_lock;
	struct mutex open_lock; /* openers; taken before the other two */
	unsigned int openers;
	bool raw;	     /* user space has mapped tx: the kernel keeps off. Written under all three */
	bool lost;	     /* user space left a region that cannot be opened. Under open_lock */
	bool peer_known;     /* under receive_lock, as is the next one */
	u16 peer_generation; /* of the last message or restart that a reader was told of */

	struct net_device *netdev; /* NULL: character device */
};

void channel_ring(struct channel *ch);

int channel_file_add(struct channel *ch);
void channel_file_remove(struct channel *ch);
void channel_file_rung(struct channel *ch);

/* alloc: before the interrupt is requested; add: after. */
int channel_net_alloc(struct channel *ch);
int channel_net_add(struct channel *ch);
void channel_net_remove(struct channel *ch);
void channel_net_free(struct channel *ch);
void channel_net_rung(struct channel *ch);

#endif
