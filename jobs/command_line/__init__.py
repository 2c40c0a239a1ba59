"""The command lines of jobs: each flag once, and which tables are asked for."""
