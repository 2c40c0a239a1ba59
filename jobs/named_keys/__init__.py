"""The named keys of ``keys.yaml`` in use: opened, checked, delivered, counted by their versions."""
