"""The API for aggregators: `/api/v1`, opened by tokens, one organization per token."""
