"""The only reads and writes of tables: where one is, how it is read, what stands at a target, the one commit."""
