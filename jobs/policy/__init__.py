"""What the policy says of a configuration, and what a change of it means. No Spark."""
