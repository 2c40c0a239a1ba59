"""Lineage: what a run did, as OpenLineage tells it, to a file or to a receiver."""
