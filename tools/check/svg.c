/* SPDX-License-Identifier: Apache-2.0 */
/* The partition table as a picture: host memory on the left, domains in the middle, processors on the right;
 * bands join a domain to the memory and the processors that it has. Memory is not to scale: heights grow with
 * the logarithm. */
#include <inttypes.h>
#include <string.h>

#include "check.h"

enum {
    WIDTH = 1080,
    TOP = 70,
    MEMORY_X = 130,
    MEMORY_W = 190,
    CARD_X = 440,
    CARD_W = 310,
    CPU_X = 880,
    CPU_W = 170,
    LINE = 18,
    GAP = 22,
    MAX_EXTENTS = 1024,
    CARD_CHARS = 34,
    MAX_SHOWN = 4,
};

static const char *const colours[] = {"#4e79a7", "#f28e2b", "#59a14f", "#b07aa1",
                                      "#e15759", "#76b7b2", "#9c755f", "#edc948"};

static const char *colour_of(int owner)
{
    if (owner >= 0) {
        return colours[(unsigned)owner % ARRAY_SIZE(colours)];
    }
    switch (owner) {
    case OWNER_HYPERVISOR:
        return "#333333";
    case OWNER_NONE:
        return "#f4f4f4";
    case OWNER_SHARED:
        return "#ffe08a";
    default:
        return "#c8c8c8";
    }
}

static void put_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc((unsigned char)*text < 32 ? '?' : *text, out);
            break;
        }
    }
}

static void put_text(FILE *out, int x, int y, const char *class, const char *text)
{
    fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
    put_escaped(out, text);
    fputs("</text>\n", out);
}

static void put_box(FILE *out, int x, int y, int w, int h, const char *fill, const char *stroke)
{
    fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\" fill=\"%s\" stroke=\"%s\"/>\n",
            x, y, w, h, fill, stroke);
}

/* A curved line from the right edge of one box to the left edge of another. */
static void put_link(FILE *out, int x1, int y1, int x2, int y2, const char *colour)
{
    int middle = (x1 + x2) / 2;

    fprintf(out,
            "<path d=\"M%d %dC%d %d %d %d %d %d\" fill=\"none\" stroke=\"%s\" stroke-width=\"3\" "
            "stroke-opacity=\"0.6\"/>\n",
            x1, y1, middle, y1, middle, y2, x2, y2, colour);
}

static void size_text(uint64_t bytes, char *buf, size_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes / 1024.0;
    unsigned unit = 0;

    while (value >= 1024.0 && unit + 1u < ARRAY_SIZE(units)) {
        value /= 1024.0;
        unit++;
    }
    snprintf(buf, size, value >= 10.0 || value == (double)(int)value ? "%.0f %s" : "%.1f %s", value,
             units[unit]);
}

static int height_of(uint64_t bytes)
{
    int height = 24;

    for (bytes /= MIB(1); bytes > 1 && height < 96; bytes /= 2) {
        height += 7;
    }
    return height;
}

/* The lines of a domain's card are made twice: once to count them. */
struct card {
    FILE *out; /* NULL while counting */
    int x, y, lines;
};

static void put_line(struct card *card, const char *class, const char *text)
{
    if (card->out != NULL) {
        put_text(card->out, card->x, card->y + LINE * card->lines, class, text);
    }
    card->lines++;
}

/* As many characters of a path as fit into a card: its end tells more than its beginning. */
static const char *tail_of(const char *path)
{
    size_t len = strlen(path);

    return len > CARD_CHARS ? path + len - CARD_CHARS : path;
}

static void put_devices(const struct check *check, const struct domain_record *record, struct card *card)
{
    fdt_node_t node = FDT_NONE;
    unsigned shown = 0, hidden = 0;
    struct reach reach;
    char line[320];

    while (next_reach(check, record, &node, &reach)) {
        if (reach.nr_irqs == 0 && shown >= MAX_SHOWN) {
            hidden++;
            continue;
        }
        if (reach.nr_irqs != 0) {
            snprintf(line, sizeof(line), "%s, irq %u", tail_of(reach.path), reach.irqs[0]);
        } else {
            snprintf(line, sizeof(line), "%s", tail_of(reach.path));
        }
        put_line(card, "body", line);
        shown++;
    }
    if (hidden != 0) {
        snprintf(line, sizeof(line), "and %u more in the same pages", hidden);
        put_line(card, "body", line);
    }
}

/* Memory by its name, once for the two directions of a channel; ports by the other end. */
static void put_shared(const struct check *check, const struct domain_record *record, struct card *card)
{
    const char *last = "";
    char line[200];
    uint32_t i;

    for (i = 0; i < record->nr_maps; i++) {
        const char *name = shared_name(check, record->maps[i].pa.v);

        if (shared_map(record, record->maps[i].pa.v) == &record->maps[i] && strcmp(name, last) != 0) {
            snprintf(line, sizeof(line), "%s%s",
                     fdt_compatible(&check->fdt, shared_node(check, record->maps[i].pa.v), "bulkhead,channel")
                         ? "channel "
                     : record->maps[i].kind == MAP_SHARED ? "writes "
                                                          : "reads ",
                     name);
            put_line(card, "body", line);
            last = name;
        }
    }
    for (i = 0; i < record->nr_static_ports; i++) {
        const struct domain_port *port = &record->static_ports[i];

        if (port->peer_port != 0) {
            snprintf(line, sizeof(line), "event %u to %s", port->port, domain_of(check, port->peer)->name);
            put_line(card, "body", line);
        }
    }
}

/* Devices that others serve, and what it sees of those that it serves. */
static void put_virtio(const struct check *check, const struct domain_record *record, struct card *card)
{
    char line[200], size[32];
    uint32_t i;

    for (i = 0; i < record->nr_ioreq_ranges; i++) {
        snprintf(line, sizeof(line), "served by %s: %s",
                 domain_of(check, record->servers[record->ioreq_ranges[i].server].backend)->name,
                 fdt_name(&check->fdt, virtio_node(check, record, i)));
        put_line(card, "body", line);
    }
    for (i = 0; i < record->nr_frontends; i++) {
        const struct domain_frontend *f = &record->frontends[i];

        snprintf(line, sizeof(line), "sees RAM of %s: %s", domain_of(check, f->domid)->name,
                 amount(virtio_seen(record, f), size));
        put_line(card, "body", line);
    }
}

static void put_body(const struct check *check, const struct domain_record *record, struct card *card)
{
    char line[260];

    snprintf(line, sizeof(line), "%u vCPU%s%s%s", record->nr_vcpus, record->nr_vcpus == 1 ? "" : "s",
             (record->flags & DOMAIN_VPL011) != 0 ? ", console" : "",
             (record->flags & DOMAIN_DIRECT_MAP) != 0 ? ", direct-map" : "");
    put_line(card, "body", line);
    put_line(card, "body",
             record->restart == RESTART_NEVER    ? "never restarted"
             : record->restart == RESTART_ALWAYS ? "restarted always"
                                                 : "restarted within limits");
    put_devices(check, record, card);
    put_shared(check, record, card);
    put_virtio(check, record, card);
    if ((record->flags & DOMAIN_HARDWARE) != 0) {
        put_line(card, "body", "every device that nobody else has");
    }
    if (record->nr_smc_ranges != 0) {
        put_line(card, "alarm", "may call firmware");
    }
    if ((record->flags & DOMAIN_DMA_UNPROTECTED) != 0) {
        put_line(card, "alarm", "unprotected DMA: reaches all RAM");
    }
}

static int card_height(const struct check *check, const struct domain_record *record)
{
    struct card card = {0};

    put_body(check, record, &card);
    return 36 + LINE * card.lines;
}

static void put_card(const struct check *check, uint32_t index, int y, FILE *out)
{
    const struct domain_record *record = check->plan.records[index];
    struct card card = {.out = out, .x = CARD_X + 18, .y = y + 42};
    char title[80];

    put_box(out, CARD_X, y, CARD_W, card_height(check, record), "#ffffff", colour_of((int)index));
    fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"8\" height=\"%d\" rx=\"3\" fill=\"%s\"/>\n", CARD_X, y,
            card_height(check, record), colour_of((int)index));
    snprintf(title, sizeof(title), "domain %u: %s", record->domid, record->name);
    put_text(out, CARD_X + 18, y + 22, "title", title);
    put_body(check, record, &card);
}

static void put_memory(const struct extent *extent, int y, FILE *out)
{
    char size[32], line[100];

    put_box(out, MEMORY_X, y, MEMORY_W, height_of(extent->size), colour_of(extent->owner), "#888888");
    snprintf(line, sizeof(line), "0x%" PRIx64, extent->base);
    put_text(out, MEMORY_X - 10, y + 15, "address", line);
    size_text(extent->size, size, sizeof(size));
    snprintf(line, sizeof(line), "%.16s  %s", extent->what, size);
    put_text(out, MEMORY_X + 10, y + 16,
             extent->owner >= 0 || extent->owner == OWNER_HYPERVISOR ? "light" : "body", line);
}

static int cpu_y(uint32_t cpu)
{
    return TOP + 64 * (int)cpu;
}

static void link_owners(const struct check *check, const struct extent *extent, int y, const int *card_y,
                        FILE *out)
{
    uint32_t i;

    for (i = 0; i < check->plan.nr_domains; i++) {
        if (extent->owner == (int)i ||
            (extent->owner == OWNER_SHARED && shared_map(check->plan.records[i], extent->base) != NULL)) {
            put_link(out, MEMORY_X + MEMORY_W, y, CARD_X, card_y[i] + 20, colour_of((int)i));
        }
    }
}

/* Draws memory with its links to the cards, or only measures: returns the y below. */
static int memory_column(const struct check *check, const struct extent *extents, size_t count,
                         const int *card_y, FILE *out)
{
    int y = TOP;
    size_t i;

    for (i = 0; i < count; i++) {
        if (i > 0 && extents[i - 1].base + extents[i - 1].size != extents[i].base) {
            y += GAP; /* another bank */
        }
        if (out != NULL) {
            put_memory(&extents[i], y, out);
            link_owners(check, &extents[i], y + height_of(extents[i].size) / 2, card_y, out);
        }
        y += height_of(extents[i].size) + 2;
    }
    return y;
}

static void processors(const struct check *check, const int *card_y, FILE *out)
{
    uint32_t cpu, i, k;

    for (cpu = 0; cpu < check->host.nr_cpus; cpu++) {
        char line[64];
        int used = 0;

        put_box(out, CPU_X, cpu_y(cpu), CPU_W, 52, "#ffffff", "#888888");
        snprintf(line, sizeof(line), "pCPU %u", cpu);
        put_text(out, CPU_X + 12, cpu_y(cpu) + 20, "title", line);
        for (i = 0; i < check->plan.nr_domains; i++) {
            const struct domain_record *record = check->plan.records[i];

            for (k = 0; k < record->nr_vcpus; k++) {
                if (record->vcpus[k].pcpu == cpu) {
                    put_link(out, CARD_X + CARD_W, card_y[i] + 30, CPU_X, cpu_y(cpu) + 26, colour_of((int)i));
                    fprintf(out, "<circle cx=\"%d\" cy=\"%d\" r=\"7\" fill=\"%s\"/>\n",
                            CPU_X + 20 + 20 * used++, cpu_y(cpu) + 36, colour_of((int)i));
                }
            }
        }
        if (used == 0) {
            put_text(out, CPU_X + 12, cpu_y(cpu) + 40, "body", "idle");
        }
    }
}

static void put_head(FILE *out, int height)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\">\n"
            "<style>.title{font-size:15px;font-weight:bold;fill:#222}.body{font-size:13px;fill:#333}"
            ".light{font-size:13px;fill:#fff}.alarm{font-size:13px;fill:#b00020;font-weight:bold}"
            ".address{font-size:12px;fill:#555;text-anchor:end;font-family:monospace}"
            ".head{font-size:16px;font-weight:bold;fill:#444}</style>\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
            WIDTH, height, WIDTH, height);
    put_text(out, MEMORY_X, 42, "head", "host memory");
    put_text(out, CARD_X, 42, "head", "domains");
    put_text(out, CPU_X, 42, "head", "processors");
}

void print_svg(const struct check *check, FILE *out)
{
    static struct extent extents[MAX_EXTENTS];
    size_t count = check_extents(check, extents, MAX_EXTENTS);
    int card_y[MAX_DOMAINS] = {0}, y = TOP, height;
    uint32_t i;

    for (i = 0; i < check->plan.nr_domains; i++) {
        card_y[i] = y;
        y += card_height(check, check->plan.records[i]) + GAP;
    }
    height = memory_column(check, extents, count, card_y, NULL);
    height = y > height ? y : height;
    height = cpu_y(check->host.nr_cpus) > height ? cpu_y(check->host.nr_cpus) : height;
    put_head(out, height + 20);
    (void)memory_column(check, extents, count, card_y, out);
    processors(check, card_y, out);
    for (i = 0; i < check->plan.nr_domains; i++) {
        put_card(check, i, card_y[i], out);
    }
    fputs("</svg>\n", out);
}
