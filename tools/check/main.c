/* SPDX-License-Identifier: Apache-2.0 */
/* bulkhead-check: reads a host device tree by the hypervisor's own rules, before anything boots. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char usage[] =
    "usage: bulkhead-check check [options] FILE.dtb|FILE.dts\n"
    "       bulkhead-check map [options] FILE.dtb|FILE.dts\n"
    "\n"
    "check  applies the hypervisor's rules to the description, reports every problem\n"
    "       (with file and line for a .dts) and prints the partition table\n"
    "map    draws the same as an SVG picture\n"
    "\n"
    "  --module ADDRESS=FILE  the boot loader puts FILE at ADDRESS: rules about the content\n"
    "                         of kernels and partial device trees are applied too\n"
    "  --image ADDRESS,SIZE   where the hypervisor lies, its bss included (default: not known)\n"
    "  --blob ADDRESS         where the host device tree lies (default: not known)\n"
    "  --spis N               SPIs of the board's interrupt controller (default 256)\n"
    "  --ipa-bits N           largest guest address size of its CPUs (default 40)\n"
    "  -o FILE                output (default: standard output)\n"
    "  -q, --quiet            no notes\n"
    "\n"
    "Exit status: 0 the description is good, 1 it has errors, 2 the command cannot be run.\n";

struct options {
    const char *verb, *input, *output;
};

static void fail(const char *what, const char *about)
{
    fprintf(stderr, "bulkhead-check: %s%s%s (--help tells more)\n", what, *about != '\0' ? ": " : "", about);
    exit(2);
}

static uint64_t number(const char *text, const char **end)
{
    char *stop;
    uint64_t value;

    errno = 0;
    value = strtoull(text, &stop, 0);
    if (errno != 0 || stop == text || *text == '-' || (end == NULL && *stop != '\0')) {
        fail("not a number", text);
    }
    if (end != NULL) {
        *end = stop;
    }
    return value;
}

static uint32_t number_in(const char *text, uint32_t low, uint32_t high)
{
    uint64_t value = number(text, NULL);

    if (value < low || value > high) {
        fail("out of range", text);
    }
    return (uint32_t)value;
}

static void add_module(struct check *check, const char *text)
{
    struct module_file *file = &check->modules[check->nr_modules];
    const char *rest;
    uint64_t pa = number(text, &rest);

    if (*rest != '=') {
        fail("--module is ADDRESS=FILE", text);
    }
    if (check->nr_modules == MAX_MODULE_FILES) {
        fail("too many modules", "");
    }
    file->pa = pa;
    file->name = rest + 1;
    file->data = read_file(rest + 1, &file->size);
    if (file->data == NULL) {
        exit(2);
    }
    check->nr_modules++;
}

static void set_image(struct check *check, const char *text)
{
    const char *rest;

    check->image_pa = number(text, &rest);
    if (*rest != ',') {
        fail("--image is ADDRESS,SIZE", text);
    }
    check->image_size = number(rest + 1, NULL);
}

/* An option with a value; false if there is no such option. */
static bool take_option(struct check *check, struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--module") == 0) {
        add_module(check, value);
    } else if (strcmp(name, "--image") == 0) {
        set_image(check, value);
    } else if (strcmp(name, "--blob") == 0) {
        check->blob_pa = number(value, NULL);
    } else if (strcmp(name, "--spis") == 0) {
        check->host_spis = number_in(value, 32, 988);
    } else if (strcmp(name, "--ipa-bits") == 0) {
        check->ipa_bits = number_in(value, 32, 48);
    } else if (strcmp(name, "-o") == 0) {
        options->output = value;
    } else {
        return false;
    }
    return true;
}

static void take_arguments(struct check *check, struct options *options, int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (strcmp(argv[i], "-q") == 0 || strcmp(argv[i], "--quiet") == 0) {
            check->quiet = true;
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            if (i + 1 >= argc || !take_option(check, options, argv[i], argv[i + 1])) {
                fail(i + 1 < argc ? "unknown option" : "unknown option or value missing", argv[i]);
            }
            i++;
        } else if (options->verb == NULL) {
            options->verb = argv[i];
        } else if (options->input == NULL) {
            options->input = argv[i];
        } else {
            fail("one device tree at a time", argv[i]);
        }
    }
    if (options->verb == NULL || (strcmp(options->verb, "check") != 0 && strcmp(options->verb, "map") != 0)) {
        fail("the first argument is check or map", "");
    }
    if (options->input == NULL) {
        fail("a device tree is missing", "");
    }
}

int main(int argc, char **argv)
{
    static struct check check = {.host_spis = 256, .ipa_bits = 40};
    struct options options = {0};
    FILE *out = stdout;
    bool good;

    take_arguments(&check, &options, argc, argv);
    if (!source_read(&check.source, options.input)) {
        return 2;
    }
    good = check_run(&check);
    if (good) {
        if (options.output != NULL && (out = fopen(options.output, "w")) == NULL) {
            fail(strerror(errno), options.output);
        }
        if (strcmp(options.verb, "map") == 0) {
            print_svg(&check, out);
        } else {
            print_table(&check, out);
        }
        if (fflush(out) != 0 || ferror(out)) {
            fail("cannot write", options.output != NULL ? options.output : "standard output");
        }
    }
    if (check.report.errors + check.report.warnings != 0) {
        fprintf(stderr, "%s: %u errors, %u warnings\n", options.input, check.report.errors,
                check.report.warnings);
    }
    while (check.nr_modules > 0) {
        free(check.modules[--check.nr_modules].data);
    }
    free(check.peeked);
    free(check.arena.base);
    source_free(&check.source);
    return good ? 0 : 1;
}
