"""Completion in bash, zsh and fish: the scripts, and what they ask for."""

from __future__ import annotations

import subprocess

import pytest

from tests.cli.documents import Shell

SHELLS = ("bash", "zsh", "fish")


def ask(shell: str, words: str) -> dict[str, str]:
    """Return the environment in which a shell's script asks for completions of the last word."""
    if shell == "bash":
        place = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    else:
        place = {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return {"_PRODASSOC_COMPLETE": f"complete_{shell}", **place}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_shown_and_installed(prodassoc, shell):
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(prodassoc.folder)}
    shown = prodassoc("--show-completion", shell, env=named)
    assert shown.returncode == 0
    assert f"complete_{shell}" in shown.stdout.decode()
    installed = prodassoc("--install-completion", shell, env=named)
    assert installed.returncode == 0
    scripts = [path for path in prodassoc.folder.rglob("*") if path.is_file()]
    assert any(f"complete_{shell}" in path.read_text() for path in scripts)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "offered", "not_offered"),
    [
        ("prodassoc tr", "train", "mine"),
        ("prodassoc train --model ", "item-knn", "uci"),
        ("prodassoc clean --preset ", "movielens", "hybrid"),
        ("prodassoc mine --min-", "--min-confidence", "--top"),
        ("prodassoc recommend model.parquet --for ", "products", "rules"),
    ],
)
def test_commands_options_and_choices_are_offered(prodassoc, shell, words, offered, not_offered):
    done = prodassoc(env=ask(shell, words))
    said = done.stdout.decode()
    assert done.returncode == 0
    assert offered in said
    assert not_offered not in said


def test_bash_completes_with_it(tmp_path):
    shell = Shell(tmp_path)
    script = tmp_path / "complete.sh"
    shell.env["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"
    script.write_text(shell("prodassoc --show-completion bash"))
    asked = (
        f"source {script}; COMP_WORDS=(prodassoc train --model po); COMP_CWORD=3; "
        "_prodassoc_completion prodassoc; echo ${COMPREPLY[@]}; complete -p prodassoc"
    )
    done = subprocess.run(["bash", "-c", asked], env=shell.env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "popularity"
    assert "-o default" in done.stdout  # names of files where nothing else fits
