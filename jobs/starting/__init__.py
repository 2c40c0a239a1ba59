"""From one's own files to entries of a catalog: the folder of the configuration as it begins, and drafts accepted."""
