// SPDX-License-Identifier: Apache-2.0
/* GPIO lines by Linux's character device.
 *   gpio info                says what there is: "GPIO lines N", "GPIO line N NAME"
 *   gpio drive LINE VALUE... drives a line so, one value after the other, and holds it until a line of input
 *                            has come after each: "GPIO line N is VALUE"
 *   gpio watch LINE COUNT    waits for rising edges: "GPIO line N rose N times", one line each
 * Whatever fails: "GPIO failed WHERE ERRNO". */
#include "../../channels/user.h"

/* linux/gpio.h, version 2 of its interface. */
enum { LINE_INPUT = 1 << 2, LINE_OUTPUT = 1 << 3, EDGE_RISING = 1 << 4, OUTPUT_VALUES = 2 };
#define GET_CHIPINFO    0x8044b401l
#define GET_LINEINFO    0xc100b405l
#define GET_LINE        0xc250b407l
#define LINE_GET_VALUES 0xc010b40el
#define LINE_SET_VALUES 0xc010b40fl

struct chip_info {
    char name[32], label[32];
    uint32_t lines;
};
struct line_info {
    char name[32], consumer[32];
    uint32_t offset, nr_attributes;
    uint64_t flags, attributes[20];
    uint32_t zero[4];
};
struct line_request {
    uint32_t offsets[64];
    char consumer[32];
    uint64_t flags;
    uint32_t nr_attributes, zero_config[5];
    struct {
        uint32_t id, zero;
        uint64_t value, mask;
    } attributes[10];
    uint32_t nr_lines, buffer_size, zero[5];
    int32_t fd;
};
struct line_values {
    uint64_t bits, mask;
};
struct line_event {
    uint64_t when;
    uint32_t id, offset, number, line_number, zero[6];
};
_Static_assert(sizeof(struct chip_info) == 0x44 && sizeof(struct line_info) == 0x100 &&
                   sizeof(struct line_request) == 0x250 && sizeof(struct line_event) == 48,
               "linux/gpio.h");

static long chip;

static void put(char *line, size_t *n, const char *text)
{
    while (*text != '\0') {
        line[(*n)++] = *text++;
    }
}

static void put_number(char *line, size_t *n, unsigned long value)
{
    char digits[20];
    unsigned d = 0;

    do {
        digits[d++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (d != 0) {
        line[(*n)++] = digits[--d];
    }
}

static void say(const char *a, unsigned long number, const char *b, unsigned long second, const char *c)
{
    char line[200];
    size_t n = 0;

    put(line, &n, a);
    put_number(line, &n, number);
    put(line, &n, b);
    if (second != ~0ul) {
        put_number(line, &n, second);
    }
    put(line, &n, c);
    put(line, &n, "\n");
    sys_write(1, line, n);
}

static long must(const char *where, long result)
{
    if (result < 0) {
        say("GPIO failed ", 0, where, (unsigned long)-result, "");
        sys_exit(1);
    }
    return result;
}

static long control(const char *where, long fd, long request, void *argument)
{
    return must(where, call6(29, fd, request, (long)argument, 0, 0, 0));
}

static unsigned number(const char *text)
{
    unsigned value = 0;

    while (*text >= '0' && *text <= '9') {
        value = value * 10 + (unsigned)(*text++ - '0');
    }
    return value;
}

static void info(void)
{
    struct chip_info it;

    control(" chip ", chip, GET_CHIPINFO, &it);
    say("GPIO lines ", it.lines, "", ~0ul, "");
    for (unsigned i = 0; i < it.lines; i++) {
        struct line_info line = {.offset = i};

        control(" info ", chip, GET_LINEINFO, &line);
        say("GPIO line ", i, " ", ~0ul, line.name);
    }
}

static long take(unsigned line, uint64_t flags, unsigned value)
{
    static struct line_request request;

    request.offsets[0] = line;
    request.consumer[0] = 't';
    request.flags = flags;
    request.nr_lines = 1;
    if ((flags & LINE_OUTPUT) != 0) {
        request.nr_attributes = 1;
        request.attributes[0].id = OUTPUT_VALUES;
        request.attributes[0].value = value;
        request.attributes[0].mask = 1;
    }
    control(" request ", chip, GET_LINE, &request);
    return request.fd;
}

static void drive(unsigned line, char **values)
{
    long fd = take(line, LINE_OUTPUT, number(values[0]));
    char input[64];

    for (unsigned i = 0; values[i] != NULL; i++) {
        struct line_values v = {number(values[i]), 1};

        control(" set ", fd, LINE_SET_VALUES, &v);
        v.bits = 0;
        control(" get ", fd, LINE_GET_VALUES, &v);
        say("GPIO line ", line, " is ", v.bits & 1, "");
        must(" input ", sys_read(0, input, sizeof input));
    }
    sys_close(fd);
}

static void watch(unsigned line, unsigned count)
{
    long fd = take(line, LINE_INPUT | EDGE_RISING, 0);

    say("GPIO line ", line, " is watched", ~0ul, "");
    for (unsigned i = 1; i <= count; i++) {
        struct line_event event;

        must(" event ", sys_read(fd, &event, sizeof event));
        say("GPIO line ", event.offset, " rose ", i, " times");
    }
    sys_close(fd);
}

__attribute__((used)) static void begin(long *stack)
{
    long count = *stack;
    char **arguments = (char **)(stack + 1);

    chip = must(" open ", sys_open("/dev/gpiochip0", O_RDWR));
    if (count >= 4 && arguments[1][0] == 'd') {
        drive(number(arguments[2]), arguments + 3);
    } else if (count >= 4 && arguments[1][0] == 'w') {
        watch(number(arguments[2]), number(arguments[3]));
    } else {
        info();
    }
    sys_exit(0);
}

__asm__(".globl _start\n_start: mov x0, sp\n\tb begin\n");
