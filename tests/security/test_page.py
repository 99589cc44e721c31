"""docs/security.md says what is so: every line of it has its tests, and what it shows works."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from p2pctl.cli import main
from p2pctl.cli.command_tree import command_tree

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
LINES = re.findall(r"^\| \*\*(.+?)\*\* \|", PAGE, re.MULTILINE)

NAMES = "tests/security/test_hostile_names.py"
OUTPUTS = "tests/security/test_outputs.py"
CANARIES = "tests/security/test_canaries.py"
ENVIRONMENT = "tests/security/test_environment.py"
HERE = "tests/security/test_page.py"

TESTS: dict[str, tuple[str, ...]] = {
    "no privilege of its own": (
        "tests/tools/test_units.py::test_a_unit_is_no_more_exposed_than_its_work_asks_for",
        "tests/tools/test_packages.py::test_the_package_has_no_fault_but_those_that_are_explained",
        "tests/metrics/test_server.py::test_there_is_a_page_that_leads_to_them_and_nothing_else",
    ),
    "reading takes no root": (
        "tests/cli/test_streams.py::test_a_list_that_cannot_be_read_is_not_empty",
        "tests/vm/guest/checks_host.py::check_a_user_without_privileges_gets_answers_with_gaps",
        "tests/hardware/test_sysroot.py::test_nothing_is_changed",
    ),
    "changing takes root": (
        "tests/unit/test_journal.py::test_of_two_processes_one_is_told_who_holds_the_lock",
        "tests/unit/test_journal.py::test_all_that_is_kept_is_for_its_owner_alone",
        "tests/cli/test_target_dry_run.py::test_the_lines_do_what_the_command_does",
        "tests/cli/test_target_changes.py::test_a_recording_cannot_be_changed",
    ),
    "deleting and overwriting ask": (
        "tests/cli/test_target_changes.py::test_deleting_asks_at_a_terminal",
        "tests/cli/test_verify.py::test_what_makes_no_sense_or_is_not_confirmed_is_refused",
        "tests/cli/test_verify.py::test_nothing_is_written_to_what_is_in_use",
        "tests/cli/test_verify_recover.py::test_what_may_be_somebodys_data_is_written_over_only_where_the_disks_name_is_said",
        "tests/hardware/test_memory.py::test_nothing_is_written_once_another_process_opens_the_file_but_what_was_there",
    ),
    "advice is not carried out": ("tests/unit/test_remedies.py::test_the_risk_names_the_groups_and_the_guests",),
    "sudo rules that are safe": (f"{HERE}::test_the_sudo_rules_shown_are_whole_commands_that_only_read",),
    "sudo rules that are root": (f"{HERE}::test_every_command_that_writes_or_takes_a_file_is_named_as_root",),
    "the environment under sudo": (
        f"{ENVIRONMENT}::test_few_variables_count_and_none_names_code",
        f"{ENVIRONMENT}::test_an_isolated_interpreter_stays_so_when_it_is_started_later",
        f"{ENVIRONMENT}::test_a_relative_directory_is_ignored",
        "tests/tools/test_packages.py::test_nothing_of_the_user_gets_into_its_environment",
        "tests/hygiene/test_generated.py::test_every_environment_variable_is_on_the_page",
    ),
    "a device with a hostile name": (
        f"{NAMES}::test_a_terminal_gets_nothing_that_it_would_obey",
        f"{NAMES}::test_markup_is_text",
        f"{NAMES}::test_documents_of_all_formats_are_sound",
        f"{NAMES}::test_errors_quote_what_was_typed_as_text",
        "tests/unit/test_render_text.py::test_clean_leaves_nothing_unseen",
        "tests/dashboard/test_chaos.py::test_hosts_whose_names_attack",
        "tests/tools/test_bash_completion.py::test_nothing_hostile_reaches_the_terminal",
        "tests/tools/test_zsh_completion.py::test_nothing_hostile_reaches_the_terminal",
    ),
    "a device that lies or vanishes": (
        "tests/hardware/test_config_space.py::test_no_garbage_raises_or_runs_away",
        "tests/hardware/test_live.py::test_pool_memory_is_never_read",
        "tests/hardware/test_sysroot.py::test_devices_that_come_and_go",
        "tests/fuzz/test_fuzz.py::test_mutations_are_dealt_with",
    ),
    "a kernel log line": (
        "tests/hardware/test_kmsg.py::test_no_record_is_too_odd",
        "tests/dashboard/test_log_view.py::test_a_hostile_line_stays_one_line_without_effect",
    ),
    "a hostile capture": (
        "tests/hardware/test_archive.py::test_hostile_members_are_refused",
        "tests/hardware/test_archive.py::test_hostile_headers_are_refused_at_once",
        "tests/hardware/test_archive.py::test_a_bomb_is_stopped",
        "tests/hardware/test_archive.py::test_links_resolve_inside",
        f"{NAMES}::test_a_capture_of_it_is_as_harmless",
    ),
    "a hostile directory for --sysroot": (
        "tests/hardware/test_sysroot.py::test_no_link_leads_out",
        "tests/hardware/test_sysroot.py::test_dots_stay_inside",
        "tests/hardware/test_sysroot.py::test_a_fifo_or_a_device_gives_nothing",
        "tests/hardware/test_sysroot.py::test_nothing_is_changed",
    ),
    "a hostile document": (
        "tests/unit/test_document.py::test_an_error_says_what_is_wrong_and_where",
        "tests/unit/test_document.py::test_a_huge_document_meets_a_limit",
        "tests/unit/test_document.py::test_billions_of_laughs_meet_the_limit_before_anything_is_expanded",
        f"{HERE}::test_a_document_makes_no_objects",
    ),
    "a hostile environment": (
        f"{ENVIRONMENT}::test_odd_values_break_nothing",
        f"{ENVIRONMENT}::test_no_program_of_the_working_directory_is_run",
        "tests/hardware/test_programs.py::test_a_program_that_hangs_is_ended",
        "tests/hardware/test_programs.py::test_a_journal_without_end_is_cut",
    ),
    "a hostile terminal or pipe": (
        "tests/cli/test_streams.py::test_a_reader_that_has_had_enough",
        "tests/cli/test_streams.py::test_a_full_disk",
        "tests/cli/test_streams.py::test_closed_streams",
        "tests/cli/test_target_aftermath.py::test_a_change_whose_report_cannot_be_written_was_made",
    ),
    "a scraper from the network": (
        "tests/metrics/test_server.py::test_where_to_listen",
        "tests/metrics/test_server.py::test_there_are_never_more_connections_than_so_many",
        "tests/metrics/test_server.py::test_a_request_that_is_too_long_is_refused",
        "tests/metrics/test_server.py::test_a_client_that_says_nothing_or_little_is_cut",
        "tests/metrics/test_server.py::test_fifty_scrapers_at_once_are_all_answered_with_one_read",
        "tests/cli/test_metrics.py::test_an_address_that_others_reach_is_pointed_out",
        f"{CANARIES}::test_no_command_says_a_key",
    ),
    "another user: links and pipes": (
        f"{OUTPUTS}::test_a_link_that_another_user_has_put_there_leads_nowhere",
        f"{OUTPUTS}::test_a_pipe_in_place_of_a_file_hangs_nobody",
        "tests/hardware/test_capture_file.py::test_a_link_that_comes_in_between",
        "tests/hardware/test_capture_file.py::test_a_failure_leaves_nothing",
        "tests/hardware/test_memory.py::test_no_link_is_followed_to_what_nobody_has_looked_at",
    ),
    "another user: modes": (
        f"{OUTPUTS}::test_no_file_is_open_to_others_without_a_umask",
        "tests/unit/test_document.py::test_a_secret_may_stand_only_in_a_private_document_and_no_message_shows_it",
        "tests/cli/test_target_refusals.py::test_a_key_that_others_can_read_is_pointed_out",
        "tests/unit/test_nvmetcli_format.py::test_keys_in_a_file_that_others_can_read_are_refused",
    ),
    "another user: /run/p2pctl": (
        "tests/unit/test_journal.py::test_a_directory_that_others_may_write_to_is_refused",
        "tests/unit/test_journal.py::test_a_lock_that_is_a_link_is_not_followed",
        "tests/unit/test_journal.py::test_all_that_is_kept_is_for_its_owner_alone",
        "tests/cli/test_target_aftermath.py::test_status_looks_at_no_record_of_others",
    ),
    "another user: process list": (
        f"{CANARIES}::test_a_key_on_the_command_line_is_refused",
        f"{CANARIES}::test_no_program_is_handed_a_key",
    ),
    "secrets where they do not belong": (
        f"{CANARIES}::test_no_command_says_a_key",
        f"{CANARIES}::test_a_capture_has_no_key",
        f"{CANARIES}::test_what_goes_wrong_while_a_key_is_written_does_not_say_it",
        "tests/hardware/test_capture_secrets.py::test_secrets_are_left_out",
        "tests/hardware/test_capture_secrets.py::test_redaction_leaves_no_identity",
        "tests/dashboard/test_target_view.py::test_keys_of_hosts_are_never_shown",
        "tests/unit/test_document_export.py::test_keys_are_shown_to_whoever_asks_for_them_and_only_then",
        "tests/unit/test_faults.py::test_keys_are_in_no_report",
        "tests/ansible/test_failures.py::test_keys_are_nowhere",
    ),
    "a dependency with a known hole": (
        "tests/tools/test_pip_audit.py::test_no_library_that_is_shipped_has_a_known_hole",
        "tests/tools/test_bandit.py::test_what_bandit_finds_is_explained",
        "tests/tools/test_packages.py::test_what_is_locked_is_what_pyproject_asks_for",
    ),
}


def functions(file: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_no_line_is_without_a_test_and_no_test_without_a_line() -> None:
    assert len(LINES) > 15
    assert sorted(LINES) == sorted(TESTS)
    assert all(TESTS.values())


@pytest.mark.parametrize("line", TESTS)
def test_the_tests_of_a_line_are_there_and_not_skipped(line: str) -> None:
    for test in TESTS[line]:
        file, _, name = test.partition("::")
        found = functions(file).get(name)
        assert found, f"{test} is gone: {line}"
        assert not [one for one in found.decorator_list if re.search("skip|xfail", ast.unparse(one))], test


def rules() -> list[list[str]]:
    """The command lines of the sudo rules that the page shows."""
    (text,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    told = text.replace("\\\n", " ").partition("NOPASSWD:")[2]
    return [one.split() for one in told.split(",")]


def test_the_sudo_rules_shown_are_whole_commands_that_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No wildcard, always arguments, nothing asked, nothing written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert len(rules()) > 3
    for path, *words in rules():
        assert path == "/usr/bin/p2pctl"
        assert words
        assert not re.search(r"[*?\[\]!]", " ".join(words))
        assert main(["--demo", *words]) == 0
        assert capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_every_command_that_writes_or_takes_a_file_is_named_as_root() -> None:
    """By what its arguments and options take, so that a new one is not forgotten."""
    (row,) = re.findall(r"^\| \*\*sudo rules that are root\*\* \|(.*)\|$", PAGE, re.MULTILINE)
    told = set(re.findall(r"`([a-z]+(?: [a-z]+)?)(?: --[a-z]+)?`", row))
    takes = {"dashboard", "capture", "verify", "bench"}
    for node in command_tree().root.walk():
        metavars = [one.metavar for one in node.arguments] + [one.metavar or "" for one in node.options]
        if not node.changing and any(re.search(r"FILE|PATH|HOST:|DISK", metavar) for metavar in metavars):
            takes.add(" ".join(node.path))
    assert "every command that changes the target" in row
    assert takes >= {"diff", "validate", "metrics", "doctor"}
    assert {name for name in takes if name not in told} == set(), "name them on the page"


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nhosts: !!python/object/apply:os.system ['touch trapped']\n",
        "!!python/object/new:os.system ['touch trapped']\n",
        json.dumps({"version": 1, "hosts": {"__class__": {"__init__": 1}}}),
    ],
)
def test_a_document_makes_no_objects(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "evil.yaml").write_text(text)
    for words in (["validate", "evil.yaml"], ["apply", "evil.yaml"]):
        assert main(["--demo", *words]) == 2
        told = capsys.readouterr().err
        assert "evil.yaml:" in told
        assert "Traceback" not in told
    assert not (tmp_path / "trapped").exists()
