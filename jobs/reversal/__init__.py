"""The way back: what is asked, who approved it, which columns it is of, and what the audit log is told."""
