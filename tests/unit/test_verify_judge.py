"""What a prediction and the kernel's answer come to together."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.proof.data import SHARE, borrow, compare, inverse, is_uniform, pattern, positions
from p2pctl.proof.judge import HEAD, KNOWN_EIO, REFUSALS, excuse_for, judge
from p2pctl.proof.model import Difference, Observed
from p2pctl.resolver.verdict import Outcome
from p2pctl.units import format_bytes, parse_bytes

ALLOWED = Outcome("allowed", "bus-address", 4)
BRIDGED = Outcome("allowed", "through-host-bridge", 6)
DENIED = Outcome("denied", "not-supported", 6)
UNKNOWN = Outcome("unknown", "unknown", 4)
DONE = Observed("read", "pool", "/dev/nvme1n1", 0, 4096, moved=4096)
WRONG = DONE._replace(difference=Difference(12, 7, nothing_arrived=False, all_ones=False))


def failed(number: int) -> Observed:
    return DONE._replace(errno=number, moved=0)


@pytest.mark.parametrize(
    ("predicted", "seen", "result", "agrees"),
    [
        (ALLOWED, DONE, "works", True),
        (BRIDGED, DONE, "works", True),
        (DENIED, failed(errno.EINVAL), "refused", True),
        (DENIED, failed(errno.EREMOTEIO), "refused", True),
        (ALLOWED, failed(errno.EINVAL), "refused", False),
        (ALLOWED, failed(errno.EIO), "failed", False),
        (ALLOWED, WRONG, "wrong", False),
        (DENIED, DONE, "works", False),
        (DENIED, WRONG, "wrong", False),
        (DENIED, failed(errno.EIO), "failed", False),
        (ALLOWED, DONE._replace(moved=512), "failed", False),
        (UNKNOWN, DONE, "works", None),
        (UNKNOWN, failed(errno.EINVAL), "refused", None),
        (ALLOWED, DONE._replace(settled=False), "unsettled", None),
    ],
)
def test_what_the_kernel_did_is_held_against_what_was_predicted(
    predicted: Outcome, seen: Observed, result: str, agrees: bool | None
) -> None:
    judgement = judge(predicted, seen, "7.3.4")
    assert (judgement.result, judgement.agrees) == (result, agrees)


@pytest.mark.parametrize("release", ["6.16.12+deb14-amd64", "6.16.0-5-generic", "6.16"])
def test_a_positive_verdict_whose_transfer_fails_names_the_kernels_that_do_so(release: str) -> None:
    """EIO on a bus address, as 6.16.12 gives it, also from a drive into its own buffer."""
    judgement = judge(ALLOWED, failed(errno.EIO), release)
    assert (judgement.result, judgement.agrees, judgement.meaning) == ("failed", False, KNOWN_EIO)
    assert "EIO" in judgement.text
    assert "6.16" in KNOWN_EIO
    assert "6.17 and later are fine" in KNOWN_EIO


@pytest.mark.parametrize(
    ("predicted", "release"),
    [(ALLOWED, "6.17.13"), (ALLOWED, "6.18.15"), (ALLOWED, "6.160.1"), (BRIDGED, "6.16.12"), (ALLOWED, None)],
)
def test_no_other_kernel_and_no_other_way_is_excused_by_that(predicted: Outcome, release: str | None) -> None:
    assert judge(predicted, failed(errno.EIO), release).meaning not in {KNOWN_EIO, None}


@pytest.mark.parametrize("number", sorted(REFUSALS))
def test_every_refusal_is_said_with_its_name_and_what_it_means(number: int) -> None:
    judgement = judge(DENIED, failed(number), "7.3.4")
    assert errno.errorcode[number] in judgement.text
    assert judgement.meaning


def test_wrong_data_say_how_they_are_wrong() -> None:
    """That nothing arrived, that nobody answered on the bus, or where the first wrong byte is."""
    nothing = DONE._replace(difference=Difference(4096, 0, nothing_arrived=True, all_ones=False))
    ones = DONE._replace(difference=Difference(4080, 0, nothing_arrived=False, all_ones=True))
    texts = [judge(ALLOWED, seen, None).text for seen in (nothing, ones, WRONG)]
    assert "nothing arrived" in texts[0]
    assert "0xff" in texts[1]
    assert "12 of 4096 bytes are wrong, from byte 7 on" in texts[2]


def test_a_denied_pair_that_is_carried_in_a_mixed_transfer_is_said_to_be_unchecked() -> None:
    judgement = judge(DENIED, DONE._replace(layout="ordinary-first"), "7.3.4")
    assert judgement.agrees is False
    assert "keep the two apart" in (judgement.meaning or "")


@given(st.binary(min_size=1, max_size=9000))
def test_memory_that_holds_the_inverse_never_passes_for_the_data(data: bytes) -> None:
    """Not in a single byte, so that a transfer that never happened differs everywhere."""
    before = inverse(data)
    assert all(one != other for one, other in zip(before, data, strict=True))
    assert inverse(before) == data
    difference = compare(data, before, before)
    assert difference is not None
    assert (difference.different, difference.first, difference.nothing_arrived) == (len(data), 0, True)


@given(st.binary(min_size=1, max_size=9000), st.data())
def test_every_wrong_byte_is_counted_and_the_first_is_named(data: bytes, draw: st.DataObject) -> None:
    places = draw.draw(st.sets(st.integers(0, len(data) - 1), max_size=20))
    found = bytes(byte ^ 0x5A if index in places else byte for index, byte in enumerate(data))
    difference = compare(data, found, inverse(data))
    if not places:
        assert difference is None
    else:
        assert difference is not None
        assert (difference.different, difference.first) == (len(places), min(places))


def test_as_many_bytes_are_compared_as_were_expected() -> None:
    with pytest.raises(ValueError, match="as many"):
        compare(b"ab", b"a", b"ab")


@given(st.integers(0, 1 << 40), st.integers(1, 1 << 30), st.sampled_from([4096, 8192, 65536]))
def test_no_more_than_its_share_of_what_is_available_is_taken(available: int, wanted: int, unit: int) -> None:
    taken = borrow(available, wanted, unit)
    assert taken * SHARE <= available
    assert taken <= wanted
    assert taken % unit == 0
    assert taken == 0 or taken + unit > min(wanted, available // SHARE)


@given(st.integers(0, 1 << 44), st.integers(1, 256), st.sampled_from([4096, 16384]))
def test_every_place_that_is_tried_lies_on_the_disk(size: int, units: int, unit: int) -> None:
    length = units * unit
    found = list(positions(size, length, unit))
    assert bool(found) == (size >= length)
    assert len(found) == len(set(found)) <= 8
    assert all(offset % unit == 0 and 0 <= offset <= size - length for offset in found)


def test_a_pattern_is_not_uniform_and_depends_on_its_seed() -> None:
    assert pattern("a", 8192) != pattern("b", 8192)
    assert not is_uniform(pattern("a", 8192))
    assert is_uniform(b"\0" * 100)
    assert is_uniform(b"")


@pytest.mark.parametrize(
    ("text", "count"),
    [("4096", 4096), ("64K", 65536), ("1M", 1 << 20), ("2GiB", 2 << 30), ("1kb", 1024), (" 1T ", 1 << 40),
     ("", None), ("-1", None), ("1.5M", None), ("M", None), ("9" * 30, None), ("٣", None)],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text: str, count: int | None) -> None:
    assert parse_bytes(text) == count


@given(st.integers(0, 10**17))
def test_what_is_written_as_bytes_is_read_back(count: int) -> None:
    assert parse_bytes(str(count)) == count
    assert format_bytes(count)


def test_a_multipath_head_that_takes_no_p2p_memory_says_nothing_of_the_pair() -> None:
    """Before 7.2; what it carries wrong is wrong all the same."""
    assert excuse_for(head=True, release=(6, 18)) == HEAD
    assert excuse_for(head=True, release=None) == HEAD
    assert excuse_for(head=True, release=(7, 2)) is None
    assert excuse_for(head=False, release=(6, 18)) is None
    judgement = judge(ALLOWED, failed(errno.EINVAL), "6.18.1", HEAD)
    assert (judgement.result, judgement.agrees, judgement.meaning) == ("refused", None, HEAD)
    assert judge(ALLOWED, WRONG, "6.18.1", HEAD).agrees is False
