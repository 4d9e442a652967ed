// SPDX-License-Identifier: GPL-2.0-only
/* Channels of the Bulkhead hypervisor: finds them in the device tree, rings and is rung. */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/string.h>
#include <xen/events.h>
#include <xen/xen.h>

#include "channel.h"

static char *net = "";
module_param(net, charp, 0444);
MODULE_PARM_DESC(net, "names of the channels that become network interfaces, separated by commas, or \"all\"");

/* Whether the module parameter names this channel. */
static bool wants_net(const char *name)
{
	const char *at = net;
	size_t length = strlen(name);

	if (!strcmp(net, "all"))
		return true;
	while (*at) {
		const char *end = strchrnul(at, ',');

		if (end - at == length && !memcmp(at, name, length))
			return true;
		at = *end ? end + 1 : end;
	}
	return false;
}

/* Wakes the peer. What was written to the ring before is visible to it first. */
void channel_ring(struct channel *ch)
{
	if (ch->doorbell)
		writel(1, ch->doorbell);
	else
		notify_remote_via_evtchn(ch->port);
}

static irqreturn_t channel_interrupt(int irq, void *data)
{
	struct channel *ch = data;

	if (ch->netdev)
		channel_net_rung(ch);
	else
		channel_file_rung(ch);
	return IRQ_HANDLED;
}

static ssize_t max_message_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct channel *ch = dev_get_drvdata(dev);

	return sysfs_emit(text, "%u\n", bh_channel_max_message(&ch->ring));
}
static DEVICE_ATTR_RO(max_message);

static ssize_t generation_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct channel *ch = dev_get_drvdata(dev);

	return sysfs_emit(text, "%u\n", READ_ONCE(ch->ring.tx->generation));
}
static DEVICE_ATTR_RO(generation);

static ssize_t peer_generation_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct channel *ch = dev_get_drvdata(dev);

	return sysfs_emit(text, "%u\n", READ_ONCE(ch->ring.rx->generation));
}
static DEVICE_ATTR_RO(peer_generation);

static struct attribute *channel_attrs[] = {
	&dev_attr_max_message.attr,
	&dev_attr_generation.attr,
	&dev_attr_peer_generation.attr,
	NULL,
};
ATTRIBUTE_GROUPS(channel);

static int map_regions(struct channel *ch, struct platform_device *pdev)
{
	struct resource *tx = platform_get_resource_byname(pdev, IORESOURCE_MEM, "tx");
	struct resource *rx = platform_get_resource_byname(pdev, IORESOURCE_MEM, "rx");
	struct resource *doorbell = platform_get_resource_byname(pdev, IORESOURCE_MEM, "doorbell");

	if (!tx || !rx || resource_size(tx) != resource_size(rx) || !PAGE_ALIGNED(tx->start) ||
	    !PAGE_ALIGNED(rx->start) || !PAGE_ALIGNED(resource_size(tx)))
		return dev_err_probe(&pdev->dev, -EINVAL, "reg is not two equal regions of whole pages\n");
	ch->size = resource_size(tx);
	ch->tx_phys = tx->start;
	ch->rx_phys = rx->start;
	ch->tx = devm_memremap(&pdev->dev, tx->start, ch->size, MEMREMAP_WB);
	ch->rx = devm_memremap(&pdev->dev, rx->start, ch->size, MEMREMAP_WB);
	if (IS_ERR(ch->tx) || IS_ERR(ch->rx))
		return dev_err_probe(&pdev->dev, -ENOMEM, "cannot map the regions\n");
	if (doorbell) {
		ch->doorbell = devm_ioremap(&pdev->dev, doorbell->start, resource_size(doorbell));
		if (!ch->doorbell)
			return -ENOMEM;
	}
	return 0;
}

/*
 * The port is bound already and stays so: it is never closed, only its interrupt is given back. (Linux 6.1
 * closes the port in unbind_from_irqhandler.)
 */
static int request_doorbell(struct channel *ch, struct platform_device *pdev)
{
	int irq = platform_get_irq_optional(pdev, 0), error;

	if (irq == -ENXIO) {
		if (of_property_read_u32(pdev->dev.of_node, "bulkhead,port", &ch->port) || !ch->port)
			return dev_err_probe(&pdev->dev, -EINVAL, "neither an interrupt nor a port\n");
		if (!xen_domain())
			return dev_err_probe(&pdev->dev, -ENODEV, "a port, but no event channels\n");
		irq = bind_evtchn_to_irq(ch->port);
	}
	if (irq < 0)
		return dev_err_probe(&pdev->dev, irq, "no interrupt\n");
	if (!ch->doorbell && !ch->port)
		return dev_err_probe(&pdev->dev, -EINVAL, "nothing to ring\n");
	error = request_irq(irq, channel_interrupt, 0, dev_name(&pdev->dev), ch);
	if (error)
		return dev_err_probe(&pdev->dev, error, "interrupt %d\n", irq);
	ch->irq = irq;
	return 0;
}

/* The interface (or the device) comes last: it may be used as soon as it is there. */
static int channel_start(struct channel *ch, struct platform_device *pdev)
{
	int error = 0;

	if (wants_net(ch->name))
		error = channel_net_alloc(ch);
	if (error)
		return error;
	error = request_doorbell(ch, pdev);
	if (error)
		goto no_irq;
	error = ch->netdev ? channel_net_add(ch) : channel_file_add(ch);
	if (error)
		goto no_user;
	channel_ring(ch);
	return 0;

no_user:
	free_irq(ch->irq, ch);
no_irq:
	channel_net_free(ch);
	return error;
}

static int channel_probe(struct platform_device *pdev)
{
	struct channel *ch = devm_kzalloc(&pdev->dev, sizeof(*ch), GFP_KERNEL);
	const char *name = dev_name(&pdev->dev);
	enum bh_channel_status status;
	u32 peer;
	int error;

	if (!ch)
		return -ENOMEM;
	ch->dev = &pdev->dev;
	of_property_read_string(pdev->dev.of_node, "bulkhead,name", &name);
	ch->name = name;
	ch->peer = of_property_read_u32(pdev->dev.of_node, "bulkhead,peer", &peer) ? -1 : peer;
	init_waitqueue_head(&ch->wait);
	mutex_init(&ch->send_lock);
	mutex_init(&ch->receive_lock);
	mutex_init(&ch->open_lock);
	platform_set_drvdata(pdev, ch);

	error = map_regions(ch, pdev);
	if (error)
		return error;
	/* Frames for an earlier Linux are of no use; messages for it may be. */
	status = bh_channel_open(&ch->ring, ch->tx, ch->rx, ch->size,
				 wants_net(name) ? BH_CHANNEL_DISCARD : BH_CHANNEL_KEEP);
	if (status != BH_CHANNEL_OK)
		return dev_err_probe(&pdev->dev, -EINVAL, "the own region is no channel of this size\n");
	error = channel_start(ch, pdev);
	if (error)
		return error;
	dev_info(&pdev->dev, "channel %s, messages of up to %u bytes\n", name,
		 bh_channel_max_message(&ch->ring));
	return 0;
}

static int channel_remove(struct platform_device *pdev)
{
	struct channel *ch = platform_get_drvdata(pdev);

	if (ch->netdev)
		channel_net_remove(ch);
	else
		channel_file_remove(ch);
	free_irq(ch->irq, ch);
	channel_net_free(ch);
	return 0;
}

static const struct of_device_id channel_match[] = {{.compatible = "bulkhead,channel-v1"}, {}};
MODULE_DEVICE_TABLE(of, channel_match);

static struct platform_driver channel_driver = {
	.probe = channel_probe,
	.remove = channel_remove,
	.driver =
		{
			.name = "bulkhead-channel",
			.of_match_table = channel_match,
			.dev_groups = channel_groups,
			.suppress_bind_attrs = true, /* open files count on the device: only rmmod ends it */
		},
};
module_platform_driver(channel_driver);

MODULE_DESCRIPTION("Channels between domains of the Bulkhead hypervisor");
MODULE_AUTHOR("The Bulkhead authors");
MODULE_LICENSE("GPL");
