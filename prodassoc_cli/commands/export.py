"""`prodassoc export`: a BERT checkpoint → an ONNX model folder for `embed --model`."""

from __future__ import annotations

from pathlib import Path

import typer

from prodassoc_cli.commands.options.build import InputArgument, command
from prodassoc_cli.errors import NoInput, UsageProblem, did_you_mean
from prodassoc_cli.settings import CommonConfig, ExportConfig
from prodassoc_cli.terminal.messages import Messages


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command(
        app,
        "export",
        ExportConfig,
        InputArgument("checkpoint", "Folder with config.json, model.safetensors and tokenizer.json"),
        (
            "prodassoc export all-MiniLM-L12-v2 -o minilm-l12",
            "prodassoc export xlm-roberta-base -o xlmr --precision fp32",
        ),
        perform,
    )


def perform(inputs: list[str], config: ExportConfig, common: CommonConfig) -> None:
    """Build the ONNX model; no torch is needed."""
    from prodassoc_cli.embedding.export.onnx_folder import export_checkpoint

    messages = Messages("export", quiet=common.quiet, log_format=common.log_format)
    folder = Path(inputs[0])
    if not folder.is_dir():
        beside = [each.name for each in folder.parent.glob("*/")]
        hint = did_you_mean(folder.name, beside, otherwise="name the folder that holds config.json")
        raise NoInput(f"no folder {folder}", hint)
    if common.output is None:
        raise UsageProblem("export writes a folder", "name it with -o")
    if common.dry_run:
        size = sum(each.stat().st_size for each in folder.iterdir() if each.is_file())
        share = 0.25 if config.precision == "int8" else 1.0
        messages.info(f"would read checkpoint from {folder} ({size:,} bytes)")
        messages.info(f"would export its layers as an ONNX graph, weights in {config.precision}")
        messages.info(f"would write a model folder to {common.output}, about {share * size / 1e6:,.1f} MB")
        return
    report = export_checkpoint(folder, Path(common.output), config.precision, overwrite=common.force)
    messages.info(
        f"{report.name}: {report.architecture}, {report.layers} layers, {report.dimension} numbers a vector, "
        f"{report.precision}, {report.bytes / 1e6:.1f} MB, sha256 {report.onnx_sha256[:12]}…"
    )
    messages.hint(f"prodassoc embed products.parquet --model {common.output} -o embeddings.parquet")
