"""Media, file to file: probing, posters and proxies by PyAV, in a child process that cannot do harm.

`runner` is the half that the rest of the program calls; `child` and what it imports run inside the sandbox.
"""
