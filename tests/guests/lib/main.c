// SPDX-License-Identifier: Apache-2.0
/* Runs the tests that bootargs name and prints one line for each; see guest.h. */
#include "gic.h"
#include "guest.h"

extern const struct test _tests_start[], _tests_end[];
static const char *current;
static volatile uint32_t failures;
static bool skipped;
static uint32_t passed, failed, skips;

void test_fail(const char *format, ...)
{
    va_list ap;
    /* A broken guest would otherwise fill the log. */
    if (__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED) > 20) {
        return;
    }
    static char composed[200];
    static struct lock l;
    lock(&l);
    size_t n = 0;
    for (const char *p = format; *p && n < sizeof(composed) - 2; p++) {
        composed[n++] = *p;
    }
    composed[n++] = '\n';
    composed[n] = 0;
    print("FAIL %s: ", current);
    va_start(ap, format);
    vprint(composed, ap);
    va_end(ap);
    unlock(&l);
}

void test_skip(const char *format, ...)
{
    va_list ap;
    skipped = true;
    print("SKIP %s: ", current);
    va_start(ap, format);
    vprint(format, ap);
    va_end(ap);
    print("\n");
}

bool test_failed(void)
{
    return failures != 0;
}

void test_figure(const char *name, uint64_t value)
{
    print("FIG %s.%s %lu\n", current, name, value);
}

static void run(const struct test *test)
{
    current = test->name;
    failures = 0;
    skipped = false;
    gic_reset_for_test();
    test->fn();
    irq_off();
    if (failures) {
        failed++;
    } else if (skipped) {
        skips++;
    } else {
        passed++;
        print("PASS %s\n", current);
    }
}

static void run_named(const char *name)
{
    for (const struct test *t = _tests_start; t < _tests_end; t++) {
        if (strcmp(t->name, name) == 0) {
            run(t);
            return;
        }
    }
    print("FAIL %s: no such test\n", name);
    failed++;
}

static void run_list(void)
{
    static char list[1200];
    if (!arg_string("test", list, sizeof(list))) {
        print("FAIL bootargs: no test= in '%s'\n", bootargs());
        failed++;
        return;
    }
    char *p = list;
    while (*p) {
        char *end = p;
        while (*end && *end != ',') {
            end++;
        }
        bool last = *end == 0;
        *end = 0;
        run_named(p);
        p = last ? end : end + 1;
    }
}

void guest_main(void);
void guest_main(void)
{
    smp_init();
    console_init();
    psci_init();
    gic_init();
    gic_cpu_init();
    print("GUEST start cpus=%u gic=%u\n", cpu_count, gic.version);
    run_list();
    print("DONE passed=%u failed=%u skipped=%u\n", passed, failed, skips);
    if (arg_is("end", "reset")) {
        system_reset();
    }
    if (arg_is("end", "wait")) {
        irq_off();
        for (;;) {
            wfi();
        }
    }
    system_off();
}
