"""A technique that someone adds: its file and its vectors. The one name in the list is added by the test."""
