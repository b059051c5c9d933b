"""The command line: one module a command, and what they share.

Life of a command: :func:`engine.cli.app.invoke` parses the arguments (typer), the command's module turns its flags into
checked settings (:mod:`.flags`) and asks the engine (:class:`engine.api.Engine`, the context's object); its exit code
is the process's.

Law: what was asked for goes to stdout, all talk to stderr. Bad usage is one line on stderr and code 2; an expected
failure has no traceback, an unexpected one has, and code 5.
"""
