# SPDX-License-Identifier: Apache-2.0
"""What `bulkhead image` writes."""
import re
import subprocess

import pytest
from command import description, devicetree, image
from command.errors import UserError

TWO = """
[board]
memory = "1G"
[hypervisor]
bootargs = "console=dtuart"
dts = 'xen,static-heap = <0 0x60000000 0 0x1000000>;'
[[domain]]
name = "one"
kernel = "guest.img"
ramdisk = "disk.img"
bootargs = 'say="a \\ b"'
bootargs_unattended = "alone"
memory = "4M"
cpus = 2
restart = "always"
affinity = ["0", "1-2"]
[[domain]]
name = "2nd"
kernel = "guest.img"
memory = "256K"
vpl011 = false
restart = 3
restart_window_ms = 1000
dts = 'xen,domain-p2m-mem-mb = <1>; bulkhead,priority = <7>;'
"""


@pytest.fixture
def hypervisor(tmp_path, image):
    path = tmp_path / "xen.img"
    path.write_bytes(image)
    return str(path)


def composed(folder, hypervisor, name="set", **options):
    return image.compose(description.load(folder), folder / name, hypervisor, **options)


def chosen(result):
    blob = (result.folder / "system.dtb").read_bytes()
    return {path: properties for path, properties in devicetree.nodes(blob, "test") if path.startswith("/chosen")}


def test_shape(system, hypervisor):
    result = composed(system(TWO), hypervisor)
    nodes = chosen(result)
    assert nodes["/chosen"]["xen,xen-bootargs"] == b"console=dtuart\0"
    one, second = nodes["/chosen/one"], nodes["/chosen/2nd"]
    assert one["compatible"] == b"xen,domain\0" and one["memory"] == (4096).to_bytes(8, "big")
    assert one["cpus"] == b"\0\0\0\2" and "vpl011" in one and "vpl011" not in second
    assert one["bulkhead,restart"] == b"\xff" * 4 and second["bulkhead,restart"] == b"\0\0\0\3"
    assert second["bulkhead,priority"] == b"\0\0\0\7" and second["memory"] == (256).to_bytes(8, "big")
    assert nodes["/chosen/one/vcpu1"]["hard-affinity"] == b"1-2\0"
    base = {module.file: module.base for module in result.modules}
    kernel = nodes[f"/chosen/one/module@{base['one-kernel.img']:x}"]
    assert kernel["compatible"] == b"multiboot,kernel\0multiboot,module\0"
    assert kernel["bootargs"] == b'say="a \\ b"\0'
    assert kernel["reg"] == base["one-kernel.img"].to_bytes(8, "big") + (4096).to_bytes(8, "big")
    assert f"/chosen/2nd/module@{base['one-kernel.img']:x}" in nodes, "the same file is loaded once"
    assert [path for path in nodes if path.count("/") == 2] == ["/chosen/one", "/chosen/2nd"], "order is the domid"


def test_same_bytes_again_and_unattended(system, hypervisor):
    folder = system(TWO)
    first, second = composed(folder, hypervisor), composed(folder, hypervisor, "set2")
    for path in first.folder.iterdir():
        if path.name != "boot.scr":
            assert path.read_bytes() == (second.folder / path.name).read_bytes(), path.name
    alone = chosen(composed(folder, hypervisor, "set3", unattended=True))
    assert any(b"alone" in properties.get("bootargs", b"") for properties in alone.values())


def test_nothing_overlaps(system, hypervisor):
    text = TWO.replace('[[domain]]\nname = "2nd"', '[[domain]]\nname = "2nd"\nstatic_mem = [[0x41000000, "256K"]]')
    result = composed(system(text), hypervisor)
    pieces = [(module.base, len(module.data)) for module in [result.hypervisor, result.dtb, *result.modules]]
    pieces += [(0x41000000, 0x40000), (0x40200000, 65536)]
    for number, (base, size) in enumerate(pieces):
        for other, length in pieces[number + 1:]:
            assert base + size <= other or other + length <= base, (hex(base), hex(other))


def test_scripts(system, hypervisor):
    result = composed(system(TWO), hypervisor)
    assert subprocess.run(["sh", "-n", str(result.folder / "run.sh")], check=False).returncode == 0
    run, source = (result.folder / "run.sh").read_text(), (result.folder / "boot.source").read_text()
    for module in result.modules:
        assert f"addr=0x{module.base:x}" in run and f"0x{module.base:x} {module.file}" in source
    assert re.search(r"booti 0x[0-9a-f]+ - 0x[0-9a-f]+\n$", source)


@pytest.mark.parametrize("change, words", [
    ('"guest.img"\nmemory = "256K"|"absent.img"\nmemory = "256K"', "absent.img does not exist"),
    ('"guest.img"\nmemory = "256K"|"disk.img"\nmemory = "256K"', "no arm64 Image header"),
    ('memory = "256K"|memory = "32K"', "more than its memory"),
    ('"disk.img"|{ init = "none" }', "none does not exist"),
    ('"disk.img"|{ inti = "none" }', "ramdisk has the keys"),
    ("xen,domain-p2m-mem-mb = <1>|xen,domain-p2m-mem-mb = <", "syntax error"),
    ('memory = "1G"|memory = "1G"\ncpu = "z80"', "QEMU gave no device tree")])
def test_mistakes_are_told(system, hypervisor, change, words):
    before, after = change.split("|")
    assert before in TWO
    with pytest.raises(UserError, match=words):
        composed(system(TWO.replace(before, after)), hypervisor)


def test_no_room(system, hypervisor):
    folder = system(TWO.replace('memory = "1G"', 'memory = "128M"'))
    (folder / "disk.img").write_bytes(bytes(100 << 20))
    with pytest.raises(UserError, match="too little memory"):
        composed(folder, hypervisor)
