"""What must hold before the first byte is written: each gate a small function, all of them in one explicit list.

`run_gates` is that list; `configuration_gates` is the part of it that needs neither Spark nor keys. A gate asks
the room that knows and yields findings; it raises only where a record, of this table or another, cannot be read.
"""
