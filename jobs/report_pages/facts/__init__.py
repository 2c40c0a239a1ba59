"""What pages say, as plain data, and where it comes from. No value of a table is in it, no key, no small count."""
