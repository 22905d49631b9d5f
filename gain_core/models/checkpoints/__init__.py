"""Checkpoints of other programs: read without running them, recognised, and written again as they were."""
