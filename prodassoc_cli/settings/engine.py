"""Options of the commands that can run on a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from prodassoc_cli.declare import setting

_ENGINE: dict[str, Any] = {"group": "Engine", "result": False}


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Where a stage runs."""

    engine: Literal["local", "spark"] = setting("local", "Execution engine", **_ENGINE)
    master: str = setting(
        "local[*]", "Spark master: local[2], spark://host:7077, sc://host:15002", metavar="URL", **_ENGINE
    )
    spark_conf: list[str] = setting(
        [], "Spark setting: spark.executor.memory=2g (repeatable)", metavar="NAME=VALUE", **_ENGINE
    )
