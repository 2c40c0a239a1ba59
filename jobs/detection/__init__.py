"""What a scan of tables finds out, and what it proposes: counts and shares about columns, never a value of them."""
