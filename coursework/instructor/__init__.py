"""What students never get: known mistakes as code, student editions, grading."""
