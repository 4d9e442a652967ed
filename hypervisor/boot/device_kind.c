/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of devices from their host nodes: who does DMA, who does not, who has a reset without being
 * told. */
#include "base/string.h"
#include "boot/passthrough.h"

#define VIRTIO_MMIO_STATUS 0x70u
#define RESET_LIMIT_US     1000000u

/* Command of a PCI function: no bus mastering, which on a bridge holds for all behind it, and no INTx.
 * Status, in the upper half, is written as 0: its bits are cleared by ones. */
#define PCI_COMMAND   4u
#define PCI_NO_INTX   0x400u
#define PCI_MASK      0xffff0404u
#define PCI_FUNCTIONS 256u

/* Compatible strings that begin like this. Short on purpose: a device of neither list is reported as unknown,
 * and bulkhead,dma settles it. */
static const char *const dma_masters[] = {
    "virtio,mmio",     "arasan,sdhci",    "xlnx,zynqmp-8.9a",   "xlnx,versal-8.9a",   "cdns,gem",
    "cdns,macb",       "cdns,zynq",       "cdns,versal-gem",    "xlnx,zynqmp-gem",    "xlnx,versal-gem",
    "xlnx,zynqmp-dma", "snps,dwmac",      "snps,dwc3",          "generic-ahci",       "generic-ehci",
    "generic-ohci",    "generic-xhci",    "pci-host-",          "arm,pl08",           "arm,pl11",
    "arm,pl330",       "fsl,imx7d-usdhc", "fsl,imx8mm-usdhc",   "fsl,imx8mp-usdhc",   "fsl,imx6sx-fec",
    "fsl,imx8mq-fec",  "fsl,imx8mp-fec",  "brcm,bcm2711-genet", "brcm,bcm2711-emmc2", "brcm,bcm2711-pcie",
};

static const char *const dma_free[] = {
    "arm,pl010",  "arm,pl011", "arm,pl022",      "arm,pl031",       "arm,pl050",         "arm,pl061",
    "arm,sp804",  "arm,sp805", "arm,sbsa-",      "ns16550",         "snps,dw-apb-uart",  "snps,dw-apb-gpio",
    "cdns,uart-", "cdns,ttc",  "cdns,i2c-",      "xlnx,xuartps",    "xlnx,zynqmp-rtc",   "xlnx,zynqmp-gpio",
    "gpio-",      "fixed-",    "fsl,imx35-gpio", "fsl,imx8mp-gpio", "brcm,bcm2835-gpio", "brcm,bcm2711-gpio",
};

/* Any string of the node's compatible begins with an entry of the list. */
static bool listed(const struct fdt *fdt, fdt_node_t node, const char *const *list, unsigned count)
{
    struct fdt_prop prop;

    if (!fdt_prop(fdt, node, "compatible", &prop) || prop.len == 0 || prop.data[prop.len - 1u] != 0) {
        return false;
    }
    for (uint32_t off = 0; off < prop.len; off += (uint32_t)strlen((const char *)prop.data + off) + 1u) {
        for (uint32_t i = 0; i < count; i++) {
            if (strncmp((const char *)prop.data + off, list[i], strlen(list[i])) == 0) {
                return true;
            }
        }
    }
    return false;
}

bool device_is_dma_free(const struct fdt *fdt, fdt_node_t node)
{
    return listed(fdt, node, dma_free, ARRAY_SIZE(dma_free));
}

bool device_is_dma_master(const struct fdt *fdt, fdt_node_t node)
{
    if (fdt_has(fdt, node, "iommus") || fdt_has(fdt, node, "iommu-map") ||
        fdt_has(fdt, node, "dma-coherent")) {
        return true;
    }
    return listed(fdt, node, dma_masters, ARRAY_SIZE(dma_masters));
}

bool device_implied_reset(const struct fdt *fdt, fdt_node_t node, uint64_t base, struct domain_reset *reset)
{
    if (fdt_compatible(fdt, node, "pci-host-ecam-generic")) {
        *reset = (struct domain_reset){.pa = PA(base + PCI_COMMAND),
                                       .value = PCI_NO_INTX,
                                       .mask = PCI_MASK,
                                       .count = PCI_FUNCTIONS,
                                       .stride = PAGE_SIZE};
        return true;
    }
    if (!fdt_compatible(fdt, node, "virtio,mmio")) {
        return false;
    }
    *reset = (struct domain_reset){.pa = PA(base + VIRTIO_MMIO_STATUS),
                                   .value = 0,
                                   .mask = UINT32_MAX,
                                   .poll_mask = UINT32_MAX,
                                   .poll_value = 0,
                                   .limit_us = RESET_LIMIT_US};
    return true;
}
