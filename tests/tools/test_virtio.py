# SPDX-License-Identifier: Apache-2.0
"""The `virtio` of a domain in a description: one line for each device."""
import pytest
from command import description, devicetree, image, paths, virtio
from command.errors import UserError

HEAD = """
[board]
memory = "1G"
[[domain]]
name = "serve.r"    # [[domain]] virtio = [{
kernel = "guest.img"
memory = "256K"
[[domain]]
name = "front"
kernel = "guest.img"
memory = "4M"
"""
DEVICES = """virtio = [
    { class = "block", server = "serve.r", buffers = "bounce", bounce_kb = 512, sectors = [8, 0x100000001], disk = 1 },
    # { class = "net" }
    { class = "net", server = "serve.r", buffers = "all", mac = "52:54:00:12:34:5F", \
isolated = true, any_source = true, rate_kbit = 8, park_ms = 0, park_end = "ones" }, \
{ class = "console", server = "serve.r", buffers = "grants", ports = 2 },
    { class = "gpio", server = "serve.r", buffers = "all", lines = [3, 2], line_names = ["a]}", "b"] },
    { class = "vsock", server = "serve.r", buffers = "all", guest_cid = 10, isolated = false, address = 0x3000000 },
    { class = "entropy", server = "serve.r", buffers = "all", queues = 1, queue_max = 16 },
    { class = "block", server = "serve.r", buffers = "all", read_only = true }
]
"""


def cells(*numbers):
    return b"".join(number.to_bytes(4, "big") for number in numbers)


@pytest.fixture
def nodes(system, tmp_path, image):
    """What comes of a domain's devices, by address."""
    (tmp_path / "xen.img").write_bytes(image)

    def compose(text):
        result = compose_set(system(HEAD + text), tmp_path)
        found = devicetree.nodes((result.folder / "system.dtb").read_bytes(), "test")
        return {path.rpartition("@")[2]: properties for path, properties in found
                if path.startswith("/chosen/front/virtio@")}
    return compose


def compose_set(folder, tmp_path):
    return image.compose(description.load(folder), tmp_path / "set", str(tmp_path / "xen.img"))


def test_every_key(nodes):
    found = nodes(DEVICES)
    assert list(found) == ["2000000", "2000200", "2000400", "2000600", "3000000", "2000800", "2000a00"]
    server = {properties.pop("bulkhead,server") for properties in found.values()}
    assert len(server) == 1
    for at, properties in found.items():
        assert properties.pop("compatible") == b"bulkhead,virtio\0"
        assert properties.pop("reg") == cells(0, int(at, 16), 0, 0x200)
    assert list(found.values()) == [
        {"bulkhead,class": b"block\0", "bulkhead,buffers": b"bounce\0", "bulkhead,bounce-kb": cells(512),
         "bulkhead,disk": cells(1), "bulkhead,first-sector": cells(0, 8), "bulkhead,sectors": cells(1, 1)},
        {"bulkhead,class": b"net\0", "bulkhead,buffers": b"all\0", "local-mac-address": bytes.fromhex("52540012345f"),
         "bulkhead,isolated": b"", "bulkhead,any-source": b"", "bulkhead,rate-kbit": cells(8),
         "bulkhead,park-ms": cells(0),
         "bulkhead,park-end": b"ones\0"},
        {"bulkhead,class": b"console\0", "bulkhead,buffers": b"grants\0", "bulkhead,ports": cells(2)},
        {"bulkhead,class": b"gpio\0", "bulkhead,buffers": b"all\0", "bulkhead,gpio-lines": cells(3, 2),
         "gpio-line-names": b"a]}\0b\0"},
        {"bulkhead,class": b"vsock\0", "bulkhead,buffers": b"all\0", "bulkhead,guest-cid": cells(10)},
        {"bulkhead,class": b"entropy\0", "bulkhead,buffers": b"all\0", "bulkhead,queues": cells(1),
         "bulkhead,queue-max": cells(16)},
        {"bulkhead,class": b"block\0", "bulkhead,buffers": b"all\0", "bulkhead,read-only": b""}]


def test_every_property_has_a_key():
    """What the configuration reference lists can be said in one line."""
    text = (paths.SOURCE / "docs/configuration.md").read_text().partition("\n## Driver domains\n")[2]
    rows = [row.split("|")[1] for row in text.partition("\nBy `bulkhead,buffers`")[0].splitlines()
            if row.startswith("|") and "`" in row]
    listed = {name for row in rows for name in row.split("`")[1::2]} - {"reg", "bulkhead,class", "bulkhead,server"}
    known = {name for _, _, names in virtio.KEYS.values() for name in ([names] if isinstance(names, str) else names)}
    assert known == listed and len(known) > 15


def test_places_are_chosen_around_what_is_written(nodes):
    """Nodes written by hand stay, and memory at the host's addresses is left free."""
    line = 'virtio = [{ class = "net", server = "serve.r", buffers = "all" }]\n'
    raw = ('dts = """virtio@2000000 { compatible = "bulkhead,virtio"; reg = <0 0x2000000 0 0x200>; '
           'bulkhead,class = "net"; bulkhead,server = <&serve_r>; bulkhead,buffers = "all"; };"""\n')
    assert list(nodes(line + raw)) == ["2000000", "2000200"]
    direct = 'direct_map = true\nstatic_mem = [[0x1000000, "2M"], [0x2000000, "4M"]]\n'
    assert list(nodes(line + direct)) == ["2400000"]


def test_other_form(system):
    text = HEAD + '[[domain.virtio]]\nclass = "net"\nserver = "serve.r"\nbuffers = "all"\n'
    made = description.load(system(text)).domains[1].virtio
    assert [(device.node, device.line) for device in made] == [("virtio@2000000", text.count("\n") - 3)]


def test_lines(system):
    loaded = description.load(system(HEAD + DEVICES))
    assert [device.line for device in loaded.domains[1].virtio] == [13, 15, 15, 16, 17, 18, 19]
    assert loaded.domains[0].virtio == []
    message = "/chosen/front/virtio@2000600 bulkhead,gpio-lines: more than 32 lines"
    for given in (message, "error: " + message):
        assert virtio.explain(loaded, given) == "system.toml:16: " + given
    assert virtio.explain(loaded, "/chosen/front memory: none") == "/chosen/front memory: none"
    assert "front: virtio@3000000 is vsock of serve.r (line 17)" in virtio.table(loaded)


@pytest.mark.parametrize("change, words", [
    ('class = "console"|class = "consul"', '15: domain front: virtio: unknown class "consul"'),
    ('server = "serve.r", buffers = "grants"|buffers = "grants"', "15: .*`server` is missing"),
    ('server = "serve.r", buffers = "grants"|server = "front", buffers = "grants"', "15: .*no other domain"),
    ('buffers = "bounce", |', "13: .*`buffers` is missing"),
    ("guest_cid = 10|cid = 10", "17: .*unknown key `cid`; class vsock knows buffers.*guest_cid"),
    ("ports = 2|rate_kbit = 2", "15: .*unknown key `rate_kbit`; class console knows"),
    ("sectors = [8, 0x100000001]|sectors = 8", r"13: .*`sectors` should be \[first, count\]"),
    ("sectors = [8, 0x100000001]|sectors = [-1, 8]", "13: .*`sectors` should"),
    ("lines = [3, 2]|lines = [3]", "16: .*`lines` should"),
    ('["a]}", "b"]|"a"', "16: .*`line_names` should be a list"),
    ("bounce_kb = 512|bounce_kb = true", "13: .*`bounce_kb` should be a number"),
    ("queue_max = 16|queue_max = 4294967296", "18: .*`queue_max` should be a number"),
    ("isolated = true|isolated = 1", "15: .*`isolated` should be true or false"),
    ("52:54:00:12:34:5F|52:54:00:12:34", "15: .*`mac` should be an address"),
    ("0x3000000|0x3000001", "17: .*`address` should be a multiple of 0x200"),
    ('{ class = "entropy"|"x", { class = "entropy"', "18: .*virtio: should be a table")])
def test_mistakes_name_the_line(system, change, words):
    before, after = change.split("|")
    assert DEVICES.count(before) == 1
    with pytest.raises(UserError, match=words):
        description.load(system(HEAD + DEVICES.replace(before, after)))
