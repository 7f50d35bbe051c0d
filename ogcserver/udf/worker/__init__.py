"""What runs in a worker process: it confines itself, then runs one script of one user, call after call.

These modules import the standard library, numpy, pandas and ``ogcserver.udf.types`` only: nothing else of the program
is needed, or to be seen, in there.
"""
