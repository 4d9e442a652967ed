/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of a bulkhead,virtio node, but bulkhead,server. */
#include <bulkhead/virtio_state.h>

#include "base/string.h"
#include "boot/virtio_devices.h"

enum {
    QUEUES_MOST = 8, /* devices/device.h */
    QUEUE_MAX_DEFAULT = 128,
    QUEUE_MAX_MOST = 32768,
    PARK_MS_DEFAULT = 10000,
    DISKS_MOST = 255,
    PORTS_MOST = 3,  /* of a console: with the two queues of control they need all that there are */
    HOST_CID = 2,    /* those up to it, and all ones, are nobody's (VIRTIO 1.2, 5.10.4) */
    LINES_MOST = 32, /* devices/gpio.h */
    FIRST_LINE_MOST = 65535,
    LINE_NAMES_MOST = 1024, /* bytes */
    BOUNCE_KB_DEFAULT = 4096,
    BOUNCE_KB_MOST = 262144,
    GRANTS_PAGES = 200, /* of buffers that a backend maps of a device at once; a request needs up to 133 */
    GRANTS_PER_REQUEST = 16 /* that a frontend makes: most have far fewer, some more */
};

#define COMMON                                                                                     \
    "compatible\0reg\0phandle\0linux,phandle\0status\0name\0bulkhead,class\0bulkhead,server\0"     \
    "bulkhead,buffers\0bulkhead,bounce-kb\0bulkhead,park-ms\0bulkhead,park-end\0bulkhead,queues\0" \
    "bulkhead,queue-max\0"

static const char block_names[] =
    COMMON "bulkhead,disk\0bulkhead,first-sector\0bulkhead,sectors\0bulkhead,read-only";
static const char net_names[] =
    COMMON "local-mac-address\0bulkhead,isolated\0bulkhead,any-source\0bulkhead,rate-kbit";
static const char console_names[] = COMMON "bulkhead,ports";
static const char entropy_names[] = COMMON;
static const char vsock_names[] = COMMON "bulkhead,guest-cid\0bulkhead,isolated";
static const char gpio_names[] = COMMON "bulkhead,gpio-lines\0gpio-line-names";

static const struct {
    const char *names;
    size_t size;
    uint32_t queues; /* at least, and if nothing is said */
} classes[NR_VIRTIO_CLASSES] = {
    [VIRTIO_BLOCK] = {block_names, sizeof(block_names), 1},
    [VIRTIO_NET] = {net_names, sizeof(net_names), 2},
    [VIRTIO_CONSOLE] = {console_names, sizeof(console_names), 2},
    [VIRTIO_ENTROPY] = {entropy_names, sizeof(entropy_names), 1},
    [VIRTIO_VSOCK] = {vsock_names, sizeof(vsock_names), 3},
    [VIRTIO_GPIO] = {gpio_names, sizeof(gpio_names), 2},
};

static bool read_class(struct planner *p, fdt_node_t node, enum virtio_class *class)
{
    const char *name = fdt_string(p->fdt, node, "bulkhead,class");

    for (uint32_t i = 0; name != NULL && i < NR_VIRTIO_CLASSES; i++) {
        if (strcmp(name, virtio_class_names[i]) == 0) {
            *class = (enum virtio_class)i;
            return true;
        }
    }
    error(p, node, "bulkhead,class", "must be block, net, console, entropy, vsock or gpio");
    return false;
}

static void read_reg(struct planner *p, struct virtio_draft *v)
{
    uint32_t address_cells, size_cells, at = 0;
    struct fdt_prop prop;
    uint64_t size = 0;

    fdt_cells(p->fdt, fdt_parent(p->fdt, v->node), &address_cells, &size_cells);
    if (address_cells - 1u > 1u || size_cells - 1u > 1u || !fdt_prop(p->fdt, v->node, "reg", &prop) ||
        prop.len != 4u * (address_cells + size_cells) || !fdt_number(&prop, &at, address_cells, &v->ipa) ||
        !fdt_number(&prop, &at, size_cells, &size)) {
        error(p, v->node, "reg", "must be one <guest-address size> in the cells of the node above");
    } else if (size != VIRTIO_SIZE || v->ipa % VIRTIO_SIZE != 0) {
        error(p, v->node, "reg", "0x%lx, size 0x%lx: a device has 0x%x bytes, at a multiple of that", v->ipa,
              size, VIRTIO_SIZE);
    } else if (v->ipa >= UINT64_C(1) << p->in->ipa_bits_max) {
        error(p, v->node, "reg", "guest address 0x%lx is above the CPU's %u bits", v->ipa,
              p->in->ipa_bits_max);
    }
}

static void read_block(struct planner *p, struct virtio_draft *v)
{
    struct virtio_parameters *q = &v->parameters;

    q->disk = (uint32_t)number_or(p, v->node, "bulkhead,disk", DISKS_MOST, 0);
    q->first_sector = number_or(p, v->node, "bulkhead,first-sector", UINT64_MAX, 0);
    q->sectors = number_or(p, v->node, "bulkhead,sectors", UINT64_MAX, 0);
    q->read_only = fdt_has(p->fdt, v->node, "bulkhead,read-only");
    if (q->sectors > UINT64_MAX - q->first_sector) {
        error(p, v->node, "bulkhead,sectors", "no disk reaches that far");
    }
}

/* The n-th of a domain is 52:42:48:00:domid:n if nothing is said: a locally administered address. */
static void read_net(struct planner *p, const struct draft *d, struct virtio_draft *v)
{
    struct virtio_parameters *q = &v->parameters;
    uint8_t mac[6] = {0x52, 0x42, 0x48, 0, (uint8_t)d->record->domid, 0}, any = 0;
    struct fdt_prop prop;

    for (uint32_t i = 0; i < p->nr_virtio; i++) {
        mac[5] = (uint8_t)(mac[5] +
                           (p->virtio[i].pair->frontend == d && p->virtio[i].parameters.class == VIRTIO_NET));
    }
    if (fdt_prop(p->fdt, v->node, "local-mac-address", &prop)) {
        for (uint32_t i = 0; prop.len == sizeof(mac) && i < sizeof(mac); i++) {
            mac[i] = prop.data[i];
            any |= mac[i];
        }
        if (any == 0 || mac[0] % 2u != 0) {
            error(p, v->node, "local-mac-address", "must be the six bytes of one station's address");
        }
    }
    memcpy(q->mac, mac, sizeof(mac));
    q->isolated = fdt_has(p->fdt, v->node, "bulkhead,isolated");
    q->any_source = fdt_has(p->fdt, v->node, "bulkhead,any-source");
    q->rate_kbit = (uint32_t)number_or(p, v->node, "bulkhead,rate-kbit", UINT32_MAX, 0);
}

static void read_console(struct planner *p, struct virtio_draft *v)
{
    v->parameters.ports = (uint32_t)number_or(p, v->node, "bulkhead,ports", PORTS_MOST, 1);
    if (v->parameters.ports == 0) {
        error(p, v->node, "bulkhead,ports", "must be 1 to %u", PORTS_MOST);
    }
}

static void read_vsock(struct planner *p, const struct draft *d, struct virtio_draft *v)
{
    struct virtio_parameters *q = &v->parameters;

    q->guest_cid = (uint32_t)number_or(p, v->node, "bulkhead,guest-cid", UINT32_MAX,
                                       HOST_CID + 1u + (uint64_t)d->record->domid);
    if (q->guest_cid <= HOST_CID || q->guest_cid == UINT32_MAX) {
        error(p, v->node, "bulkhead,guest-cid", "0x%x is reserved: 3 to 0xfffffffe", q->guest_cid);
    }
    q->isolated = fdt_has(p->fdt, v->node, "bulkhead,isolated");
}

/* The same name again, behind that at `at`. */
static bool named_again(const struct fdt_prop *names, uint32_t at)
{
    const char *name = (const char *)names->data + at;
    uint32_t other = at + (uint32_t)strlen(name) + 1u;

    while (name[0] != '\0' && other < names->len) {
        if (strcmp(name, (const char *)names->data + other) == 0) {
            return true;
        }
        other += (uint32_t)strlen((const char *)names->data + other) + 1u;
    }
    return false;
}

/* Told as they are written, so they have to be what the driver may be told (VIRTIO 1.2, 5.18.6.1). */
static bool line_names_fit(const struct fdt_prop *names, uint32_t lines)
{
    uint32_t nr = 0;

    if (names->len > LINE_NAMES_MOST || (names->len != 0 && names->data[names->len - 1u] != 0)) {
        return false;
    }
    for (uint32_t i = 0; i < names->len; i++) {
        if (names->data[i] != 0 && (names->data[i] < ' ' || names->data[i] > '~')) {
            return false;
        }
        nr += names->data[i] == 0;
    }
    for (uint32_t at = 0; at < names->len; at += (uint32_t)strlen((const char *)names->data + at) + 1u) {
        if (named_again(names, at)) {
            return false;
        }
    }
    return nr <= lines;
}

static void read_gpio(struct planner *p, struct virtio_draft *v)
{
    struct virtio_parameters *q = &v->parameters;
    struct fdt_prop lines, names;

    if (!fdt_prop(p->fdt, v->node, "bulkhead,gpio-lines", &lines) || lines.len != 8u ||
        !fdt_cell(&lines, 0, &q->first_line) || !fdt_cell(&lines, 1, &q->lines) ||
        q->first_line > FIRST_LINE_MOST || q->lines - 1u > LINES_MOST - 1u) {
        error(p, v->node, "bulkhead,gpio-lines", "must be <first count> with 1 to %u lines", LINES_MOST);
    } else if (fdt_prop(p->fdt, v->node, "gpio-line-names", &names)) {
        if (!line_names_fit(&names, q->lines)) {
            error(p, v->node, "gpio-line-names", "must be at most %u different texts, %u bytes of ASCII",
                  q->lines, LINE_NAMES_MOST);
        }
        q->line_names = names.data;
        q->line_names_size = names.len;
    }
}

static void read_queues(struct planner *p, struct virtio_draft *v)
{
    uint32_t least = classes[v->parameters.class].queues, ports = v->parameters.ports;

    if (ports > 1u) { /* each has two, and so has their control (VIRTIO 1.2, 5.3.2) */
        least = 2u * ports + 2u;
    }
    v->queues = (uint32_t)number_or(p, v->node, "bulkhead,queues", QUEUES_MOST, least);
    if (v->queues < least) {
        error(p, v->node, "bulkhead,queues", "%u: the device needs %u", v->queues, least);
    }
    v->queue_max = (uint32_t)number_or(p, v->node, "bulkhead,queue-max", QUEUE_MAX_MOST, QUEUE_MAX_DEFAULT);
    if (v->queue_max < 2u || (v->queue_max & (v->queue_max - 1u)) != 0) {
        error(p, v->node, "bulkhead,queue-max", "must be a power of two from 2 to %u", QUEUE_MAX_MOST);
    }
    v->state_size = align_up(BH_VIRTIO_STATE_BYTES((uint64_t)v->queues, v->queue_max), PAGE_SIZE);
}

static void read_park(struct planner *p, struct virtio_draft *v)
{
    const char *end = fdt_string(p->fdt, v->node, "bulkhead,park-end");

    v->park_ms = (uint32_t)number_or(p, v->node, "bulkhead,park-ms", UINT32_MAX, PARK_MS_DEFAULT);
    v->park_ones = end != NULL && strcmp(end, "ones") == 0;
    if (fdt_has(p->fdt, v->node, "bulkhead,park-end") && !v->park_ones &&
        (end == NULL || strcmp(end, "abort") != 0)) {
        error(p, v->node, "bulkhead,park-end", "must be \"abort\" or \"ones\"");
    }
}

/* Pages of an area of a queue, wherever it begins. */
static uint32_t area_pages(uint32_t bytes)
{
    return bytes / (uint32_t)PAGE_SIZE + 2u;
}

/* The rings stay mapped, buffers come and go. */
static void size_grants(struct virtio_draft *v)
{
    uint32_t rings = area_pages(16u * v->queue_max) + area_pages(2u * v->queue_max + 6u) +
                     area_pages(8u * v->queue_max + 6u);

    v->grants_size = (uint64_t)(v->queues * rings + GRANTS_PAGES) * PAGE_SIZE;
    v->grant_entries = v->queues * (rings + v->queue_max * GRANTS_PER_REQUEST);
}

/* There is no default: it says what the backend may see. */
static void read_buffers(struct planner *p, struct virtio_draft *v)
{
    const char *buffers = fdt_string(p->fdt, v->node, "bulkhead,buffers");
    uint64_t kib = number_or(p, v->node, "bulkhead,bounce-kb", BOUNCE_KB_MOST, BOUNCE_KB_DEFAULT);

    while (buffers != NULL && v->buffers < NR_VIRTIO_BUFFERS &&
           strcmp(buffers, virtio_buffers_names[v->buffers]) != 0) {
        v->buffers++;
    }
    if (buffers == NULL || v->buffers == NR_VIRTIO_BUFFERS) {
        error(p, v->node, "bulkhead,buffers",
              "must be \"all\", \"bounce\" or \"grants\": which memory of the domain the backend sees");
    } else if (v->buffers == BUFFERS_BOUNCE) {
        v->pool_size = kib * 1024u;
        if (kib == 0 || kib % 4u != 0) {
            error(p, v->node, "bulkhead,bounce-kb", "%lu KiB is not a number of 4 KiB pages", kib);
        }
    } else if (fdt_has(p->fdt, v->node, "bulkhead,bounce-kb")) {
        error(p, v->node, "bulkhead,bounce-kb", "only goes with bulkhead,buffers = \"bounce\"");
    } else if (v->buffers == BUFFERS_GRANTS) {
        size_grants(v);
    }
}

bool virtio_read_device(struct planner *p, const struct draft *d, struct virtio_draft *v)
{
    uint32_t errors = p->report->errors;
    enum virtio_class class;

    if (!read_class(p, v->node, &class)) {
        return false;
    }
    v->parameters.class = class;
    known_only_in(p, v->node, classes[class].names, classes[class].size);
    read_reg(p, v);
    if (class == VIRTIO_BLOCK) {
        read_block(p, v);
    } else if (class == VIRTIO_NET) {
        read_net(p, d, v);
    } else if (class == VIRTIO_CONSOLE) {
        read_console(p, v);
    } else if (class == VIRTIO_VSOCK) {
        read_vsock(p, d, v);
    } else if (class == VIRTIO_GPIO) {
        read_gpio(p, v);
    }
    read_queues(p, v);
    read_park(p, v);
    read_buffers(p, v);
    return p->report->errors == errors;
}
