"""From a BERT checkpoint to the ONNX model that the encoder runs."""
