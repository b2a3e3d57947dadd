"""The scenario lab: try a site, change its numbers, and compare."""
