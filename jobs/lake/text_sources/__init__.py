"""CSV and JSON, read exactly: every line is parsed in whole arrays, or refused with its file and place."""
