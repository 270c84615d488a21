"""What is asked: the exercises, their instructions and their cases."""
