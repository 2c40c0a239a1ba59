"""What must hold before the first byte is written."""
