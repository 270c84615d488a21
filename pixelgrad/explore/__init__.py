"""The explorer: a page in the browser that shows a network's numbers, forward and backward, while you touch them.

- `messages`: arrays as binary frames, between page, server and computation
- `street`, `microscope`, `attribution`, `fooling`, `live`: what is computed, by the package's own functions
- `answers`: requests of the page, and who answers them
- `worker`, `process`: the computations run in a process of their own, which can be ended
- `app`, `serve`: the server, for this computer only
- `texts`, `sources`: what the page says, and the lines of code that it shows
- `export`: the page as one file, with results computed beforehand
"""
