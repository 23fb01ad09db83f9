"""Vectors of product texts."""

import os

# Recent builds of onnxruntime keep an id of the machine in the user's cache folder and report their use over
# the network, unless set otherwise before they are loaded. A shop's catalogue is nobody else's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
