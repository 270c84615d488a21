"""What students run: their code in a child process, the outcomes, and what is wrong with them."""
