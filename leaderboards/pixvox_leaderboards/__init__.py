"""COMPARES: boards, regenerated from result files."""
