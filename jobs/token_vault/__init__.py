"""Random tokens of domains: values that get one, tokens that are exchanged, what a vault holds."""
