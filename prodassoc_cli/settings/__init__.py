"""Every option of every stage, declared once: name, default, bounds, meaning.

The command line, the environment variables, `prodassoc.toml`, the help texts and the artifacts' lineage
all derive from these classes (`prodassoc_cli.commands.options.build` does it). Plain Python on purpose: no
heavy import, so that `--help` stays quick.
"""

from prodassoc_cli.settings.clean import CleanConfig
from prodassoc_cli.settings.common import CommonConfig, Format
from prodassoc_cli.settings.embed import EmbedConfig, ExportConfig
from prodassoc_cli.settings.evaluate import EvaluateConfig
from prodassoc_cli.settings.inspect import InspectConfig
from prodassoc_cli.settings.mine import MineConfig
from prodassoc_cli.settings.recommend import RecommendConfig
from prodassoc_cli.settings.train import ModelName, TrainConfig

__all__ = [
    "CleanConfig",
    "CommonConfig",
    "EmbedConfig",
    "EvaluateConfig",
    "ExportConfig",
    "Format",
    "InspectConfig",
    "MineConfig",
    "ModelName",
    "RecommendConfig",
    "TrainConfig",
]
