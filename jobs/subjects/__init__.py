"""Where persons stand in all tables: who is asked for, the places that hold them, and their rows."""
