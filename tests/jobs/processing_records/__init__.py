"""Records of processing."""
