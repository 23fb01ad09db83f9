"""Where onnxruntime computes: the processor, a GPU, or whatever else its build brings."""

from __future__ import annotations

import onnxruntime

from prodassoc_cli.errors import UsageProblem, did_you_mean

CPU = "CPUExecutionProvider"
_SUFFIX = "ExecutionProvider"
# Packages that bring a provider; they take the place of onnxruntime in the environment.
_PACKAGES = {
    "cuda": "onnxruntime-gpu",
    "tensorrt": "onnxruntime-gpu",
    "openvino": "onnxruntime-openvino",
    "dml": "onnxruntime-directml",
}


def choose_provider(device: str = "cpu", provider: str | None = None) -> str:
    """Return onnxruntime's name of the provider that `--provider`, or else `--device`, asks for.

    Args:
        device: `cpu` or `cuda`.
        provider: a provider by onnxruntime's name, with or without its ending: `OpenVINO`,
            `OpenVINOExecutionProvider`.

    Raises:
        UsageProblem: this build of onnxruntime does not have it.
    """
    flag = f"`provider={provider}`" if provider else f"`device={device}`"
    wanted = (provider or device).lower().removesuffix(_SUFFIX.lower())
    there = {name.removesuffix(_SUFFIX).lower(): name for name in onnxruntime.get_available_providers()}
    if wanted in there:
        return there[wanted]
    names = ", ".join(sorted(name.removesuffix(_SUFFIX) for name in there.values()))
    known = wanted in _PACKAGES
    raise UsageProblem(
        f"{flag}: the onnxruntime that is installed has no such provider, only {names}",
        f"pip uninstall onnxruntime && pip install {_PACKAGES[wanted]}"
        if known
        else did_you_mean(wanted, there),
    )
