"""What stands in a student edition where a solution goes."""


class Todo(NotImplementedError):
    """Raised by an exercise that nobody has solved yet; the text begins with the exercise's name."""
