"""What students run: their code in a child process, what came of it, and what is wrong with it."""
