// SPDX-License-Identifier: GPL-2.0-only
/* ch0, ch1, ...: an Ethernet interface whose wire is a channel. One message is one frame. */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/jhash.h>
#include <linux/netdevice.h>

#include "channel.h"

#define FRAME_HEADER (ETH_HLEN + VLAN_HLEN)
/* Room is given back after so many frames, so that a sender that waits for it need not wait for a whole poll.
 */
#define RELEASE_FRAMES 16

/* The sender's half of the ring is used under the interface's transmit lock, the receiver's in NAPI only. */
struct channel_net {
	struct channel *ch;
	struct net_device *dev;
	struct napi_struct napi;
	bool receive_broken;  /* the peer's positions or records are nonsense */
	bool transmit_broken; /* its consumed position is */
};

void channel_net_rung(struct channel *ch)
{
	struct channel_net *cn = netdev_priv(ch->netdev);

	napi_schedule(&cn->napi);
}

static u32 longest_frame(const struct net_device *dev)
{
	return dev->mtu + FRAME_HEADER;
}

/* Stops the queue if a frame of full length finds no room; the peer's doorbell wakes it. */
static void stop_if_full(struct channel_net *cn)
{
	struct bh_channel *ring = &cn->ch->ring;
	void *unused;

	if (bh_channel_reserve(ring, longest_frame(cn->dev), &unused) != BH_CHANNEL_FULL)
		return;
	netif_stop_queue(cn->dev);
	if (bh_channel_publish(ring))
		channel_ring(cn->ch);
	if (!bh_channel_prepare_wait_space(ring, longest_frame(cn->dev)))
		netif_start_queue(cn->dev);
}

static netdev_tx_t channel_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct channel_net *cn = netdev_priv(dev);
	struct bh_channel *ring = &cn->ch->ring;
	enum bh_channel_status status;
	void *data;

	status = bh_channel_reserve(ring, skb->len, &data);
	if (status == BH_CHANNEL_FULL) {
		stop_if_full(cn);
		return NETDEV_TX_BUSY;
	}
	if (status == BH_CHANNEL_OK && !skb_copy_bits(skb, 0, data, skb->len)) {
		bh_channel_commit(ring, skb->len);
		dev->stats.tx_packets++;
		dev->stats.tx_bytes += skb->len;
	} else {
		dev->stats.tx_dropped++;
		if (status == BH_CHANNEL_PEER_BROKEN && !cn->transmit_broken) {
			WRITE_ONCE(cn->transmit_broken, true);
			netif_carrier_off(dev);
			netdev_err(dev, "the peer's position is impossible: nothing can be sent\n");
		}
	}
	dev_consume_skb_any(skb);
	stop_if_full(cn);
	if (!netdev_xmit_more() && bh_channel_publish(ring))
		channel_ring(cn->ch);
	return NETDEV_TX_OK;
}

/* Takes one frame out of the ring. What the peer changes meanwhile changes only the copy. */
static void receive_frame(struct channel_net *cn, const struct bh_channel_message *message)
{
	struct net_device *dev = cn->dev;
	u32 length = message->length;
	struct sk_buff *skb;

	if (length < ETH_HLEN || length > longest_frame(dev)) {
		dev->stats.rx_length_errors++;
		dev->stats.rx_errors++;
		return;
	}
	skb = napi_alloc_skb(&cn->napi, length);
	if (!skb) {
		dev->stats.rx_dropped++;
		return;
	}
	skb_put_data(skb, message->data, length);
	skb->protocol = eth_type_trans(skb, dev);
	dev->stats.rx_packets++;
	dev->stats.rx_bytes += length;
	napi_gro_receive(&cn->napi, skb);
}

/*
 * The carrier is there when the peer has opened its side and writes no nonsense; a restart of the peer is a
 * short loss of it, and a chance to do better.
 */
static void follow_peer(struct channel_net *cn)
{
	enum bh_channel_status state = bh_channel_peer_state(&cn->ch->ring);
	struct net_device *dev = cn->dev;
	bool up;

	if (state == BH_CHANNEL_PEER_NEW) {
		WRITE_ONCE(cn->receive_broken, false);
		WRITE_ONCE(cn->transmit_broken, false);
	}
	up = (state == BH_CHANNEL_OK || state == BH_CHANNEL_PEER_NEW) && !cn->receive_broken &&
	     !READ_ONCE(cn->transmit_broken);
	if (!up || state == BH_CHANNEL_PEER_NEW)
		netif_carrier_off(dev);
	if (up)
		netif_carrier_on(dev);
}

static void wake_sender(struct channel_net *cn)
{
	struct bh_channel *ring = &cn->ch->ring;

	if (!netif_queue_stopped(cn->dev))
		return;
	netif_tx_lock(cn->dev);
	if (!bh_channel_prepare_wait_space(ring, longest_frame(cn->dev)))
		netif_wake_queue(cn->dev);
	netif_tx_unlock(cn->dev);
}

static void give_room(struct channel_net *cn)
{
	if (bh_channel_release(&cn->ch->ring))
		channel_ring(cn->ch);
}

/*
 * The last look at the ring is made by prepare_wait_data, before the poll is complete: a doorbell in between
 * starts the next one. A peer that changes its position to and fro costs polls, each with its budget.
 */
static int channel_poll(struct napi_struct *napi, int budget)
{
	struct channel_net *cn = container_of(napi, struct channel_net, napi);
	struct bh_channel *ring = &cn->ch->ring;
	struct bh_channel_message message;
	enum bh_channel_status status = BH_CHANNEL_OK;
	int done = 0;

	wake_sender(cn);
	while (done < budget) {
		status = bh_channel_peek(ring, &message);
		if (status != BH_CHANNEL_OK)
			break;
		receive_frame(cn, &message);
		bh_channel_consume(ring);
		if (++done % RELEASE_FRAMES == 0)
			give_room(cn);
	}
	give_room(cn);
	if (status == BH_CHANNEL_PEER_BROKEN && !cn->receive_broken) {
		cn->receive_broken = true;
		netdev_err(cn->dev, "the peer's ring is nonsense: nothing can be received\n");
	}
	follow_peer(cn);
	if (done == budget)
		return budget;
	if (!cn->receive_broken && !bh_channel_prepare_wait_data(ring))
		return budget;
	napi_complete_done(napi, done);
	return done;
}

static int channel_net_open(struct net_device *dev)
{
	struct channel_net *cn = netdev_priv(dev);

	napi_enable(&cn->napi);
	netif_start_queue(dev);
	/* What came before the interface was up. */
	local_bh_disable();
	napi_schedule(&cn->napi);
	local_bh_enable();
	return 0;
}

static int channel_net_stop(struct net_device *dev)
{
	struct channel_net *cn = netdev_priv(dev);

	netif_tx_disable(dev);
	napi_disable(&cn->napi);
	netif_carrier_off(dev);
	bh_channel_cancel_wait_data(&cn->ch->ring);
	bh_channel_cancel_wait_space(&cn->ch->ring);
	return 0;
}

static const struct net_device_ops channel_net_operations = {
	.ndo_open = channel_net_open,
	.ndo_stop = channel_net_stop,
	.ndo_start_xmit = channel_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

/* The same after a restart, so that the peer's neighbour table stays right; the two ends differ by their peers.
 */
static void set_address(struct net_device *dev, const struct channel *ch)
{
	u32 hash = jhash(ch->name, strlen(ch->name), 0);
	u8 address[ETH_ALEN] = {0x02, 'B', hash >> 8, hash, ch->peer >> 8, ch->peer};

	if (ch->peer < 0)
		eth_hw_addr_random(dev);
	else
		eth_hw_addr_set(dev, address);
}

/* Eight frames fit the ring, or frames are as long as Ethernet's, or as long as the ring allows. */
static void set_mtu(struct net_device *dev, const struct bh_channel *ring)
{
	unsigned int most = min_t(unsigned int, bh_channel_max_message(ring) - FRAME_HEADER, ETH_MAX_MTU);
	unsigned int eighth = ring->size / 64 * 8 - 8;

	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = most;
	dev->mtu =
		min(most, max_t(unsigned int, ETH_DATA_LEN, eighth > FRAME_HEADER ? eighth - FRAME_HEADER : 0));
}

int channel_net_alloc(struct channel *ch)
{
	struct net_device *dev;
	struct channel_net *cn;

	if (bh_channel_max_message(&ch->ring) < ETH_MIN_MTU + FRAME_HEADER)
		return dev_err_probe(ch->dev, -EINVAL, "the ring is too small for frames\n");
	dev = alloc_netdev(sizeof(*cn), "ch%d", NET_NAME_ENUM, ether_setup);
	if (!dev)
		return -ENOMEM;
	SET_NETDEV_DEV(dev, ch->dev);
	cn = netdev_priv(dev);
	cn->ch = ch;
	cn->dev = dev;
	dev->netdev_ops = &channel_net_operations;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	set_mtu(dev, &ch->ring);
	set_address(dev, ch);
	netif_napi_add(dev, &cn->napi, channel_poll);
	netif_carrier_off(dev);
	ch->netdev = dev;
	return 0;
}

int channel_net_add(struct channel *ch)
{
	return register_netdev(ch->netdev);
}

void channel_net_remove(struct channel *ch)
{
	unregister_netdev(ch->netdev);
}

void channel_net_free(struct channel *ch)
{
	if (ch->netdev)
		free_netdev(ch->netdev);
}
