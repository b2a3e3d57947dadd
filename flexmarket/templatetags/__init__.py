"""What templates of the market need."""
