from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import onnxruntime
import pytest

from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder
from prodassoc_cli.embedding.encoders.providers import CPU, choose_provider
from prodassoc_cli.errors import UsageProblem

CUDA, OPENVINO = "CUDAExecutionProvider", "OpenVINOExecutionProvider"


def install(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [*names, CPU])


def test_a_provider_is_found_by_any_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, CUDA, OPENVINO)
    assert choose_provider() == CPU
    assert choose_provider("cuda") == CUDA
    for name in ("OpenVINO", "openvino", OPENVINO):
        assert choose_provider(provider=name) == OPENVINO


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"device": "cuda"}, "onnxruntime-gpu"),
        ({"provider": "OpenVINO"}, "onnxruntime-openvino"),
        ({"provider": "cpv"}, "did you mean 'cpu'?"),
    ],
)
def test_a_missing_provider_is_named_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, str], hint: str
) -> None:
    install(monkeypatch, "AzureExecutionProvider")
    with pytest.raises(UsageProblem, match="only Azure, CPU") as caught:
        choose_provider(**options)
    assert hint in caught.value.hint


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_does_not_start_is_an_error(tiny_model: Path) -> None:
    """As with the GPU build of onnxruntime on a machine without a GPU: listed, then left out in silence."""
    if CUDA in onnxruntime.get_available_providers():
        pytest.skip("here CUDA may start")
    with pytest.raises(UsageProblem, match=f"cannot start {CUDA}"):
        OnnxEncoder(tiny_model, provider=CUDA).encode(["tea"])


def test_another_provider_runs_and_has_a_fingerprint_of_its_own(tiny_model: Path) -> None:
    others = [name for name in onnxruntime.get_available_providers() if name != CPU]
    if not others:
        pytest.skip("this onnxruntime has the processor only")
    here, there = OnnxEncoder(tiny_model), OnnxEncoder(tiny_model, provider=others[0])
    assert here.fingerprint != there.fingerprint
    texts = ["red lantern", "tea"]
    np.testing.assert_allclose(there.encode(texts).vectors, here.encode(texts).vectors, atol=1e-3)


class Elsewhere:
    """A session on a device that is not here: the processor does its work, until it is told to fail."""

    real = onnxruntime.InferenceSession
    opened: ClassVar[list[list[str]]] = []
    fails_at = ""

    def __init__(self, model: bytes, options: onnxruntime.SessionOptions, providers: list[str]) -> None:
        self.opened.append(providers)
        if self.fails_at == "opening" and providers != [CPU]:
            raise RuntimeError("no kernel for QuantizeLinear")
        self._providers = providers
        self._session = self.real(model, options, providers=[CPU])

    def get_providers(self) -> list[str]:
        return self._providers

    def run(self, *arguments: object) -> object:
        if self.fails_at == "running":
            raise RuntimeError("no kernel for QuantizeLinear")
        return self._session.run(*arguments)

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)


def test_a_device_is_asked_first_and_the_processor_does_what_it_cannot(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, CUDA)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Elsewhere)
    monkeypatch.setattr(Elsewhere, "opened", [])
    here, there = (OnnxEncoder(tiny_model, provider=choose_provider(name)) for name in ("cpu", "cuda"))
    assert here.fingerprint != there.fingerprint
    texts = ["red lantern", "tea"]
    by_processor = here.encode(texts).vectors
    np.testing.assert_array_equal(there.encode(texts).vectors, by_processor)
    assert Elsewhere.opened == [[CPU], [CUDA, CPU]]


@pytest.mark.parametrize("fails_at", ["opening", "running"])
def test_a_model_that_a_provider_cannot_run_is_not_called_damaged(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    """As OpenVINO with a model in int8, whose scales are one a token."""
    monkeypatch.setattr(onnxruntime, "InferenceSession", Elsewhere)
    monkeypatch.setattr(Elsewhere, "fails_at", fails_at)
    with pytest.raises(UsageProblem, match=f"{OPENVINO} cannot run .*QuantizeLinear") as caught:
        OnnxEncoder(tiny_model, provider=OPENVINO).encode(["tea"])
    assert "precision=fp32" in caught.value.hint
