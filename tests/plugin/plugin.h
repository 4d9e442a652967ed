/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins use of QEMU's plugin API (version 4, QEMU 9.2 and later): Debian has no qemu-plugin.h. */
#ifndef TESTS_PLUGIN_H
#define TESTS_PLUGIN_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT     __attribute__((visibility("default")))
#define YIELD      0xd503203fu
#define CB_NO_REGS 0
#define CB_R_REGS  1
#define MEM_WRITE  2

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;
typedef struct {
    uint8_t *data;
    unsigned len;
} byte_array; /* GLib's GByteArray and GArray */
struct register_name {
    void *handle;
    const char *name, *feature;
};
typedef struct {
    int type;
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        struct {
            uint64_t low, high;
        } u128;
    } data;
} qemu_plugin_mem_value;

void qemu_plugin_reset(plugin_id id, void (*cb)(plugin_id));
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*cb)(unsigned, void *),
                                            int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
                                      void (*cb)(unsigned, uint32_t, uint64_t, void *), int flags, int rw,
                                      void *data);
void qemu_plugin_register_vcpu_init_cb(plugin_id id, void (*cb)(plugin_id, unsigned));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned, void *), int flags,
                                          void *data);
byte_array *qemu_plugin_get_registers(void);
int qemu_plugin_read_register(void *handle, byte_array *to);
byte_array *g_byte_array_new(void);
byte_array *g_byte_array_set_size(byte_array *array, unsigned length);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*cb)(plugin_id, void *), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t length);
qemu_plugin_mem_value qemu_plugin_mem_get_value(uint32_t info);

/* The register's handle, or NULL; when a vCPU begins. */
static inline void *plugin_register(const char *name)
{
    const byte_array *all = qemu_plugin_get_registers();
    const struct register_name *names = (const struct register_name *)(void *)all->data;
    unsigned i = 0;

    while (i < all->len && strcmp(names[i].name, name) != 0) {
        i++;
    }
    return i < all->len ? names[i].handle : NULL;
}

/* A register of 64 bits, from a callback that may read them; 0: it cannot be read. */
static inline uint64_t plugin_read(void *handle)
{
    static byte_array *bytes;
    uint64_t value = 0;

    bytes = bytes == NULL ? g_byte_array_new() : bytes;
    g_byte_array_set_size(bytes, 0);
    if (handle != NULL && qemu_plugin_read_register(handle, bytes) == sizeof(value)) {
        memcpy(&value, bytes->data, sizeof(value));
    }
    return value;
}

EXPORT extern int qemu_plugin_version;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

#endif
