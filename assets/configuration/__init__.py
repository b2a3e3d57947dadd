"""The parts of this app's admin pages."""
