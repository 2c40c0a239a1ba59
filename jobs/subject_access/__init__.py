"""All that is held of one person, given to them: approved, told to the audit log, and only what is about them."""
