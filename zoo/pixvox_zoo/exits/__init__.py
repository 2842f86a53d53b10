"""Exits: a backbone as a model of another library, or as ONNX."""
