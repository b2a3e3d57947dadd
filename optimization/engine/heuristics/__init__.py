"""Heuristics beside the exact solver: genomes over decisions, with the linear dispatch inside (docs/heuristics.md)."""
