"""Whether a treated table is what it says, and whether anything of its source's identifiers survived in it."""
