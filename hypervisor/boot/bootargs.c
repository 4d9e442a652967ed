/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's command line, as Xen finds it, and Xen's options in it. */
#include "base/string.h"
#include "boot/planner.h"

const char *plan_command_line(const struct fdt *fdt)
{
    fdt_node_t chosen = fdt->chosen;
    const char *line;

    if (chosen == FDT_NONE) {
        return NULL;
    }
    line = fdt_string(fdt, chosen, "xen,xen-bootargs");
    if (line != NULL) {
        return line;
    }
    /* Only if dom0's arguments are somewhere else, bootargs are ours. */
    if (fdt_has(fdt, chosen, "xen,dom0-bootargs")) {
        return fdt_string(fdt, chosen, "bootargs");
    }
    for_each_child (fdt, chosen, child) {
        if (is_module(fdt, child) && fdt_has(fdt, child, "bootargs")) {
            return fdt_string(fdt, chosen, "bootargs");
        }
    }
    return NULL;
}

/* The word at *line without its spaces; *line moves behind it. Length 0 at the end. */
static size_t next_word(const char **line, const char **word)
{
    size_t n = 0;

    while (**line == ' ') {
        ++*line;
    }
    *word = *line;
    while ((*word)[n] != ' ' && (*word)[n] != '\0') {
        n++;
    }
    *line += n;
    return n;
}

/* True if the word is the option, alone or with a value. */
static bool word_is(const char *word, size_t n, const char *name)
{
    size_t len = strlen(name);

    return n >= len && strncmp(word, name, len) == 0 && (n == len || word[len] == '=');
}

bool plan_argument(const char *line, const char *name, char *value, size_t size)
{
    const char *word;
    size_t n, skip = strlen(name) + 1u, i;
    bool found = false;

    while (line != NULL && (n = next_word(&line, &word)) > 0) {
        if (word_is(word, n, name)) {
            for (i = 0; skip + i < n && i + 1u < size; i++) {
                value[i] = word[skip + i];
            }
            value[i] = '\0';
            found = true; /* the last one counts */
        }
    }
    return found;
}

/* Options of Xen that are honoured, and those whose absence changes nothing that a domain could tell. */
static const char honoured[] = "dtuart\0dom0_mem\0dom0_max_vcpus\0ext_regions";
static const char harmless[] =
    "console\0bootscrub\0sched\0vwfi\0loglvl\0guest_loglvl\0conswitch\0sync_console\0"
    "xsm\0iommu\0hmp-unsafe\0noreboot\0watchdog\0flask\0serrors\0"
    "gnttab\0spec-ctrl\0com1\0badpage";

void bootargs_check(struct planner *p)
{
    const char *line = plan_command_line(p->fdt), *word;
    char name[48];
    size_t n, i;

    while (line != NULL && (n = next_word(&line, &word)) > 0) {
        for (i = 0; i < n && word[i] != '=' && i < sizeof(name) - 1u; i++) {
            name[i] = word[i];
        }
        name[i] = '\0';
        if (!IN_LIST(honoured, name)) {
            complain(p, IN_LIST(harmless, name) ? REPORT_NOTE : REPORT_WARNING, p->chosen, "xen,xen-bootargs",
                     "%s has no effect", name);
        }
    }
}
