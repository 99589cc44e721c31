"""Reading the document: what it asks for, and every way in which it can be wrong."""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from p2pctl.errors import DeniedError, ExitCode
from p2pctl.target.document import DocumentError, load
from p2pctl.target.document.nodes import DEPTH_MAX, SIZE_MAX
from p2pctl.target.schema import Kind
from p2pctl.target.wishes import GroupWish, HostWish, NamespaceWish, Place, ReferralWish, Wishes

KEY = f"DHHC-1:00:{base64.b64encode(bytes(32) + zlib.crc32(bytes(32)).to_bytes(4, 'little')).decode()}:"

EXAMPLE = """\
version: 1
discovery_nqn: nqn.2014-08.org.nvmexpress.discovery
hosts:
  nqn.h1: {dhchap_key: {file: /etc/p2pctl/keys/db1}, dhchap_hash: hmac(sha384)}
  nqn.h2:
    state: absent
  nqn.h3:
subsystems:
  nqn.pool0:
    allow_any_host: false
    allowed_hosts: [nqn.h1]
    serial: 0123
    version: 1.30
    namespaces:
      1:
        device: /dev/disk/by-id/nvme-EXAMPLE_1
        uuid: 4F1F6F2E-5a7c-4f0e-9a55-6d3f0f8f3d11
        p2pmem: off                                  # no boolean for YAML to make
        prefer: [0000:03:00.0]
        ana_grpid: 2
        enable: yes
      0x10: {device: /srv/images/b.img, buffered_io: true}
  nqn.raw:
    allow_any_host: true
    passthru: {device: /dev/nvme3, enable: true}
ports:
  1:
    trtype: rdma
    adrfam: ipv4
    traddr: 192.0.2.10
    trsvcid: 4420
    inline_data_size: auto
    p2p: required
    ana_groups: {2: optimized, 3: absent}
    subsystems: [nqn.pool0]
    referrals:
      peer: {trtype: rdma, treq: not specified, enable: true}
"""


def read(text: str | bytes, *, private: bool = False, listed: dict[Kind, list[str]] | None = None) -> Wishes:
    data = text.encode() if isinstance(text, str) else text
    return load(data, "target.yaml", listed=listed, private=private, read_secret=lambda _path: KEY + "\n")


def problems(text: str | bytes, *, private: bool = False, listed: dict[Kind, list[str]] | None = None) -> list[str]:
    with pytest.raises(DocumentError) as error:
        read(text, private=private, listed=listed)
    return [line.removeprefix("target.yaml:") for line in error.value.lines]


def test_a_document_says_what_it_seems_to_say() -> None:
    wishes = read(EXAMPLE)
    assert wishes.attributes == {"discovery_nqn": "nqn.2014-08.org.nvmexpress.discovery"}
    assert wishes.hosts == {
        "nqn.h1": HostWish(attributes={"dhchap_key": KEY, "dhchap_hash": "hmac(sha384)"}),
        "nqn.h2": HostWish(absent=True, attributes={}),
        "nqn.h3": HostWish(attributes={}),
    }
    pool = wishes.subsystems["nqn.pool0"]
    assert pool.attributes == {"attr_allow_any_host": "0", "attr_serial": "0123", "attr_version": "1.30"}
    assert pool.allowed_hosts == ("nqn.h1",)
    assert pool.namespaces == {
        1: NamespaceWish(
            attributes={
                "device_path": "/dev/disk/by-id/nvme-EXAMPLE_1",
                "device_uuid": "4f1f6f2e-5a7c-4f0e-9a55-6d3f0f8f3d11",
                "p2pmem": "0",
                "ana_grpid": "2",
                "enable": "1",
            },
            prefer=("0000:03:00.0",),
        ),
        16: NamespaceWish(attributes={"device_path": "/srv/images/b.img", "buffered_io": "1"}),
    }
    raw = wishes.subsystems["nqn.raw"]
    assert (raw.passthru, raw.allowed_hosts) == ({"device_path": "/dev/nvme3", "enable": "1"}, None)
    port = wishes.ports[1]
    assert port.attributes == {
        "addr_trtype": "rdma",
        "addr_adrfam": "ipv4",
        "addr_traddr": "192.0.2.10",
        "addr_trsvcid": "4420",
        "param_inline_data_size": "-1",
    }
    assert (port.p2p, port.subsystems) == ("required", ("nqn.pool0",))
    assert port.ana_groups == {2: GroupWish(state="optimized"), 3: GroupWish(absent=True)}
    assert port.referrals == {
        "peer": ReferralWish(attributes={"addr_trtype": "rdma", "addr_treq": "not specified", "enable": "1"})
    }


def test_every_wish_has_its_place() -> None:
    places = read(EXAMPLE).places
    assert places["subsystems", "nqn.pool0", "namespaces", 1, "p2pmem"] == Place(18, 9)
    assert places["subsystems", "nqn.pool0", "namespaces", 16, "buffered_io"] == Place(22, 41)
    assert places["ports", 1] == Place(27, 3)
    assert places["ports", 1, "subsystems", "nqn.pool0"] == Place(35, 18)


def test_json_is_read_as_it_is_meant_escapes_and_tabs_included() -> None:
    document = {"version": 1, "subsystems": {"nqn.\U0001f600": {"model": "a/b", "namespaces": {"1": {"enable": True}}}}}
    text = json.dumps(document, indent="\t").replace("a/b", "a\\/b")
    assert "\\ud83d" in text
    one = read(text).subsystems["nqn.\U0001f600"]
    assert (one.attributes, one.namespaces[1].attributes) == ({"attr_model": "a/b"}, {"enable": "1"})


def test_aliases_stand_for_what_they_repeat() -> None:
    wishes = read("version: 1\nhosts: {nqn.a: &a {dhchap_hash: hmac(sha512)}, nqn.b: *a}\n")
    assert wishes.hosts["nqn.b"] == wishes.hosts["nqn.a"] == HostWish(attributes={"dhchap_hash": "hmac(sha512)"})


def test_null_is_a_word_where_the_kernel_takes_that_word() -> None:
    assert read("version: 1\nhosts: {nqn.a: {dhchap_dhgroup: null}}").hosts["nqn.a"].attributes == {
        "dhchap_dhgroup": "null"
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", " the file is empty: a document begins with version: 1"),
        ("# nothing\n", " the file is empty: a document begins with version: 1"),
        (b"version: \xff", "1:10: byte 0xff is no UTF-8: save the file as UTF-8"),
        ("version: 1".encode("utf-16"), "1:1: the file is UTF-16: save it as UTF-8"),
        ("version: 1\nhosts:\n\tnqn.a: {}", "3:1: a tab cannot stand here: indent with spaces"),
        ("version: 1\n---\nversion: 1", "2:1: a second document begins here: one file holds one"),
        ("version: 1\n<<: {}", "2:1: merge keys (<<) are not supported: write out what is meant"),
        ("version: 1\n? [a]\n: b", "2:3: a name must be a single word here, not a list or a mapping"),
        ("version: !!int 1", "1:10: tag 'tag:yaml.org,2002:int' is not supported: values are plain words"),
        ("version: 1\nx: *y", "2:4: alias 'y' cannot be used: nothing above is called so"),
        ("version: 1\nx: &x [*x]", "2:8: alias 'x' cannot be used: it stands in what it repeats"),
        ("version: 1\nx: \x01", "2:4: character U+0001 cannot stand in a document"),
        ("[]", "1:1: a document is a mapping that begins with version: 1"),
        ("word", "1:1: a document is a mapping that begins with version: 1"),
        ("hosts: {}", "1:1: the document does not say its version: write version: 1"),
        ("version: 2", "1:10: version is 1: this p2pctl knows no other"),
        ("version: 1\nversion: 1", "2:1: 'version' was given already in line 1"),
        ("version: 1\nhosts:", "2:7: hosts has no value: leave it out, or write {}"),
        ("version: 1\nhosts: [a]", "2:8: hosts must be a mapping (name: value)"),
        ("version: 1\nhosts: {nqn.a: x}", "2:16: a host must be a mapping (name: value)"),
        ("version: 1\nhosts: {nqn.a: {state: gone}}", "2:24: state is absent or present"),
        (
            "version: 1\nhosts: {nqn.a: {state: absent, dhchap_hash: hmac(sha256)}}",
            "2:17: an object that is to be absent can have nothing else",
        ),
        ("version: 1\nports: {1: {p2p: maybe}}", "2:18: p2p is one of required, preferred, off"),
        ("version: 1\nports: {1: {subsystems: a}}", "2:25: subsystems must be a list: [] for none"),
        ("version: 1\nports: {1: {subsystems: }}", "2:25: subsystems must be a list: [] for none"),
        ("version: 1\nports: {1: {subsystems: [[a]]}}", "2:26: subsystems must be a list of single words"),
        ("version: 1\nports: {1: {subsystems: [a, a]}}", "2:29: 'a' was given already in line 2"),
        ("version: 1\nports: {1: {}, 0x1: {}}", "2:16: '0x1' was given already in line 2"),
        ('version: 1\nports: {1: {}, "1": {}}', "2:16: '1' was given already in line 2"),
        ("version: 1\nports: {65536: {}}", "2:9: a port's number: '65536' is not in 0..65535"),
        ("version: 1\nports: {1: {ana_groups: {1: absent}}}", "2:29: ANA group 1 cannot be removed: every port has it"),
        ("version: 1\nports: {1: {ana_groups: {128: change}}}", "2:26: an ANA group's number: '128' is not in 1..127"),
        ("version: 1\nports: {1: {traddr: }}", "2:21: traddr has no value: leave it out to keep what there is"),
        ("version: 1\nports: {1: {traddr: [a]}}", "2:21: traddr takes a single value"),
        ("version: 1\nports: {1: {trtyp: [a]}}", "2:13: a port has no key 'trtyp': did you mean trtype?"),
        (
            "version: 1\nsubsystems: {s: {serial: a, attr_serial: a}}",
            "2:29: 'attr_serial' was given already in line 2",
        ),
        ("version: 1\nsubsystems: {s: {namespaces: {010: {}}}}", "2:31: a namespace's number: '010' looks octal"),
        ("version: 1\nsubsystems: {s: {namespaces: {0: {}}}}", "2:31: a namespace's number: '0' is not in"),
        ("version: 1\nsubsystems: {s: {namespaces: {1: {ana_grpid: 010}}}}", "2:46: ana_grpid: '010' looks octal"),
        ("version: 1\nsubsystems: {s: {namespaces: {1: {ana_grpid: 1:30}}}}", "2:46: ana_grpid: '1:30' is not"),
        ("version: 1\nsubsystems: {s: {namespaces: {1: {revalidate_size: 1}}}}", "2:35: revalidate_size is no setting"),
        (f"version: 1\nsubsystems: {{{'s' * 224}: {{}}}}", "2:14: "),
        (
            "version: 1\nsubsystems: {nqn.2014-08.org.nvmexpress.discovery: {}}",
            "2:14: 'nqn.2014-08.org.nvmexpress.discovery' cannot be an NQN: this is the well-known NQN of discovery",
        ),
        ("version: 1\nports: {1: {referrals: {'a/b': {}}}}", "2:25: 'a/b' cannot be the name of a referral"),
        ("a: b: c", "1:5: it is neither YAML nor JSON: mapping values are not allowed"),
    ],
)  # fmt: skip
def test_an_error_says_what_is_wrong_and_where(text: str | bytes, told: str) -> None:
    first = problems(text)[0]
    assert first.startswith(told), first


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hosts: {h: {state: absent}}\nsubsystems: {s: {allowed_hosts: [h]}}", "3:34: host h is to be absent (line 2)"),
        ("subsystems: {s: {allow_any_host: 1, allowed_hosts: [h]}}", "2:37: allow_any_host and a list"),
        ("subsystems: {s: {state: absent}}\nports: {1: {subsystems: [s]}}", "3:26: subsystem s is to be absent"),
        ("subsystems: {s: {cntlid_min: 5, cntlid_max: 4}}", "2:18: cntlid_min 5 is above cntlid_max 4"),
        ("subsystems: {s: {passthru: {enable: 1}, namespaces: {1: {}}}}", "2:54: passthru cannot be enabled"),
        ("subsystems: {s: {passthru: {enable: 1}, version: 1.4}}", "2:41: the version of a subsystem with passthru"),
        ("subsystems: {s: {namespaces: {1: {device: /a}, 2: {device: /a}}}}", "2:52: device /a was given already"),
        (
            "subsystems:\n  s: {passthru: {device: /a}}\n  t: {namespaces: {2: {device: /a}}}",
            "4:24: device /a was given already (line 3)",
        ),
        (
            f"subsystems: {{s: {{namespaces: {{1: {{nguid: {'ef' * 16}}}, 2: {{nguid: {'EF' * 16}}}}}}}}}",
            "2:81: nguid efefefef-efef-efef-efef-efefefefefef was given already (line 2)",
        ),
        ("discovery_nqn: s\nsubsystems: {s1: {}}", "2:1: discovery_nqn cannot be the beginning"),
        ("ports: {1: {trtype: loop, tsas: none}}", "2:27: tsas none is not possible with loop"),
        ("ports: {1: {trtype: rdma, tsas: tls1.3}}", "2:27: tsas tls1.3 is not possible with rdma: it takes connected"),
        ("ports: {1: {tsas: tls1.3, treq: not specified}}", "2:27: with tsas tls1.3 the kernel refuses treq"),
        ("ports: {1: {trtype: tcp, adrfam: fc}}", "2:26: tcp takes adrfam ipv4 or ipv6, not fc"),
        ("ports: {1: {trtype: tcp, adrfam: ipv4, traddr: '::1'}}", "2:40: '::1' is no IPv4 address"),
        ("ports: {1: {trtype: tcp, adrfam: ipv6, traddr: host.example}}", "2:40: 'host.example' is no IPv6 address"),
        ("ports: {1: {trtype: tcp, trsvcid: nvme}}", "2:26: tcp takes a port number 1..65535"),
        ("ports: {1: {trtype: tcp, trsvcid: 0}}", "2:26: port 0 would be another one at each start"),
        ("ports: {1: {trtype: tcp, pi_enable: on}}", "2:26: pi_enable is not possible with tcp"),
        ("ports: {1: {trtype: tcp, traddr: 1.2.3.400}}", "2:26: '1.2.3.400' is no IP address"),
        (
            (
                "ports:\n  1: {trtype: rdma, traddr: 127.0.0.1, trsvcid: 1}\n"  # the loopback address counts as any
                "  2: {trtype: rdma, traddr: 192.0.2.1, trsvcid: 1}"
            ),
            "4:21: port 1 (line 3) listens on 127.0.0.1 1 already",
        ),
        (
            "ports:\n  1: {trtype: tcp, traddr: 0.0.0.0, trsvcid: 1}\n  2: {trtype: tcp, traddr: 10.0.0.1, trsvcid: 1}",
            "4:20: port 1 (line 3) listens on 0.0.0.0 1 already",
        ),
        (
            "ports:\n  1: {trtype: tcp, traddr: 192.0.2.1, trsvcid: 1}\n  2: {trtype: tcp, traddr: '::', trsvcid: 1}",
            "4:20: port 1 (line 3) listens on 192.0.2.1 1 already",
        ),
    ],
)  # fmt: skip
def test_what_cannot_hold_together_is_refused(text: str, told: str) -> None:
    [one] = problems(f"version: 1\n{text}\n")
    assert one.startswith(told), one


@pytest.mark.parametrize(
    "text",
    [
        "hosts: {h: {state: absent}}\nsubsystems: {s: {state: absent}}",
        "ports:\n  1: {trtype: tcp, traddr: 192.0.2.1, trsvcid: 1}\n  2: {trtype: rdma, traddr: 192.0.2.1, trsvcid: 1}",
        "ports:\n  1: {trtype: tcp, traddr: 192.0.2.1, trsvcid: 1}\n  2: {trtype: tcp, traddr: 192.0.2.2, trsvcid: 1}",
        "ports:\n  1: {trtype: tcp, traddr: 0.0.0.0, trsvcid: 1}\n  2: {trtype: tcp, traddr: '::1', trsvcid: 1}",
        "ports:\n  1: {trtype: rdma, traddr: 0.0.0.0, trsvcid: 1}\n  2: {trtype: rdma, traddr: '::', trsvcid: 1}",
        "ports: {1: {trtype: rdma, pi_enable: true}}",
        "ports:\n  1: {trtype: tcp, traddr: nowhere, trsvcid: none, adrfam: ib, subsystems: []}",
        f"subsystems: {{s: {{namespaces: {{1: {{nguid: {'00' * 16}}}, 2: {{nguid: {'00' * 16}}}}}}}}}",
        "subsystems: {s: {namespaces: {1: {enable: true}}}}",
        "subsystems: {s: {allow_any_host: true, allowed_hosts: []}}",
        "discovery_nqn: s1\nsubsystems: {s: {}}",
    ],
)
def test_what_can_hold_together_is_taken(text: str) -> None:
    assert read(f"version: 1\n{text}\n").file == "target.yaml"


def test_all_problems_are_told_at_once_in_the_order_of_the_file_and_twenty_of_them_at_most() -> None:
    lines = problems("version: 1\nsubsystems:\n" + "".join(f"  s{n}: {{qid_max: {200 + n}}}\n" for n in range(30)))
    assert [line.split(":")[0] for line in lines[:-1]] == [str(n) for n in range(3, 23)]
    assert lines[-1] == " 10 more problems"


def test_a_bad_document_is_a_usage_error_that_tells_the_first_problem() -> None:
    with pytest.raises(DocumentError) as error:
        read("version: 1\nports: {1: {mdts: 256, traddr: a b}}")
    assert error.value.exit_code is ExitCode.USAGE
    assert error.value.message.startswith("target.yaml:2:19: mdts: '256' is not in 0..255")
    assert error.value.hint is not None
    assert error.value.hint.startswith("1 more in the same file")


def test_an_unknown_attribute_is_taken_where_the_kernel_lists_it() -> None:
    text = "version: 1\nsubsystems: {s: {offload: 3}}"
    assert read(text, listed={"subsystem": ["attr_offload"]}).subsystems["s"].attributes == {"attr_offload": "3"}
    [one] = problems(text, listed={"subsystem": ["attr_serial"]})
    assert "a subsystem has no key 'offload'" in one
    [one] = problems(text)
    assert "no kernel was asked" in one


def test_an_unknown_attribute_under_its_files_own_name_is_taken_and_noted_where_no_kernel_was_asked() -> None:
    wishes = read("version: 1\nsubsystems: {s: {attr_offload: 3}}")
    assert wishes.subsystems["s"].attributes == {"attr_offload": "3"}
    assert wishes.notes == ("target.yaml:2:18: attr_offload is unknown, and no kernel was asked",)


def test_a_secret_may_stand_only_in_a_private_document_and_no_message_shows_it() -> None:
    text = f"version: 1\nhosts: {{h: {{dhchap_key: '{KEY}'}}}}"
    assert read(text, private=True).hosts["h"].attributes == {"dhchap_key": KEY}
    [one] = problems(text)
    assert "chmod 600" in one
    assert KEY[10:] not in one
    assert read("version: 1\nhosts: {h: {dhchap_key: ''}}").hosts["h"].attributes == {"dhchap_key": ""}


def test_a_redacted_secret_keeps_what_is_there_and_says_that_there_must_be_one() -> None:
    wishes = read("version: 1\nhosts: {h: {dhchap_key: {redacted: true}}}")
    assert wishes.hosts["h"] == HostWish(attributes={}, withheld=("dhchap_key",))


def test_a_secrets_file_that_cannot_be_used_is_a_problem_of_the_document() -> None:
    def refuse(path: str) -> str:
        raise DeniedError(f"cannot read {path}: permission denied")

    text = b"version: 1\nhosts: {h: {dhchap_key: {file: /k}}}"
    with pytest.raises(DocumentError, match="x:2:32: cannot read /k: permission denied"):
        load(text, "x", read_secret=refuse)
    with pytest.raises(DocumentError, match="x:2:32: dhchap_key: the key has another form") as error:
        load(text, "x", read_secret=lambda _path: "swordfish")
    assert "swordfish" not in error.value.message
    assert load(text, "x").hosts["h"].attributes == {}
    [one] = problems("version: 1\nhosts: {h: {dhchap_key: {path: k}}}")
    assert one.endswith("dhchap_key takes the key itself, {file: PATH}, or {redacted: true}")


def test_a_subsystem_has_no_more_namespaces_than_the_kernel_allows() -> None:
    def document(count: int) -> str:
        return (
            "version: 1\nsubsystems: {s: {namespaces: {" + ", ".join(f"{n}: {{}}" for n in range(1, count + 1)) + "}}}"
        )

    assert len(read(document(1024)).subsystems["s"].namespaces) == 1024
    [one] = problems(document(1025))
    assert one.endswith("a subsystem can have 1024 namespaces")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"[" * 10_000_000, f"1:{DEPTH_MAX + 1}: it is nested deeper than {DEPTH_MAX} levels"),
        (b"{a: " * 2_500_000, f"1:{4 * DEPTH_MAX + 1}: it is nested deeper than {DEPTH_MAX} levels"),
        (b"- " * 5_000_000, f"1:{2 * DEPTH_MAX + 1}: it is nested deeper than {DEPTH_MAX} levels"),
        (b"- a\n" * 2_500_000, "250001:3: it has more than 250000 values"),
        (b"x" * (SIZE_MAX + 1), " the file has 16777217 bytes, and a document has 16777216 at most"),
    ],
    ids=["lists", "mappings", "items", "values", "bytes"],
)
def test_a_huge_document_meets_a_limit(data: bytes, told: str) -> None:
    assert problems(data) == [told]


def test_without_libyaml_all_is_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = read(EXAMPLE)
    nested = problems("[" * 100_000)
    monkeypatch.delattr("yaml.CSafeLoader", raising=False)
    assert read(EXAMPLE) == fast
    assert problems("[" * 100_000) == nested
    assert problems('version: "\\UFFFFFFFF"') == [" it is neither YAML nor JSON: a number in it is out of range"]
    assert problems("version: 1\nhosts:\n\tnqn.a: {}") == ["3:1: a tab cannot stand here: indent with spaces"]


def test_billions_of_laughs_meet_the_limit_before_anything_is_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert problems("\n".join(lines))[0].endswith("it has more than 250000 values")


def test_aliases_cannot_nest_deeper_than_anything_else() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 30)]
    assert problems("\n".join(lines))[0].endswith(f"it is nested deeper than {DEPTH_MAX} levels")
