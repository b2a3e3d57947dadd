"""What calls delivered, and who is paid what for it."""
