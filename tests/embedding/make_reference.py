"""Recompute reference.json: vectors of the default model's source weights by sentence-transformers.

Needs torch and sentence-transformers, which the project itself never does:
    python tests/embedding/make_reference.py CHECKPOINT_DIR
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TEXTS = [
    "WHITE HANGING HEART T-LIGHT HOLDER",
    "white metal lantern",
    "Set of 6 spice tins, pantry design",
    "Cordless drill 18 V with two batteries and charger",
    "Organic whole milk 1 l Alpine Dairy Food > Dairy > Milk",
    "semi-skimmed milk, 2 pints",
    "Espresso beans dark roast 500 g",
    "A",
    "",
    "42",
    "Crème brûlée torch — butane, refillable",
    "Children's wooden puzzle: animals of the savannah (24 pieces)",
    "JUMBO BAG RED RETROSPOT",
    "Lunch bag red retrospot",
    "USB-C to HDMI adapter 4K@60Hz",
    "Running shoes men size 44 EU black/yellow",
    "Shampoo for dry hair with argan oil, 250ml",
    "Gift card £25",
    "红茶 500克",
    "A garden hose of twenty metres with a brass spray nozzle, a tap connector, a wall bracket and a hose "
    "reel that winds itself; frost-proof, resistant to ultraviolet light, made of recycled material, with "
    "ten years' guarantee",
    "hose " * 400,
]

if __name__ == "__main__":
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(sys.argv[1], device="cpu")
    vectors = model.encode(TEXTS, batch_size=1, normalize_embeddings=True)
    rows = [
        {"text": text, "vector": [round(float(x), 6) for x in vector]}
        for text, vector in zip(TEXTS, vectors, strict=True)
    ]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    Path(__file__).with_name("reference.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
