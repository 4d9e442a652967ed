// SPDX-License-Identifier: GPL-2.0-only
/* /dev/channel-NAME: one read or write is one message. Or, with tx mapped, the ring is user space's own. */
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "channel.h"

struct channel_file {
	struct channel *ch;
	u32 wanted; /* length of the message that last found no room; under send_lock */
	int rings;  /* doorbells that a raw reader was told of; under receive_lock */
};

void channel_file_rung(struct channel *ch)
{
	atomic_inc(&ch->rings);
	wake_up_interruptible(&ch->wait);
}

static int error_of(enum bh_channel_status status)
{
	switch (status) {
	case BH_CHANNEL_OK:
		return 0;
	case BH_CHANNEL_EMPTY:
	case BH_CHANNEL_FULL:
		return -EAGAIN;
	case BH_CHANNEL_TOO_LONG:
		return -EMSGSIZE;
	default:
		return -EPROTO;
	}
}

/*
 * Finds the next message, or 0 that there is none yet; -EPIPE once if the peer has restarted since the last
 * one. The generation is read before the position: if there is no message then, all of the old incarnation's
 * were seen.
 */
static int next_message(struct channel *ch, struct bh_channel_message *message)
{
	u32 generation = BH_CHANNEL_LOAD_ACQUIRE(&ch->ring.rx->generation);
	enum bh_channel_status status = bh_channel_peek(&ch->ring, message);
	u16 now = generation;

	if (status == BH_CHANNEL_OK)
		now = message->generation;
	else if (status != BH_CHANNEL_EMPTY || !generation)
		return error_of(status);
	if (ch->peer_known && ch->peer_generation == now)
		return error_of(status);
	if (!ch->peer_known) {
		ch->peer_known = true;
		ch->peer_generation = now;
		return error_of(status);
	}
	return -EPIPE;
}

/* Copies the next message. User space may see a hostile peer change it during the copy; its length is ours. */
static ssize_t take(struct channel *ch, char __user *to, size_t count)
{
	struct bh_channel_message message;
	int error = next_message(ch, &message);

	if (error == -EPIPE)
		ch->peer_generation = bh_channel_peek(&ch->ring, &message) == BH_CHANNEL_OK
					      ? message.generation
					      : READ_ONCE(ch->ring.rx->generation);
	if (error)
		return error;
	if (message.length > count)
		return -EMSGSIZE;
	if (copy_to_user(to, message.data, message.length))
		return -EFAULT;
	bh_channel_consume(&ch->ring);
	if (bh_channel_release(&ch->ring))
		channel_ring(ch);
	return message.length;
}

/* With tx mapped: the number of doorbells since the last read. */
static ssize_t take_rings(struct channel_file *cf, char __user *to, size_t count)
{
	int now = atomic_read(&cf->ch->rings);
	u32 rung = now - cf->rings;

	if (count < sizeof(rung))
		return -EINVAL;
	if (!rung)
		return -EAGAIN;
	if (copy_to_user(to, &rung, sizeof(rung)))
		return -EFAULT;
	cf->rings = now;
	return sizeof(rung);
}

/* The doorbells are counted before the ring is looked at: one that comes in between ends the sleep at once. */
static ssize_t channel_read(struct file *file, char __user *to, size_t count, loff_t *unused)
{
	struct channel_file *cf = file->private_data;
	struct channel *ch = cf->ch;

	for (;;) {
		bool sleep;
		ssize_t n;
		int rings;

		if (mutex_lock_interruptible(&ch->receive_lock))
			return -ERESTARTSYS;
		rings = atomic_read(&ch->rings);
		n = ch->raw ? take_rings(cf, to, count) : take(ch, to, count);
		sleep = n == -EAGAIN && (ch->raw || bh_channel_prepare_wait_data(&ch->ring));
		mutex_unlock(&ch->receive_lock);
		if (n != -EAGAIN || file->f_flags & O_NONBLOCK)
			return n;
		if (sleep && wait_event_interruptible(ch->wait, atomic_read(&ch->rings) != rings))
			return -ERESTARTSYS;
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
}

static ssize_t put(struct channel_file *cf, const char __user *from, size_t count)
{
	struct channel *ch = cf->ch;
	enum bh_channel_status status;
	void *data;

	if (count > bh_channel_max_message(&ch->ring))
		return -EMSGSIZE;
	status = bh_channel_reserve(&ch->ring, count, &data);
	if (status == BH_CHANNEL_FULL)
		cf->wanted = count;
	if (status != BH_CHANNEL_OK)
		return error_of(status);
	if (copy_from_user(data, from, count))
		return -EFAULT;
	bh_channel_commit(&ch->ring, count);
	cf->wanted = 0;
	if (bh_channel_publish(&ch->ring))
		channel_ring(ch);
	return count;
}

static ssize_t channel_write(struct file *file, const char __user *from, size_t count, loff_t *unused)
{
	struct channel_file *cf = file->private_data;
	struct channel *ch = cf->ch;

	for (;;) {
		bool sleep = false;
		ssize_t n = count;
		int rings;

		if (mutex_lock_interruptible(&ch->send_lock))
			return -ERESTARTSYS;
		rings = atomic_read(&ch->rings);
		if (ch->raw)
			channel_ring(ch);
		else
			n = put(cf, from, count);
		if (n == -EAGAIN)
			sleep = bh_channel_prepare_wait_space(&ch->ring, count);
		mutex_unlock(&ch->send_lock);
		if (n != -EAGAIN || file->f_flags & O_NONBLOCK)
			return n;
		if (sleep && wait_event_interruptible(ch->wait, atomic_read(&ch->rings) != rings))
			return -ERESTARTSYS;
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
}

static __poll_t channel_poll(struct file *file, poll_table *wait)
{
	struct channel_file *cf = file->private_data;
	struct channel *ch = cf->ch;
	struct bh_channel_message message;
	__poll_t mask = 0;
	int error;

	poll_wait(file, &ch->wait, wait);
	mutex_lock(&ch->receive_lock);
	if (ch->raw) {
		if (atomic_read(&ch->rings) != cf->rings)
			mask |= EPOLLIN | EPOLLRDNORM;
	} else {
		error = next_message(ch, &message);
		if (error == -EPROTO)
			mask |= EPOLLERR;
		if (error != -EAGAIN || !bh_channel_prepare_wait_data(&ch->ring))
			mask |= EPOLLIN | EPOLLRDNORM;
	}
	mutex_unlock(&ch->receive_lock);
	mutex_lock(&ch->send_lock);
	if (ch->raw || !bh_channel_prepare_wait_space(&ch->ring, cf->wanted))
		mask |= EPOLLOUT | EPOLLWRNORM;
	mutex_unlock(&ch->send_lock);
	return mask;
}

static void set_raw(struct channel *ch, bool raw)
{
	mutex_lock(&ch->send_lock);
	mutex_lock(&ch->receive_lock);
	if (ch->raw && !raw)
		ch->lost =
			bh_channel_open(&ch->ring, ch->tx, ch->rx, ch->size, BH_CHANNEL_KEEP) != BH_CHANNEL_OK;
	ch->raw = raw;
	mutex_unlock(&ch->receive_lock);
	mutex_unlock(&ch->send_lock);
}

/* tx at offset 0, for the only file that is open; rx behind it, never writable. */
static int channel_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct channel_file *cf = file->private_data;
	struct channel *ch = cf->ch;
	unsigned long length = vma->vm_end - vma->vm_start;
	phys_addr_t at = ch->tx_phys;
	int error = 0;

	if (!(vma->vm_flags & VM_SHARED) || length > ch->size)
		return -EINVAL;
	if (vma->vm_pgoff == ch->size >> PAGE_SHIFT) {
		if (vma->vm_flags & VM_WRITE)
			return -EACCES;
		vma->vm_flags &= ~VM_MAYWRITE;
		at = ch->rx_phys;
	} else if (vma->vm_pgoff) {
		return -EINVAL;
	} else {
		mutex_lock(&ch->open_lock);
		if (ch->openers == 1)
			set_raw(ch, true);
		else
			error = -EBUSY;
		mutex_unlock(&ch->open_lock);
		if (error)
			return error;
		channel_file_rung(ch);
	}
	return remap_pfn_range(vma, vma->vm_start, at >> PAGE_SHIFT, length, vma->vm_page_prot);
}

static int channel_open(struct inode *inode, struct file *file)
{
	struct channel *ch = container_of(file->private_data, struct channel, misc);
	struct channel_file *cf = kzalloc(sizeof(*cf), GFP_KERNEL);
	int error = 0;

	if (!cf)
		return -ENOMEM;
	mutex_lock(&ch->open_lock);
	if (ch->lost)
		error = -EIO;
	else if (ch->raw)
		error = -EBUSY;
	else
		ch->openers++;
	mutex_unlock(&ch->open_lock);
	if (error) {
		kfree(cf);
		return error;
	}
	cf->ch = ch;
	cf->rings = atomic_read(&ch->rings);
	file->private_data = cf;
	return nonseekable_open(inode, file);
}

static int channel_release(struct inode *inode, struct file *file)
{
	struct channel_file *cf = file->private_data;
	struct channel *ch = cf->ch;

	mutex_lock(&ch->open_lock);
	ch->openers--;
	if (ch->raw) {
		set_raw(ch, false);
		if (ch->lost)
			dev_err(ch->dev,
				"user space left no channel in tx: of no use until the machine restarts\n");
		else
			channel_ring(ch);
	}
	mutex_unlock(&ch->open_lock);
	kfree(cf);
	return 0;
}

static const struct file_operations channel_operations = {
	.owner = THIS_MODULE,
	.open = channel_open,
	.release = channel_release,
	.read = channel_read,
	.write = channel_write,
	.poll = channel_poll,
	.mmap = channel_mmap,
	.llseek = no_llseek,
};

int channel_file_add(struct channel *ch)
{
	char *name = devm_kasprintf(ch->dev, GFP_KERNEL, "channel-%s", ch->name);
	int error;

	if (!name)
		return -ENOMEM;
	ch->misc.minor = MISC_DYNAMIC_MINOR;
	ch->misc.name = name;
	ch->misc.fops = &channel_operations;
	ch->misc.parent = ch->dev;
	error = misc_register(&ch->misc);
	return error ? dev_err_probe(ch->dev, error, "device %s\n", name) : 0;
}

void channel_file_remove(struct channel *ch)
{
	misc_deregister(&ch->misc);
}
