"""The offers board: what a portfolio offers in every quarter-hour of a day, and for how much."""
