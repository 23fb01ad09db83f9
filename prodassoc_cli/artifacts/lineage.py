"""What made an artifact: kind, command, parameters, seed and the digests of its inputs.

Stored as JSON under one key of the Parquet metadata. No clock, host name or absolute path is in it, so that
the same inputs, parameters and seed give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prodassoc_cli.artifacts.schemas import SCHEMA_VERSION
from prodassoc_cli.version import __version__

METADATA_KEY = b"prodassoc"
_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class InputDigest:
    """One input file of a run: its role, its name without folders, and the SHA-256 of its bytes."""

    role: str
    name: str
    sha256: str


@dataclass(frozen=True)
class Lineage:
    """What made an artifact.

    Attributes:
        kind: the artifact's kind.
        command: the command that wrote it.
        parameters: the options that decided what is in it.
        seed: the seed of everything random.
        inputs: digests of what was read.
        details: facts of this artifact that its readers need, such as the number of baskets.
        schema_version: version of the schemas it was written with.
        tool_version: version of the tool that wrote it.
    """

    kind: str
    command: str
    parameters: dict[str, Any]
    seed: int
    inputs: tuple[InputDigest, ...]
    details: dict[str, Any] = field(default_factory=dict)
    schema_version: str = SCHEMA_VERSION
    tool_version: str = __version__

    def to_json(self) -> str:
        """Return the canonical JSON text: sorted keys, no white space."""
        return json.dumps(
            asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Lineage:
        """Return the lineage a file carries.

        Raises:
            ValueError: the text is not the JSON of a lineage.
        """
        try:
            raw = json.loads(text)
            inputs = tuple(InputDigest(**each) for each in raw.pop("inputs"))
            found = cls(inputs=inputs, **raw)
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"no lineage: {error}") from error
        found._check_types()
        return found

    def _check_types(self) -> None:
        """Refuse values of other types than declared; anyone may have written the JSON.

        Raises:
            ValueError: there is one.
        """
        texts = [self.kind, self.command, self.schema_version, self.tool_version]
        texts += [text for each in self.inputs for text in (each.role, each.name, each.sha256)]
        fits = all(isinstance(text, str) for text in texts) and type(self.seed) is int
        if not (fits and isinstance(self.parameters, dict) and isinstance(self.details, dict)):
            raise ValueError("no lineage: a value is of another type")

    def same_run(self, other: Lineage) -> bool:
        """Return whether the other artifact came from the same command, inputs and parameters."""
        own, others = asdict(self), asdict(other)
        for each in (own, others):
            del each["details"]
        return json.dumps(own, sort_keys=True) == json.dumps(others, sort_keys=True)


def digest_file(path: Path, role: str, name: str) -> InputDigest:
    """Return the digest of a file.

    Args:
        path: the file.
        role: what it is to the command: `orders`, `products`.
        name: its name in the lineage.
    """
    # Of small blocks, as `hashlib.file_digest` reads, each must wait for its turn among Python's threads.
    digest, block = hashlib.sha256(), memoryview(bytearray(_BLOCK_BYTES))
    with path.open("rb", buffering=0) as stream:
        while read := stream.readinto(block):
            digest.update(block[:read])
    return InputDigest(role, name, digest.hexdigest())
