"""The boundary between a submission and everything else while it is graded."""
